//! Handlers for administrators: the sessions of all users.

use std::time::Duration;

use axum::extract::State;
use http::Uri;

use super::context::Context;
use super::input::{self, Paging, Params};
use super::response::{self, Answer};
use super::responses::{
    Cleaned, Deleted, Done, ListedSession, SessionList, SessionStatistics, UserSession,
    UserSessions,
};
use crate::cache::Session;
use crate::error::ErrorCode;
use crate::reason::RevokeReason;
use crate::session::SessionData;
use crate::store::Target;

/// Maximum age of the statistics that the route returns. A new count scans the whole store.
const STATISTICS_AGE: Duration = Duration::from_secs(60);

/// Handles `GET /all`: returns one page of the sessions of all users.
pub(super) async fn all<D: SessionData>(State(context): State<Context<D>>, uri: Uri) -> Answer {
    let Paging { limit, cursor } = Paging::parse(uri.query())?;
    let page = context.manager.all_sessions_without_data(cursor.as_ref(), limit).await?;
    let sessions: Vec<_> = page.sessions.iter().map(ListedSession::from).collect();
    response::ok(&SessionList {
        total: sessions.len() as u64,
        sessions,
        next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
    })
}

/// Handles `GET /stats`: returns statistics that are at most [`STATISTICS_AGE`] old.
pub(super) async fn statistics<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let statistics = context.manager.recent_statistics(STATISTICS_AGE).await?;
    response::ok(&SessionStatistics::from(&*statistics))
}

/// Handles `GET /user/{user_id}`: lists the sessions of one user.
pub(super) async fn user<D: SessionData>(
    State(context): State<Context<D>>,
    params: Params,
) -> Answer {
    let user = input::user_id(&params)?;
    let sessions = context.manager.sessions_without_data(&user).await?;
    let sessions: Vec<_> = sessions.iter().map(UserSession::from).collect();
    let (user_id, total) = (user.to_string(), sessions.len() as u64);
    response::ok(&UserSessions { user_id, sessions, total })
}

/// Handles `DELETE /user/{user_id}`: revokes all sessions of one user.
pub(super) async fn end_user<D: SessionData>(
    State(context): State<Context<D>>,
    admin: Session<D>,
    params: Params,
) -> Answer {
    let user = input::user_id(&params)?;
    let manager = context.manager.acting_as(admin.user_id().clone());
    let count =
        manager.revoke(&user, Target::All, RevokeReason::Admin).await?.sessions.len() as u64;
    let message = format!("Successfully deleted {count} session(s) for user {user}");
    response::ok(&Deleted { message, deleted_count: count })
}

/// Handles `DELETE /user/{user_id}/sessions/{session_id}`: revokes one session of that user.
/// Answers 404 if that user has no live session with this id.
pub(super) async fn end_session<D: SessionData>(
    State(context): State<Context<D>>,
    admin: Session<D>,
    params: Params,
) -> Answer {
    let (user, id) = (input::user_id(&params)?, input::session_id(&params)?);
    let manager = context.manager.acting_as(admin.user_id().clone());
    if manager.revoke(&user, &id, RevokeReason::Admin).await?.was_live() {
        response::ok(&Done { message: "Session ended".to_owned() })
    } else {
        Err(ErrorCode::NotFound.into())
    }
}

/// Handles `POST /cleanup`: removes expired sessions from the store.
pub(super) async fn cleanup<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let count = context.manager.cleanup(|_| {}).await?;
    let message = format!("Cleaned up {count} expired session(s)");
    response::ok(&Cleaned { message, cleaned_count: count })
}
