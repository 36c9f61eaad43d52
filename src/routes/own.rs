//! Handlers for a user's own sessions.

use axum::extract::State;

use super::context::Context;
use super::error_response::Problem;
use super::input::{self, Params};
use super::response::{self, Answer};
use super::responses::{Account, CurrentSession, Deleted, Device, Done, OwnSessions};
use crate::cache::Session;
use crate::error::ErrorCode;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::reason::RevokeReason;
use crate::session::SessionData;
use crate::store::Target;

/// Handles `POST /logout-all`: revokes all sessions of the caller.
pub(super) async fn logout_all<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
) -> Answer {
    let ended = context
        .manager
        .revoke(session.user_id(), Target::All, RevokeReason::LogoutAll)
        .await?
        .sessions;
    let count = ended.len() as u64;
    let message = format!("Successfully logged out of {count} session(s)");
    response::ok(&Deleted { message, deleted_count: count })
}

/// Handles `GET /me` of the auth routes: returns the caller's user data. The user directory is
/// asked at each request. Without a user directory, the data of the session is returned.
pub(super) async fn account<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
) -> Answer {
    let session = stored(&context, &session).await?;
    match context.manager.account(&session).await {
        Ok(user) => response::ok(&Account::new(session.user_id(), user)),
        Err(SessionError::AccountInactive) => {
            let error = AuthError::from(AuthErrorKind::AccountInactive);
            let who = (session.user_id().clone(), session.id().clone());
            context.manager.refused(&error, Some(who));
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Handles `GET /sessions`: lists the caller's sessions. Answers 401 if the session of the request
/// is no longer in the store.
pub(super) async fn sessions<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
) -> Answer {
    let own = context.manager.own_sessions_without_data(&session).await?;
    if !own.iter().any(|own| own.current) {
        return Err(why_gone(&context, &session).await);
    }
    let sessions: Vec<_> = own.iter().map(Device::from).collect();
    response::ok(&OwnSessions { total: sessions.len() as u64, sessions })
}

/// Handles `DELETE /sessions/{session_id}`: revokes one of the caller's sessions. Answers 404 if
/// the caller has no live session with this id.
pub(super) async fn end_session<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
    params: Params,
) -> Answer {
    let id = input::session_id(&params)?;
    if context.manager.revoke(session.user_id(), &id, RevokeReason::Logout).await?.was_live() {
        response::ok(&Done { message: "Session ended".to_owned() })
    } else {
        Err(ErrorCode::NotFound.into())
    }
}

/// Handles `GET /me` of the session routes: returns the caller's session.
pub(super) async fn current<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
) -> Answer {
    response::ok(&CurrentSession::from(&stored(&context, &session).await?))
}

/// Handles `POST /refresh` of the session routes: restarts the idle TTL of the session.
pub(super) async fn refresh<D: SessionData>(
    State(context): State<Context<D>>,
    session: Session<D>,
) -> Answer {
    match context.manager.touch(session.user_id(), session.id()).await {
        Ok(_) => response::ok(&Done { message: "Session refreshed successfully".to_owned() }),
        Err(SessionError::Gone) => Err(why_gone(&context, &session).await),
        Err(error) => Err(error.into()),
    }
}

/// Reads the session from the store. The session that the layer attached to the request may have an
/// older last activity and an older time to live.
async fn stored<D: SessionData>(
    context: &Context<D>,
    session: &Session<D>,
) -> Result<Session<D>, Problem> {
    match context.manager.get(session.user_id(), session.id()).await? {
        Some(session) => Ok(session),
        None => Err(why_gone(context, session).await),
    }
}

/// Returns why a session that was accepted a moment ago is no longer live. Emits the event of the
/// refusal.
async fn why_gone<D: SessionData>(context: &Context<D>, session: &Session<D>) -> Problem {
    let (user, id) = (session.user_id(), session.id());
    let (error, _) = context.manager.why_ended(user, id).await;
    context.manager.refused(&error, Some((user.clone(), id.clone())));
    error.into()
}
