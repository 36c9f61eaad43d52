//! Response bodies for administrators.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::manager::Statistics;
use crate::session::Session;

/// Some of all sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct SessionList {
    /// The sessions, in no particular order.
    pub(in crate::routes) sessions: Vec<ListedSession>,
    /// How many this answer has; `/stats` has the whole count.
    pub(in crate::routes) total: u64,
    /// Where the list goes on; `null` at its end.
    #[schema(required)]
    pub(in crate::routes) next_cursor: Option<String>,
}

/// A session among all.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct ListedSession {
    /// The session's public name.
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
    /// How long it lives unless it is used, in seconds.
    ttl: u64,
    /// When it was last used.
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
            last_activity: time(session.last_activity()),
        }
    }
}

/// One user's sessions.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct UserSessions {
    /// The user's id.
    pub(in crate::routes) user_id: String,
    /// The sessions, the latest used first.
    pub(in crate::routes) sessions: Vec<UserSession>,
    /// How many there are.
    pub(in crate::routes) total: u64,
}

/// One session of a user, as an administrator sees it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct UserSession {
    /// The session's public name.
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
}

impl<D> From<&Session<D>> for UserSession {
    fn from(session: &Session<D>) -> Self {
        Self {
            session_id: session.id().to_string(),
            user_id: session.user_id().to_string(),
            user_name: session.user_name().map(str::to_owned),
            role: session.role().map(str::to_owned),
            created_at: time(session.created()),
            last_activity: time(session.last_activity()),
            ttl: session.ttl().as_secs(),
            ip_address: session.ip_address().map(|address| address.to_string()),
            user_agent: session.user_agent().map(str::to_owned),
        }
    }
}

/// How many sessions there are.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct SessionStatistics {
    /// Living sessions.
    total_sessions: u64,
    /// Living sessions by role; those without a role are under the empty name.
    sessions_by_role: BTreeMap<String, u64>,
    /// How long they live on average unless they are used, in seconds.
    average_ttl: u64,
    /// When they were counted.
    #[schema(format = DateTime)]
    as_of: String,
}

impl From<&Statistics> for SessionStatistics {
    fn from(statistics: &Statistics) -> Self {
        Self {
            total_sessions: statistics.total,
            sessions_by_role: statistics.by_role.clone(),
            average_ttl: statistics.average_ttl.as_secs(),
            as_of: time(statistics.as_of),
        }
    }
}

/// How many expired sessions were freed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Cleaned {
    /// What was done, for a person.
    pub(in crate::routes) message: String,
    /// How many expired sessions were freed.
    pub(in crate::routes) cleaned_count: u64,
}
