//! A clock that moves only when a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp, millis};

/// A clock that moves only when a test moves it. All clones share one time.
///
/// Use it to test deadlines without waiting for them.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Times>);

#[derive(Debug)]
struct Times {
    now: AtomicI64,
    /// The sum of all advances, in milliseconds.
    monotonic: AtomicU64,
}

impl ManualClock {
    /// Creates a clock with the time `now`. Its monotonic time is zero.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let now = AtomicI64::new(now.as_millis());
        Self(Arc::new(Times { now, monotonic: AtomicU64::new(0) }))
    }

    /// Sets the time to `now`, which may be in the past. This corresponds to an operator who sets
    /// the clock of a host. The [monotonic](Clock::monotonic) time does not change.
    pub fn set(&self, now: Timestamp) {
        self.0.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the time and the [monotonic](Clock::monotonic) time forward by `by`, as if that time
    /// had passed. Precision: milliseconds.
    pub fn advance(&self, by: Duration) {
        self.0.now.fetch_add(millis(by), Ordering::SeqCst);
        self.0.monotonic.fetch_add(millis(by).unsigned_abs(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.monotonic.load(Ordering::SeqCst))
    }
}
