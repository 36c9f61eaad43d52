//! The validity of a copy: the conditions under which it may be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::stamp::Stamp;
use super::tick::Tick;

/// The times at which a copy stops being valid, even if nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidityBounds {
    /// The time at which the manager must ask the store again, and also the user directory if there
    /// is one.
    pub(crate) ask_again: Tick,
    /// The time at which the token expires.
    pub(crate) token_ends: Tick,
    /// The time at which the session expires, according to its deadlines when it was read. If the
    /// copy says that there is no such session, this is the time at which the copy stops being
    /// valid.
    pub(crate) ends: Tick,
}

/// The validity of a copy. The field order is fixed because a hit reads only the first 48 bytes.
/// They share one cache line of 64 bytes with the two counts of the `Arc` that precede them.
#[repr(C)]
pub(crate) struct Validity {
    /// The number of the verification rules with which the token was verified (the policy).
    policy: u64,
    /// The earliest of `bounds`.
    until: Tick,
    /// A request that uses the session at this time or later must be recorded in the touch queue.
    /// In nanoseconds of a [`Tick`].
    due: AtomicU64,
    /// `None` if this process does not receive an invalidation when the session changes. In that
    /// case, each request must ask the store. The copy only saves a second verification of the
    /// token. If the record has not changed, the copy also saves decoding it.
    stamp: Option<Stamp>,
    bounds: ValidityBounds,
}

impl Validity {
    pub(crate) fn new(policy: u64, stamp: Option<Stamp>, bounds: ValidityBounds) -> Self {
        let until = bounds.ask_again.min(bounds.token_ends).min(bounds.ends);
        Self { policy, stamp, bounds, until, due: AtomicU64::new(0) }
    }

    /// Returns whether a request may use the copy without asking the store. All of these conditions
    /// must hold:
    /// - The token was verified with this `policy`.
    /// - No time in [`ValidityBounds`] has passed.
    /// - The copy was current at most `bound` before `now`.
    pub(crate) fn serves(&self, policy: u64, now: Tick, bound: Duration) -> bool {
        self.policy == policy
            && now < self.until
            && self.stamp.as_ref().is_some_and(|stamp| stamp.holds(now, bound))
    }

    /// Returns whether the copy may be used while the store is unavailable. All of these conditions
    /// must hold:
    /// - The token was verified with this `policy`.
    /// - Neither the token nor the session has expired.
    /// - No invalidation has arrived.
    /// - The last answered heartbeat was sent at most `bound` before `now`.
    ///
    /// The copy may be used even if the connection is lost, and even if `ask_again` has passed.
    pub(crate) fn serves_stale(&self, policy: u64, now: Tick, bound: Duration) -> bool {
        self.policy == policy
            && now < self.bounds.token_ends.min(self.bounds.ends)
            && self.stamp.as_ref().is_some_and(|stamp| stamp.held(now, bound))
    }

    /// Returns whether the token was verified with this `policy` and has not expired. If so, the
    /// token need not be verified again.
    pub(crate) fn is_verified(&self, policy: u64, now: Tick) -> bool {
        self.policy == policy && now < self.bounds.token_ends
    }

    /// Returns whether a request at `now` must be recorded in the touch queue. Relaxed ordering is
    /// enough, because an old value only causes one more check.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        now.as_nanos() >= self.due.load(Ordering::Relaxed)
    }

    /// Sets the time from which on a request must be recorded in the touch queue.
    pub(crate) fn set_due(&self, next: Tick) {
        self.due.store(next.as_nanos(), Ordering::Relaxed);
    }
}

