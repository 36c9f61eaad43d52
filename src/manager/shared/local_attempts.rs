//! The attempts that this process counts instead of the store.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Timestamp, millis};
use crate::store::{Attempt, AttemptKey, AttemptRule, Attempts, Settle};

/// The attempts that this process counts. This process counts an attempt if the store does not
/// support the counting of attempts, or if the store is unavailable.
#[derive(Default)]
pub(crate) struct LocalAttempts {
    attempts: Mutex<Attempts>,
}

impl LocalAttempts {
    /// Counts an attempt. `now` is the clock's monotonic time, so a change of the host's wall clock
    /// does not prolong a wait. The monotonic time also advances while the host is suspended, so a
    /// window can end in that time.
    pub(crate) fn attempt(&self, now: Duration, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let now = Timestamp::from_millis(millis(now));
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).attempt(now, key, rule)
    }

    pub(crate) fn settle(&self, key: &AttemptKey, settle: Settle) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).settle(key, settle);
    }
}
