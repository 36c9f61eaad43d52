//! A clock that also advances while the machine is suspended.

use std::time::Duration;

/// A time on this host's monotonic clock, in nanoseconds.
///
/// `Instant` is not used: it can stop while a laptop or a virtual machine is suspended, and a
/// stopped clock would lengthen a lease. A coarse clock is not used either: it would make a hit
/// about 20 ns faster, but it would add its resolution to the staleness bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Tick {
    /// A time later than any deadline.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn now() -> Self {
        // Small values have a special meaning, such as "no heartbeat yet". One day is added so that
        // the current time is long after these values, even on a host that has just started.
        Self(since_start().saturating_add(DAY))
    }

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to `self`. Zero if `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the time `duration` after `self`. Saturates at [`NEVER`](Self::NEVER).
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the nanoseconds since a fixed time before the process started.
#[cfg(unix)]
fn since_start() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    // On Linux and Android, `CLOCK_MONOTONIC` stops during suspend. On other systems it does not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let time = clock_gettime(CLOCK);
    // Neither part is negative, and the sum overflows only after 584 years.
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Returns the nanoseconds since the first call.
#[cfg(not(unix))]
fn since_start() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanos(START.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_never_goes_back_and_its_arithmetic_saturates() {
        let (first, second) = (Tick::now(), Tick::now());
        assert!(first <= second && first > Tick(0) && second < Tick::NEVER);
        assert_eq!(first.since(first.after(Duration::from_secs(1))), Duration::ZERO);
        assert_eq!(first.after(Duration::MAX), Tick::NEVER);
        assert_eq!(first.after(Duration::from_millis(5)).since(first), Duration::from_millis(5));
    }

    #[test]
    fn tick_zero_is_at_least_one_day_ago() {
        assert!(Tick::now().since(Tick(0)) >= Duration::from_secs(24 * 60 * 60));
    }
}
