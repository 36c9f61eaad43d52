//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp, millis};

/// A clock that stands still until it is moved. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Times>);

#[derive(Debug)]
struct Times {
    now: AtomicI64,
    /// The sum of all advances, in milliseconds.
    monotonic: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let now = AtomicI64::new(now.as_millis());
        Self(Arc::new(Times { now, monotonic: AtomicU64::new(0) }))
    }

    /// Moves the clock to `now`, also into the past, as an operator sets a host's clock: the
    /// [monotonic](Clock::monotonic) time stays.
    pub fn set(&self, now: Timestamp) {
        self.0.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock forward, the [monotonic](Clock::monotonic) time included: time passes.
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
