//! Detects another application that uses the same key prefix by mistake.
//!
//! Each application writes a mark under the prefix: the hash of its token issuer. The diagnosis
//! writes the mark when the worker starts, and the upkeep writes the mark again once an hour. At
//! each write, the store also looks for marks of other issuers. So an application also detects
//! another application that started later. The store ignores a mark that was not written again for
//! a week, so the mark of a renamed issuer has no effect after a week.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The token issuers of the managers that use this store.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    issuers: BTreeSet<String>,
    /// The time of the next mark, on the host's monotonic clock. `None` before the first mark.
    due: Option<Duration>,
}

impl Sharing {
    pub(super) fn add(&self, issuer: &str) {
        self.with(|marks| marks.issuers.insert(issuer.to_owned()));
    }

    /// Returns the time of the next mark. `None` before the first mark.
    pub(super) fn due(&self) -> Option<Duration> {
        self.with(|marks| marks.due)
    }

    /// Sets the time of the next mark. Returns the issuers to mark now.
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
