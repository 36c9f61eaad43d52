//! The server's clock, as accurately as this process knows it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Value;

use crate::clock::Timestamp;
use crate::coherence::Tick;

/// The server's clock. It starts from a time that the server has reported, and adds the time that
/// has passed since then on this host's monotonic clock. The monotonic clock also runs while the
/// host sleeps. The host's wall clock is not used.
#[derive(Debug)]
pub(super) struct ServerClock {
    start: Tick,
    /// The server's time, in microseconds since the Unix epoch, at the moment `start` of the
    /// monotonic clock. `i64::MIN` until the server has reported its time.
    offset: AtomicI64,
    /// The maximum error of the offset, in microseconds.
    doubt: Mutex<i64>,
}

impl ServerClock {
    pub(super) fn new() -> Self {
        Self { start: Tick::now(), offset: AtomicI64::new(i64::MIN), doubt: Mutex::new(i64::MAX) }
    }

    /// Returns the server's time. Before the server has first reported its time, returns 1970. The
    /// value 1970 is never compared with a time of the server, because the setup of each connection
    /// first asks the server for its time.
    pub(super) fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        if offset == i64::MIN {
            return Timestamp::from_millis(0);
        }
        Timestamp::from_millis(offset.saturating_add(micros(Tick::now().since(self.start))) / 1_000)
    }

    /// Updates the estimate of the server's time from an answer that has just arrived. The command
    /// was sent at `sent`.
    pub(super) fn learn(&self, server_micros: i64, sent: Tick) {
        self.learn_at(server_micros, sent.since(self.start), Tick::now().since(sent));
    }

    // The server read its clock at some moment of the round trip. The estimate assumes the middle
    // of the round trip, so the error of the estimate is at most half of the round trip.
    fn learn_at(&self, server_micros: i64, sent: Duration, round_trip: Duration) {
        let new_doubt = micros(round_trip) / 2;
        let new_offset = server_micros.saturating_sub(micros(sent)).saturating_sub(new_doubt);
        let mut doubt = self.doubt.lock().unwrap_or_else(PoisonError::into_inner);
        let old_offset = self.offset.load(Ordering::Relaxed);
        // If the two estimates agree within the error of the new estimate, the more precise
        // estimate is kept. If they do not agree, the clocks have drifted apart, or the server's
        // clock was set. In that case, the new estimate replaces the old estimate.
        let agrees = old_offset != i64::MIN
            && old_offset.saturating_sub(new_offset).saturating_abs() <= new_doubt;
        if !agrees || new_doubt <= *doubt {
            *doubt = new_doubt;
            self.offset.store(new_offset, Ordering::Relaxed);
        }
    }
}

/// Reads the answer to `TIME`, in microseconds since the Unix epoch.
pub(super) fn micros_of(time: &Value) -> Option<i64> {
    let number = |value: &Value| match value {
        Value::BulkString(digits) => std::str::from_utf8(digits).ok()?.parse::<i64>().ok(),
        Value::Int(number) => Some(*number),
        _ => None,
    };
    match time.as_sequence()? {
        [seconds, micros] => number(seconds)?.checked_mul(1_000_000)?.checked_add(number(micros)?),
        _ => None,
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn offset(clock: &ServerClock) -> i64 {
        clock.offset.load(Ordering::Relaxed)
    }

    #[test]
    fn server_time_belongs_to_the_middle_of_the_round_trip() {
        let clock = ServerClock::new();
        clock.learn_at(1_000_000, 100 * MS, 20 * MS);
        assert_eq!(offset(&clock), 1_000_000 - 110_000);
    }

    #[test]
    fn slow_answer_does_not_replace_a_precise_estimate() {
        let clock = ServerClock::new();
        clock.learn_at(1_000_000, Duration::ZERO, 2 * MS);
        let sharp = offset(&clock);
        // The request is sent at 100 ms, and the answer arrives at 180 ms. The new estimate assumes
        // that the server read its clock at 140 ms. So the new estimate differs by 38 ms from the
        // first estimate. This is less than the maximum error of the new estimate, 40 ms.
        clock.learn_at(1_101_000, 100 * MS, 80 * MS);
        assert_eq!(offset(&clock), sharp);
    }

    #[test]
    fn estimate_follows_a_server_clock_that_was_set() {
        let clock = ServerClock::new();
        clock.learn_at(1_000_000, Duration::ZERO, 2 * MS);
        clock.learn_at(3_600_000_000, 100 * MS, 80 * MS);
        assert_eq!(offset(&clock), 3_600_000_000 - 140_000);
    }

    #[test]
    fn clock_is_zero_before_the_first_answer() {
        assert_eq!(ServerClock::new().now(), Timestamp::from_millis(0));
    }

    #[test]
    fn answer_of_the_time_command_is_parsed() {
        let text = |text: &str| Value::BulkString(text.into());
        assert_eq!(micros_of(&Value::Array(vec![text("12"), text("34")])), Some(12_000_034));
        for bad in [Value::Okay, Value::Array(vec![]), Value::Array(vec![text("a"), text("1")])] {
            assert_eq!(micros_of(&bad), None, "{bad:?}");
        }
    }
}
