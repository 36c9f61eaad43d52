//! The clock of a memory store.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// The clock of a memory store. It reads the wall time only when the store is created, and adds the
/// monotonic time that has passed since then. Later changes of the wall clock do not affect it.
pub(super) struct StoreClock {
    clock: Arc<dyn Clock>,
    /// The wall time when the store was created.
    anchor: Timestamp,
    /// The monotonic time when the store was created.
    origin: Duration,
}

impl StoreClock {
    pub(super) fn anchored(clock: Arc<dyn Clock>) -> Self {
        let (anchor, origin) = (clock.now(), clock.monotonic());
        Self { clock, anchor, origin }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.anchor.saturating_add(self.clock.monotonic().saturating_sub(self.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn store_clock_starts_at_the_wall_clock_and_advances() {
        let before = SystemClock.now();
        let clock = StoreClock::anchored(Arc::new(SystemClock));
        let first = clock.now();
        assert!(before <= first, "the store clock starts at the wall clock");
        while clock.now() == first {
            std::hint::spin_loop();
        }
        assert!(clock.now() > first);
    }
}
