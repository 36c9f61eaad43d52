//! How long stores keep things at most, and how many.

use std::time::Duration;

/// How long the reason of an ended session is kept at most.
pub(crate) const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many reasons are kept for one user; the oldest go first.
pub(crate) const TOMBSTONES_PER_USER: usize = 64;

/// How long a list, or one step of a walk over all sessions, may take.
pub(crate) const WALK_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time to live that a store takes, 317 years: sums with it stay exact in a script's floating point.
const LONGEST: Duration = Duration::from_millis(10_000_000_000_000);

/// A duration as stores keep it: whole milliseconds, at most [`LONGEST`].
pub(crate) fn span(duration: Duration) -> Duration {
    let millis = duration.min(LONGEST).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
