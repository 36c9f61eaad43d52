//! Results for many sessions: the list of one user, and pages of all sessions.

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::{Activity, Record};

/// One live session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The user of the session.
    pub user: UserId,
    /// The id of the session.
    pub id: SessionId,
    /// The record of the session, with its true idle deadline.
    pub record: Record,
    /// The time of the last recorded use.
    pub last_activity: Timestamp,
}

impl Listed {
    /// An entry of a list.
    #[must_use]
    pub fn new(user: UserId, id: SessionId, record: Record, last_activity: Timestamp) -> Self {
        Self { user, id, record, last_activity }
    }

    /// Returns the last activity and the idle deadline.
    #[must_use]
    pub fn activity(&self) -> Activity {
        Activity::new(self.last_activity, self.record.idle_deadline)
    }
}

/// A cursor: where a scan or a cleanup continues. Only the store that created it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanCursor(String);

impl ScanCursor {
    /// A cursor in the format of its store.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the cursor in the format of its store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a scan over all sessions.
///
/// A session that is live from the start of a scan to its end is on at least one page. A session
/// that is created or ends during the scan may be on a page or not. A remote store may return a
/// session twice. No page takes long: a store that has searched for some milliseconds returns what
/// it has found, even if that is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The sessions. There may be fewer than requested, or none, although more pages follow.
    pub sessions: Vec<Listed>,
    /// Where the scan continues. `None` at its end.
    pub next: Option<ScanCursor>,
}

impl Page {
    /// A page with these sessions and the cursor of the next page.
    #[must_use]
    pub fn new(sessions: Vec<Listed>, next: Option<ScanCursor>) -> Self {
        Self { sessions, next }
    }
}

/// The result of one step of a cleanup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The number of expired sessions that this step removed.
    pub count: u64,
    /// Where the cleanup continues. `None` at its end.
    pub next: Option<ScanCursor>,
}

impl Cleaned {
    /// A step that removed `count` sessions.
    #[must_use]
    pub fn new(count: u64, next: Option<ScanCursor>) -> Self {
        Self { count, next }
    }
}
