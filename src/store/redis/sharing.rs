//! Detects another application that uses the same key prefix by mistake.
//!
//! Each application writes a mark, the hash of its token issuer, under the prefix. The diagnosis at
//! the start of the worker writes it, and the upkeep writes it again once an hour. A mark counts
//! for a week, so that a renamed issuer is forgotten. With each write, the store looks for the
//! marks of others. So the application that started first also learns of the second one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The token issuers of the managers that use this store.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    issuers: BTreeSet<String>,
    /// When the next mark is due, on the host's monotonic clock; `None` before the first mark.
    due: Option<Duration>,
}

impl Sharing {
    pub(super) fn add(&self, issuer: &str) {
        self.with(|marks| marks.issuers.insert(issuer.to_owned()));
    }

    /// Returns when the next mark is due; `None` before the first mark.
    pub(super) fn due(&self) -> Option<Duration> {
        self.with(|marks| marks.due)
    }

    /// Sets when the next mark is due. Returns the issuers to mark now.
    pub(super) fn start_mark(&self, next: Duration) -> Vec<String> {
        self.with(|marks| {
            marks.due = Some(next);
            marks.issuers.iter().cloned().collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Marks) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
