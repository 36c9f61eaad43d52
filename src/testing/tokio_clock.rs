//! A clock that follows Tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Clock, Timestamp};

/// A clock that follows Tokio's clock. In a runtime with `start_paused`, `tokio::time::advance`
/// moves it.
///
/// Use it if a test also waits for Tokio timers, so that timers and session deadlines agree.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Timestamp,
    origin: Instant,
}

impl TokioClock {
    /// Creates a clock whose time is `start` now. Its monotonic time is zero.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { start, origin: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.start.saturating_add(self.origin.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}
