//! `/api/auth` and `/auth`: login, logout, who am I.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_session_auth::{AuthError, NewSession, bearer};

use crate::app::App;
use crate::body::JsonBody;
use crate::passwords::Verdict;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::users::User;

#[derive(Serialize)]
struct LoggedIn<'a> {
    #[serde(flatten)]
    user: Me<'a>,
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

#[derive(Serialize)]
struct Me<'a> {
    user_id: &'a str,
    user_name: &'a str,
    email: &'a str,
    role: &'a str,
}

impl<'a> Me<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            user_id: user.id.as_str(),
            user_name: &user.name,
            email: &user.email,
            role: &user.role,
        }
    }
}

/// The shape is checked by hand, so that a wrong one is told by field name and never quotes a password.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    user_id: Option<Value>,
    email: Option<Value>,
    password: Option<Value>,
}

enum Name {
    Id(String),
    Email(String),
}

impl Credentials {
    fn checked(self) -> Result<(Name, String), Problem> {
        let name = match (self.user_id, self.email) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid_body("give `user_id` or `email`, not both"));
            }
            (Some(id), None) => Name::Id(text("user_id", id)?),
            (None, Some(email)) => Name::Email(text("email", email)?),
            (None, None) => return Err(Problem::invalid_body("`user_id` or `email` is missing")),
        };
        let Some(password) = self.password else {
            return Err(Problem::invalid_body("`password` is missing"));
        };
        Ok((name, text("password", password)?))
    }
}

fn text(field: &str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Problem::invalid_body(format!("`{field}` must be a string"))),
    }
}

pub(crate) async fn login(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<Response, Problem> {
    let (name, password) = credentials.checked()?;
    let user = match &name {
        Name::Id(id) => app.users.by_id(id),
        Name::Email(email) => app.users.by_email(email),
    };
    // The same work for a user who is unknown, has another password or is not active.
    let verdict = app.passwords.verify(password, user.map(|user| user.hash.clone())).await;
    let user = match (verdict, user) {
        (Verdict::Right, Some(user)) if user.active() => user,
        (Verdict::Right | Verdict::Wrong, user) => {
            // Who tried is told only when it is one of ours: what else people type there may be a password.
            let user = user.map(|user| user.id.as_str());
            tracing::warn!(user, from = ?peer.0, "login refused");
            return Err(Problem::invalid_credentials());
        }
        (Verdict::TooBusy, _) => return Err(Problem::overloaded()),
    };

    let mut new = NewSession::new(user.id.clone())
        .user_name(user.name.clone())
        .email(user.email.clone())
        .role(user.role.clone());
    if let Some(address) = peer.0 {
        new = new.ip_address(address);
    }
    if let Some(agent) = headers.get(USER_AGENT) {
        new = new.user_agent(&String::from_utf8_lossy(agent.as_bytes()));
    }
    let login =
        app.manager.create(new).await.map_err(|error| Problem::from_session_error(&error))?;
    tracing::info!(user = %user.id.as_str().escape_debug(), session = login.session.id().short(), "login");
    Ok(Json(LoggedIn {
        user: Me::of(user),
        access_token: login.access_token,
        token_type: "bearer",
        expires_in: login.expires_in.as_secs(),
    })
    .into_response())
}

/// Works with an access token that has expired, and is idempotent: a session that is gone is logged out.
pub(crate) async fn logout(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, AuthError> {
    let lived = app.manager.logout(bearer(&headers)?).await?;
    tracing::info!(lived, "logout");
    Ok(Json(json!({"message": "Successfully logged out"})).into_response())
}

/// Reads the user from the directory, so that one who was switched off is 403 although the session lives.
pub(crate) async fn me(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let token = bearer(&headers).map_err(Problem::from_auth_error)?;
    let session = app.manager.authenticate(token).await.map_err(Problem::from_auth_error)?;
    match app.users.by_id(session.user_id().as_str()) {
        Some(user) if user.active() => Ok(Json(Me::of(user)).into_response()),
        Some(_) | None => Err(Problem::account_inactive()),
    }
}
