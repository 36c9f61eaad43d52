//! Response bodies for a user's own login and sessions.

use serde::Serialize;
use utoipa::ToSchema;

use crate::cache::Session;
use crate::directory::User;
use crate::id::UserId;
use crate::manager::OwnSession;
use crate::session::NewSession;

/// The result of a successful login.
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
    /// The lifetime of the access token, in seconds.
    expires_in: u64,
    /// The token for the next refresh. Present only if refresh tokens travel in bodies.
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
    /// The lifetime of the access token, in seconds.
    expires_in: u64,
    /// The token for the next refresh. Present only if refresh tokens travel in bodies.
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

/// How to send the access token.
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

    /// Returns the body of a login whose access token has no session.
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

/// The result of a successful request.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Done {
    /// What was done, as a text for people.
    pub(in crate::routes) message: String,
}

/// The result of the revocation of all sessions of a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Deleted {
    /// What was done, as a text for people.
    pub(in crate::routes) message: String,
    /// The number of sessions that were revoked.
    pub(in crate::routes) deleted_count: u64,
}

/// The caller's user data.
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
    /// When the session was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the session was last used.
    #[schema(format = DateTime)]
    last_activity: String,
    /// How long the session lives without further use, in seconds.
    ttl: u64,
    /// The IP address that the login came from.
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
            created_at: session.created().to_rfc3339_seconds(),
            last_activity: session.last_activity().to_rfc3339_seconds(),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
        }
    }
}

/// The caller's sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct OwnSessions {
    /// The sessions, the most recently used first.
    pub(in crate::routes) sessions: Vec<Device>,
    /// The number of sessions.
    pub(in crate::routes) total: u64,
}

/// One of the caller's sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Device {
    /// The session's public id.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    session_id: String,
    /// When the session was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the session was last used.
    #[schema(format = DateTime)]
    last_activity: String,
    /// How long the session lives without further use, in seconds.
    ttl: u64,
    /// The IP address that the login came from.
    #[schema(required)]
    ip_address: Option<String>,
    /// The user agent of the client at the login.
    #[schema(required)]
    user_agent: Option<String>,
    /// Whether this is the session of the request.
    current: bool,
}

impl<D> From<&OwnSession<D>> for Device {
    fn from(own: &OwnSession<D>) -> Self {
        let session = &own.session;
        Self {
            session_id: session.id().to_string(),
            created_at: session.created().to_rfc3339_seconds(),
            last_activity: session.last_activity().to_rfc3339_seconds(),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
            user_agent: session.user_agent().map(str::to_owned),
            current: own.current,
        }
    }
}
