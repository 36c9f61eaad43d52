//! The attempts that this process counts instead of the store.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::store::{Attempt, AttemptKey, AttemptRule, Attempts, Settle};

/// The attempts that this process counts: those of a store that does not count, and those made
/// while the store is unavailable.
#[derive(Default)]
pub(crate) struct LocalAttempts {
    attempts: Mutex<Attempts>,
}

impl LocalAttempts {
    /// Counts an attempt at `now`, the clock's monotonic time. So setting the host's clock does not
    /// prolong a wait, and a window goes on while the host is suspended.
    pub(crate) fn attempt(&self, now: Duration, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let now = Timestamp::from_millis(millis(now));
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).attempt(now, key, rule)
    }

    pub(crate) fn settle(&self, key: &AttemptKey, settle: Settle) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).settle(key, settle);
    }
}
