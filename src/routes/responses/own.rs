//! Response bodies for a user's own login and sessions.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::directory::User;
use crate::id::UserId;
use crate::manager::OwnSession;
use crate::session::{NewSession, Session};

/// A login that succeeded.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct LoggedIn {
    /// The user's id.
    user_id: String,
    /// The display name.
    #[schema(required)]
    user_name: Option<String>,
    /// The e-mail address.
    #[schema(required)]
    email: Option<String>,
    /// The role.
    #[schema(required)]
    role: Option<String>,
    /// The JWT to send as `Authorization: Bearer`.
    access_token: String,
    token_type: TokenType,
    /// How long the token lives, in seconds.
    expires_in: u64,
    /// What the next refresh is to send: only where refresh tokens travel in bodies.
    #[schema(value_type = String)]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// The next tokens of a session.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Refreshed {
    /// The JWT to send as `Authorization: Bearer`.
    access_token: String,
    token_type: TokenType,
    /// How long the token lives, in seconds.
    expires_in: u64,
    /// What the next refresh is to send: only where refresh tokens travel in bodies.
    #[schema(value_type = String)]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Refreshed {
    pub(in crate::routes) fn new(
        access_token: String,
        expires_in: u64,
        refresh_token: Option<String>,
    ) -> Self {
        Self { access_token, token_type: TokenType::Bearer, expires_in, refresh_token }
    }
}

/// How the token is to be sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TokenType {
    Bearer,
}

impl LoggedIn {
    pub(in crate::routes) fn new<D>(
        session: &Session<D>,
        access_token: String,
        expires_in: u64,
        refresh_token: Option<String>,
    ) -> Self {
        Self {
            user_id: session.user_id().to_string(),
            user_name: session.user_name().map(str::to_owned),
            email: session.email().map(str::to_owned),
            role: session.role().map(str::to_owned),
            access_token,
            token_type: TokenType::Bearer,
            expires_in,
            refresh_token,
        }
    }

    /// The body of a login with a token that has no session.
    pub(in crate::routes) fn without_session<D>(
        new: NewSession<D>,
        access_token: String,
        expires_in: u64,
    ) -> Self {
        let NewSession { user, content, .. } = new;
        Self {
            user_id: user.to_string(),
            user_name: content.user_name,
            email: content.email,
            role: content.role,
            access_token,
            token_type: TokenType::Bearer,
            expires_in,
            refresh_token: None,
        }
    }
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Done {
    /// What was done, for a person.
    pub(in crate::routes) message: String,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Deleted {
    /// What was done, for a person.
    pub(in crate::routes) message: String,
    /// How many sessions were ended.
    pub(in crate::routes) deleted_count: u64,
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Account {
    /// The user's id.
    user_id: String,
    /// The display name.
    #[schema(required)]
    user_name: Option<String>,
    /// The e-mail address.
    #[schema(required)]
    email: Option<String>,
    /// The role.
    #[schema(required)]
    role: Option<String>,
}

impl Account {
    pub(in crate::routes) fn new(id: &UserId, user: User) -> Self {
        let User { user_name, email, role, .. } = user;
        let role = role.name().map(str::to_owned);
        Self { user_id: id.to_string(), user_name, email, role }
    }
}

/// The caller's session.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct CurrentSession {
    /// The user's id.
    user_id: String,
    /// The display name.
    #[schema(required)]
    user_name: Option<String>,
    /// The e-mail address.
    #[schema(required)]
    email: Option<String>,
    /// The role.
    #[schema(required)]
    role: Option<String>,
    /// When the session began.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used.
    #[schema(format = DateTime)]
    last_activity: String,
    /// How long it lives unless it is used, in seconds.
    ttl: u64,
    /// Where the login came from.
    #[schema(required)]
    ip_address: Option<String>,
}

impl<D> From<&Session<D>> for CurrentSession {
    fn from(session: &Session<D>) -> Self {
        Self {
            user_id: session.user_id().to_string(),
            user_name: session.user_name().map(str::to_owned),
            email: session.email().map(str::to_owned),
            role: session.role().map(str::to_owned),
            created_at: time(session.created()),
            last_activity: time(session.last_activity()),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
        }
    }
}

/// The caller's sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct OwnSessions {
    /// The sessions, the latest used first.
    pub(in crate::routes) sessions: Vec<Device>,
    /// How many there are.
    pub(in crate::routes) total: u64,
}

/// One of the caller's sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Device {
    /// The session's public name.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    session_id: String,
    /// When the session began.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used.
    #[schema(format = DateTime)]
    last_activity: String,
    /// How long it lives unless it is used, in seconds.
    ttl: u64,
    /// Where the login came from.
    #[schema(required)]
    ip_address: Option<String>,
    /// What the client called itself at the login.
    #[schema(required)]
    user_agent: Option<String>,
    /// Whether it is the session of this very request.
    current: bool,
}

impl<D> From<&OwnSession<D>> for Device {
    fn from(own: &OwnSession<D>) -> Self {
        let session = &own.session;
        Self {
            session_id: session.id().to_string(),
            created_at: time(session.created()),
            last_activity: time(session.last_activity()),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
            user_agent: session.user_agent().map(str::to_owned),
            current: own.current,
        }
    }
}
