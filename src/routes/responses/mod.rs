//! Response bodies of the routes: as JSON and as OpenAPI schemas. The doc comments of these types
//! and fields are the descriptions in the document, so clients read them.

mod admin;
mod health;
mod own;

pub(super) use self::admin::{
    Cleaned, ListedSession, SessionList, SessionStatistics, UserSession, UserSessions,
};
pub(super) use self::health::{Health, Liveness, Readiness};
pub(super) use self::own::{
    Account, CurrentSession, Deleted, Device, Done, LoggedIn, OwnSessions, Refreshed,
};
