//! What a store tells about many sessions: those of one user, and page by page those of all.

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::{Activity, Record};

/// One living session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Whose session.
    pub user: UserId,
    /// Which session.
    pub id: SessionId,
    /// What the store keeps of it, with its true idle deadline.
    pub record: Record,
    /// When it was used last.
    pub last_activity: Timestamp,
}

impl Listed {
    /// An entry of a list.
    #[must_use]
    pub fn new(user: UserId, id: SessionId, record: Record, last_activity: Timestamp) -> Self {
        Self { user, id, record, last_activity }
    }

    /// Its last activity and its idle deadline.
    #[must_use]
    pub fn activity(&self) -> Activity {
        Activity::new(self.last_activity, self.record.idle_deadline)
    }
}

/// Where a walk over all sessions goes on. Only the store that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(String);

impl Position {
    /// A position in a store's own words.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The store's own words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Some of all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The sessions. May be fewer than were asked for, or none, although more follow.
    pub sessions: Vec<Listed>,
    /// Where the walk goes on; `None` at its end.
    pub next: Option<Position>,
}

impl Page {
    /// A page.
    #[must_use]
    pub fn new(sessions: Vec<Listed>, next: Option<Position>) -> Self {
        Self { sessions, next }
    }
}

/// One step of a cleanup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// How many expired sessions were freed in this step.
    pub count: u64,
    /// Where the cleanup goes on; `None` at its end.
    pub next: Option<Position>,
}

impl Cleaned {
    /// A step that freed `count` sessions.
    #[must_use]
    pub fn new(count: u64, next: Option<Position>) -> Self {
        Self { count, next }
    }
}
