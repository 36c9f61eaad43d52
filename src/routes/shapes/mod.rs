//! What the routes answer, as JSON and as OpenAPI schemas.

mod admin;
mod health;
mod own;

use chrono::{DateTime, SecondsFormat, Utc};

pub(super) use self::admin::{
    Cleaned, ListedSession, SessionList, SessionStatistics, UserSession, UserSessions,
};
pub(super) use self::health::{Liveness, Readiness};
pub(super) use self::own::{
    Account, CurrentSession, Deleted, Device, Done, LoggedIn, OwnSessions, Refreshed,
};

/// RFC 3339 in whole seconds, in UTC with a `Z`.
fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
