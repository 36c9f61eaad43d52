//! `/api/session`: this session, as the store has it.

use axum::Json;
use axum::extract::State;
use chrono::SecondsFormat;
use serde::Serialize;
use tower_session_auth::{AuthErrorKind, Session};

use crate::app::App;
use crate::problem::Problem;

#[derive(Serialize)]
pub(crate) struct Me {
    user_id: String,
    user_name: Option<String>,
    email: Option<String>,
    role: Option<String>,
    created_at: String,
    last_activity: String,
    ttl: u64,
    ip_address: Option<String>,
}

/// Asks the store once more: the layer's session may lag behind in last activity and time to live.
pub(crate) async fn me(State(app): State<App>, session: Session) -> Result<Json<Me>, Problem> {
    let found = app.manager.get(session.user_id(), session.id()).await;
    let Some(session) = found.map_err(|error| Problem::from_session_error(&error))? else {
        return Err(Problem::auth(AuthErrorKind::SessionExpired));
    };
    Ok(Json(Me {
        user_id: session.user_id().to_string(),
        user_name: session.user_name().map(str::to_owned),
        email: session.email().map(str::to_owned),
        role: session.role().map(str::to_owned),
        created_at: session.created().to_rfc3339_opts(SecondsFormat::Secs, true),
        last_activity: session.last_activity().to_rfc3339_opts(SecondsFormat::Secs, true),
        ttl: session.ttl().as_secs(),
        ip_address: session.ip_address().map(|address| address.to_string()),
    }))
}