impl Clone for Validity {
    fn clone(&self) -> Self {
        let Self { policy, until, due, stamp, bounds } = self;
        let due = AtomicU64::new(due.load(Ordering::Relaxed));
        Self { policy: *policy, until: *until, due, stamp: stamp.clone(), bounds: *bounds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coherence::generations::Generations;
    use crate::coherence::lease::Lease;
    use crate::coherence::sync::Arc;

    const POLICY: u64 = 7;
    const BOUND: Duration = Duration::from_secs(100);
    const NANOSECOND: Duration = Duration::from_nanos(1);

    /// Returns a time in seconds after the first heartbeat.
    fn at(seconds: u64) -> Tick {
        Tick::from_nanos(1 << 40).after(Duration::from_secs(seconds))
    }

    fn just_before(tick: Tick) -> Tick {
        Tick::from_nanos(tick.as_nanos() - 1)
    }

    struct Link {
        lease: Arc<Lease>,
    }

    impl Link {
        fn trusted() -> Self {
            let lease = Arc::new(Lease::new(Arc::new(Generations::new(0))));
            lease.renew(at(0));
            Self { lease }
        }

        fn read(&self, bounds: ValidityBounds) -> Validity {
            let stamp = Stamp::take(&self.lease, b"key");
            Validity::new(POLICY, Some(stamp), bounds)
        }
    }

    fn bounds([ask_again, token_ends, ends]: [Tick; 3]) -> ValidityBounds {
        ValidityBounds { ask_again, token_ends, ends }
    }

    #[test]
    fn each_validity_bound_ends_only_the_uses_that_depend_on_it() {
        // One row for each bound, in the order of `bounds`. After the bound has passed, the row
        // gives the expected results of:
        // - `serves`: a request may use the copy while the store is available.
        // - `serves_stale`: a request may use the copy while the store is unavailable.
        // - `is_verified`: the token need not be verified again.
        let leaves = [[false, true, true], [false, false, false], [false, false, true]];
        for (which, leaves) in leaves.into_iter().enumerate() {
            let mut ends = [at(50); 3];
            ends[which] = at(10);
            let validity = Link::trusted().read(bounds(ends));
            let does = |now| {
                [
                    validity.serves(POLICY, now, BOUND),
                    validity.serves_stale(POLICY, now, BOUND),
                    validity.is_verified(POLICY, now),
                ]
            };
            assert_eq!(does(just_before(at(10))), [true; 3], "{which}");
            assert_eq!(does(at(10)), leaves, "{which}");
        }
    }

    #[test]
    fn copy_is_not_used_under_other_verification_rules() {
        let validity = Link::trusted().read(bounds([at(50); 3]));
        for (policy, counts) in [(POLICY, true), (POLICY + 1, false), (POLICY - 1, false)] {
            assert_eq!(validity.serves(policy, at(1), BOUND), counts);
            assert_eq!(validity.serves_stale(policy, at(1), BOUND), counts);
            assert_eq!(validity.is_verified(policy, at(1)), counts);
        }
    }

    #[test]
    fn copy_without_a_stamp_stays_verified_but_never_serves() {
        let validity = Validity::new(POLICY, None, bounds([at(50); 3]));
        assert!(validity.is_verified(POLICY, at(1)));
        assert!(
            !validity.serves(POLICY, at(1), BOUND) && !validity.serves_stale(POLICY, at(1), BOUND)
        );
    }

    #[test]
    fn copy_serves_for_its_bound_after_a_heartbeat_and_only_stale_once_the_lease_ends() {
        let link = Link::trusted();
        let validity = link.read(bounds([at(50); 3]));
        let bound = Duration::from_secs(5);
        let does =
            |now| [validity.serves(POLICY, now, bound), validity.serves_stale(POLICY, now, bound)];
        assert_eq!((does(at(5)), does(at(5).after(NANOSECOND))), ([true; 2], [false; 2]));
        link.lease.renew(at(3));
        assert_eq!((does(at(8)), does(at(8).after(NANOSECOND))), ([true; 2], [false; 2]));
        link.lease.end();
        assert_eq!((does(at(8)), does(at(8).after(NANOSECOND))), ([false, true], [false; 2]));
    }

    #[test]
    fn invalidated_copy_neither_serves_nor_serves_stale() {
        for flushed in [false, true] {
            for lost in [false, true] {
                let link = Link::trusted();
                let validity = link.read(bounds([at(50); 3]));
                if lost {
                    link.lease.end();
                }
                // The invalidation may arrive on this connection or on the next one. Both share the
                // generations.
                let generations = link.lease.generations();
                if flushed {
                    generations.flush();
                } else {
                    generations.bump(generations.slot(b"key"));
                }
                assert!(!validity.serves(POLICY, at(1), BOUND), "{flushed} {lost}");
                assert!(!validity.serves_stale(POLICY, at(1), BOUND), "{flushed} {lost}");
                assert!(validity.is_verified(POLICY, at(1)), "{flushed} {lost}");
            }
        }
    }

    #[test]
    fn first_use_is_due_and_the_next_use_is_due_at_the_set_time() {
        let validity = Link::trusted().read(bounds([at(50); 3]));
        assert!(validity.is_due(at(0)));
        validity.set_due(at(10));
        assert!(
            !validity.is_due(at(0))
                && !validity.is_due(just_before(at(10)))
                && validity.is_due(at(10))
        );
    }
}
