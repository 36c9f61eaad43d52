//! The attempts that this process counts instead of the store.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::store::{Attempt, AttemptKey, AttemptRule, Attempts, Settle};

/// The attempts that this process counts. This process counts if the store does not count attempts,
/// and while the store is unavailable.
#[derive(Default)]
pub(crate) struct LocalAttempts {
    attempts: Mutex<Attempts>,
}

impl LocalAttempts {
    /// Counts an attempt at `now`, on the clock's monotonic time. A change of the host's wall clock
    /// therefore does not prolong a wait. A window also passes while the host is suspended.
    pub(crate) fn attempt(&self, now: Duration, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let now = Timestamp::from_millis(millis(now));
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).attempt(now, key, rule)
    }

    pub(crate) fn settle(&self, key: &AttemptKey, settle: Settle) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).settle(key, settle);
    }
}
