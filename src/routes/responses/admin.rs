//! Response bodies for administrators.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::cache::Session;
use crate::manager::Statistics;

/// One page of the sessions of all users.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct SessionList {
    /// The sessions, in no particular order.
    pub(in crate::routes) sessions: Vec<ListedSession>,
    /// The number of sessions on this page. `/stats` returns the number of all sessions.
    pub(in crate::routes) total: u64,
    /// The cursor of the next page; `null` on the last page.
    #[schema(required)]
    pub(in crate::routes) next_cursor: Option<String>,
}

/// A session in the list of the sessions of all users.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct ListedSession {
    /// The session's public id.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    session_id: String,
    /// The user's id.
    user_id: String,
    /// The display name.
    #[schema(required)]
    user_name: Option<String>,
    /// The role.
    #[schema(required)]
    role: Option<String>,
    /// How long the session lives without further use, in seconds.
    ttl: u64,
    /// When the session was last used.
    #[schema(format = DateTime)]
    last_activity: String,
}

impl<D> From<&Session<D>> for ListedSession {
    fn from(session: &Session<D>) -> Self {
        Self {
            session_id: session.id().to_string(),
            user_id: session.user_id().to_string(),
            user_name: session.user_name().map(str::to_owned),
            role: session.role().map(str::to_owned),
            ttl: session.ttl().as_secs(),
            last_activity: session.last_activity().to_rfc3339_seconds(),
        }
    }
}

/// The sessions of one user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct UserSessions {
    /// The user's id.
    pub(in crate::routes) user_id: String,
    /// The sessions, the most recently used first.
    pub(in crate::routes) sessions: Vec<UserSession>,
    /// The number of sessions.
    pub(in crate::routes) total: u64,
}

/// One session of a user, as administrators see it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct UserSession {
    /// The session's public id.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    session_id: String,
    /// The user's id.
    user_id: String,
    /// The display name.
    #[schema(required)]
    user_name: Option<String>,
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
    /// The user agent of the client at the login.
    #[schema(required)]
    user_agent: Option<String>,
}

impl<D> From<&Session<D>> for UserSession {
    fn from(session: &Session<D>) -> Self {
        Self {
            session_id: session.id().to_string(),
            user_id: session.user_id().to_string(),
            user_name: session.user_name().map(str::to_owned),
            role: session.role().map(str::to_owned),
            created_at: session.created().to_rfc3339_seconds(),
            last_activity: session.last_activity().to_rfc3339_seconds(),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
            user_agent: session.user_agent().map(str::to_owned),
        }
    }
}

/// The number of live sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct SessionStatistics {
    /// The number of live sessions.
    total_sessions: u64,
    /// The number of live sessions by role. Sessions without a role are under the empty name.
    sessions_by_role: BTreeMap<String, u64>,
    /// The average time until the idle deadline, in seconds.
    average_ttl: u64,
    /// When the count began.
    #[schema(format = DateTime)]
    as_of: String,
}

impl From<&Statistics> for SessionStatistics {
    fn from(statistics: &Statistics) -> Self {
        Self {
            total_sessions: statistics.total,
            sessions_by_role: statistics.by_role.clone(),
            average_ttl: statistics.average_ttl.as_secs(),
            as_of: statistics.as_of.to_rfc3339_seconds(),
        }
    }
}

/// The result of a cleanup.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Cleaned {
    /// What was done, as a text for people.
    pub(in crate::routes) message: String,
    /// The number of expired sessions that were freed.
    pub(in crate::routes) cleaned_count: u64,
}
