//! Results for many sessions: the list of one user's sessions, and pages of all sessions.

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
    /// Creates an entry of a list.
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

/// A cursor: the place where a scan or a cleanup continues. Only the store that created it can read
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanCursor(String);

impl ScanCursor {
    /// Creates a cursor from a text in the format of its store.
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
/// If a session is live from the start of a scan to its end, at least one page contains the
/// session. If a session is created, revoked or expires during the scan, the pages may or may not
/// contain it. A remote store can return a session twice. A store searches only for some
/// milliseconds per page. After that time, it returns the sessions that it has found, even if it
/// has found none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The sessions. There may be fewer than requested, or none, even if more pages follow.
    pub sessions: Vec<Listed>,
    /// The place where the scan continues. `None` at the end of the scan.
    pub next: Option<ScanCursor>,
}

impl Page {
    /// Creates a page with these sessions and the cursor of the next page.
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
    /// The place where the cleanup continues. `None` at the end of the cleanup.
    pub next: Option<ScanCursor>,
}

impl Cleaned {
    /// Creates the result of a step that removed `count` sessions.
    #[must_use]
    pub fn new(count: u64, next: Option<ScanCursor>) -> Self {
        Self { count, next }
    }
}
