//! The clock of a memory store.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::coherence::Tick;

/// The store's clock. It never goes back, and it never stands still while its source goes on.
pub(super) enum StoreClock {
    /// The host's wall clock, read once, and the time since then on the monotonic clock that goes on
    /// while the host is suspended. A wall clock that is set changes nothing.
    Anchored { anchor: Timestamp, start: Tick },
    /// A clock of the application's own.
    Followed { source: Arc<dyn Clock>, reading: Mutex<Reading> },
}

/// The last reading of a clock that may be set.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// What the source showed.
    source: Timestamp,
    /// The store's time then.
    store: Timestamp,
}

impl StoreClock {
    pub(super) fn anchored() -> Self {
        Self::anchored_at(SystemClock.now())
    }

    fn anchored_at(anchor: Timestamp) -> Self {
        Self::Anchored { anchor, start: Tick::now() }
    }

    pub(super) fn following(source: Arc<dyn Clock>) -> Self {
        let now = source.now();
        Self::Followed { source, reading: Mutex::new(Reading { source: now, store: now }) }
    }

    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Anchored { anchor, start } => anchor.saturating_add(Tick::now().since(*start)),
            Self::Followed { source, reading } => {
                let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                // Read under the lock, so that two threads cannot take their readings in for the
                // wrong order and see a step back.
                let now = source.now();
                // A step back takes no time, and the next step forward counts from there.
                let step = now.saturating_since(reading.source);
                *reading = Reading { source: now, store: reading.store.saturating_add(step) };
                reading.store
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const NOON: Timestamp = Timestamp::from_millis(1_893_456_000_000);

    struct SetClock(AtomicI64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_clock_that_is_followed_counts_its_steps_forward_and_no_step_back() {
        let source = Arc::new(SetClock(AtomicI64::new(NOON.as_millis())));
        let clock = StoreClock::following(Arc::clone(&source) as Arc<dyn Clock>);
        assert_eq!(clock.now(), NOON);
        let at = |time: Timestamp| {
            source.0.store(time.as_millis(), Ordering::SeqCst);
            clock.now()
        };
        let ahead = NOON.saturating_add(3 * DAY);
        assert_eq!(at(ahead), ahead);
        assert_eq!(at(NOON), ahead, "a step back takes no time");
        let second = Duration::from_secs(1);
        for seconds in 1..=3 {
            let passed = seconds * second;
            assert_eq!(at(NOON.saturating_add(passed)), ahead.saturating_add(passed), "it goes on");
        }
    }

    #[test]
    fn an_anchored_clock_starts_at_the_wall_clock_and_goes_on_by_itself() {
        let before = SystemClock.now();
        let clock = StoreClock::anchored();
        let first = clock.now();
        assert!(before <= first, "it starts at the wall clock");
        while clock.now() == first {
            std::hint::spin_loop();
        }
        assert!(clock.now() > first);
        // The anchor was three days ahead of what the wall clock shows now.
        let ahead = SystemClock.now().saturating_add(3 * DAY);
        let clock = StoreClock::anchored_at(ahead);
        let first = clock.now();
        while clock.now() == first {
            std::hint::spin_loop();
        }
    }
}
