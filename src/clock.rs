//! Points in time, and the clocks that tell them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::coherence::Tick;

/// A point in time: milliseconds since the Unix epoch, on one particular clock.
///
/// This library uses two clocks and never mixes them. The *store's* clock (for Redis, its `TIME`)
/// decides when sessions begin and expire. The *host's* clock decides about the `iat`, `nbf` and
/// `exp` of a JWT.
///
/// All times in this library's API are of this type. To use a calendar library, convert by
/// [`as_millis`](Self::as_millis) or [`to_system_time`](Self::to_system_time). For example, for
/// chrono: `DateTime::from_timestamp_millis(session.created().as_millis())`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest point in time. Additions saturate here.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates a point in time from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the point in time that is `duration` later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Returns the point in time that is `duration` earlier. Saturates at the earliest point.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// Returns the time from `earlier` to `self`; zero if `earlier` is later than `self`.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Converts to the operating system's time. Returns `None` if this point in time is outside the
    /// range of the operating system's time.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use tower_session_auth::clock::Timestamp;
    ///
    /// let time = Timestamp::from_millis(1_500).to_system_time();
    /// assert_eq!(time, Some(UNIX_EPOCH + Duration::from_millis(1_500)));
    /// ```
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_millis(self.0.unsigned_abs());
        if self.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }

    /// Formats as RFC 3339 in UTC, in whole seconds with a `Z`: `2026-11-30T12:00:00Z`.
    #[cfg(feature = "routes")]
    pub(crate) fn to_rfc3339_seconds(self) -> String {
        self.datetime().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Converts to a calendar date. A point outside of chrono's range becomes chrono's earliest or
    /// latest date.
    fn datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

/// Formats as RFC 3339 in UTC, in milliseconds with a `Z`: `2026-11-30T12:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.datetime().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Formats as [`Display`](fmt::Display) does.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Rounds down to whole milliseconds. A time before 1970 becomes 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(millis(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

/// Returns the whole milliseconds of a duration, at most `i64::MAX`.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Tells the host's time.
///
/// Applications use [`SystemClock`]. Tests replace it. An implementation must be cheap, because
/// each request calls it. It must not panic.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the time since a fixed moment. The library measures ages with this value.
    ///
    /// The value never goes back. Setting the host's clock does not change it, and it advances
    /// while the host is suspended. The default implementation reads the operating system's clock
    /// (`CLOCK_BOOTTIME` on Linux). A test can use a clock that returns other values, so that the
    /// test decides how old each thing is.
    fn monotonic(&self) -> Duration {
        Tick::now().since(Tick::from_nanos(0))
    }
}

/// Forwards to the shared clock.
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
#[expect(clippy::exhaustive_structs, reason = "it will never have a field")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the configured clock")]
        let now = SystemTime::now();
        // A host clock before 1970 is treated as 1970. In 1970, the `iat` of each token is in the
        // future. So each token is rejected, without a panic.
        Timestamp::from(now)
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
        assert_eq!(Timestamp::from_millis(i64::MIN).datetime(), DateTime::<Utc>::MIN_UTC);
        assert_eq!(Timestamp::MAX.datetime(), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn times_convert_to_system_time_and_back() {
        for millis in [0, 1, 1_893_456_000_123] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(time.to_system_time().map(Timestamp::from), Some(time));
        }
        let before = Timestamp::from_millis(-1_500).to_system_time();
        assert_eq!(before, Some(UNIX_EPOCH - Duration::from_millis(1_500)));
        assert_eq!(before.map(Timestamp::from), Some(Timestamp::from_millis(0)));
        // These extreme times can be outside the range of the operating system's time. The
        // conversion must not panic in that case.
        for extreme in [Timestamp::MAX, Timestamp::from_millis(i64::MIN)] {
            let _ = extreme.to_system_time();
        }
    }

    #[test]
    fn text_is_rfc_3339_in_utc_with_milliseconds() {
        let time = Timestamp::from_millis(1_893_456_000_123);
        assert_eq!(time.to_string(), "2030-01-01T00:00:00.123Z");
        assert_eq!(format!("{time:?}"), time.to_string());
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
