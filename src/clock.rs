//! Points in time, and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use crate::coherence::Tick;

/// A point in time: milliseconds since the Unix epoch, on one particular clock.
///
/// Two clocks appear in this library and are never mixed: the *store's* (Redis's own `TIME`, on which sessions live and
/// end) and the *host's* (on which a JWT's `iat`, `nbf` and `exp` are judged).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest representable point; further additions stay here.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved into the future, at most to [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This point moved into the past.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same point for a calendar; one that no calendar reaches becomes chrono's latest.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_datetime().to_rfc3339())
    }
}

/// Whole milliseconds of a duration, at most `i64::MAX`.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Tells the host's time.
///
/// [`SystemClock`] outside of tests. An implementation must be cheap (it is asked on every request) and must not panic.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment, for measuring how old something is. It never goes back, setting
    /// the host's clock does not move it, and it goes on while the host is suspended.
    ///
    /// By default this is the operating system's own (`CLOCK_BOOTTIME` on Linux). A clock for tests
    /// replaces it, so that a test decides how old something is.
    fn monotonic(&self) -> Duration {
        Tick::now().since(Tick::from_nanos(0))
    }
}

/// A shared clock is a clock.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing that it could hold")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the configured clock")]
        let now = SystemTime::now();
        // A host set to before 1970 counts as 1970: every token is then not valid yet, which is refused cleanly.
        Timestamp(millis(now.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(5).saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(
            Timestamp::from_millis(5).saturating_since(Timestamp::from_millis(9)),
            Duration::ZERO
        );
        assert_eq!(Timestamp::from_millis(i64::MIN).to_datetime(), DateTime::<Utc>::MIN_UTC);
    }

    #[test]
    fn the_monotonic_time_does_not_go_back() {
        let shared: Arc<dyn Clock> = Arc::new(SystemClock);
        let (first, second) = (SystemClock.monotonic(), Arc::new(shared).monotonic());
        assert!(first <= second && first > Duration::ZERO);
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        let now = SystemClock.now().as_millis();
        assert!((1_577_836_800_000..4_102_444_800_000).contains(&now), "{now}");
    }
}
