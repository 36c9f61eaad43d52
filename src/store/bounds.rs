//! Limits that all stores share: times and numbers.

use std::time::Duration;

/// The longest time for which a tombstone is kept.
pub(crate) const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of tombstones kept for one user. Above it, the tombstones that expire first are
/// removed.
pub(crate) const TOMBSTONES_PER_USER: usize = 64;

/// The time limit of a list and of one page of a scan.
pub(crate) const SCAN_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time to live that a store accepts: 317 years. Lua scripts calculate with
/// floating-point numbers, in which sums with this value are still exact.
const LONGEST: Duration = Duration::from_millis(10_000_000_000_000);

/// Returns a duration as stores keep it: in whole milliseconds, at most [`LONGEST`].
pub(crate) fn span(duration: Duration) -> Duration {
    let millis = duration.min(LONGEST).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
