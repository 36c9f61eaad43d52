//! Under which conditions a copy may be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::stamp::Stamp;
use super::tick::Tick;

/// Until when a copy may be used, whatever else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// From then on the original is asked again.
    pub(crate) ask_again: Tick,
    /// The token ends.
    pub(crate) token_ends: Tick,
    /// What was read ends, as far as is known.
    pub(crate) ends: Tick,
}

/// What of a copy decides whether it may be used. In this order: what a hit reads is one piece of 48 bytes, which with
/// the counts of an `Arc` in front of it are as many as a cache line has.
#[repr(C)]
pub(crate) struct Kept {
    /// Which rules its token was verified by.
    policy: u64,
    /// The earliest of `terms`.
    until: Tick,
    /// When a use is to be noted next.
    due: AtomicU64,
    /// `None` where nobody would tell of a change: such a copy saves work, and no question.
    stamp: Option<Stamp>,
    terms: Terms,
}

impl Kept {
    pub(crate) fn new(policy: u64, stamp: Option<Stamp>, terms: Terms) -> Self {
        let until = terms.ask_again.min(terms.token_ends).min(terms.ends);
        Self { policy, stamp, terms, until, due: AtomicU64::new(0) }
    }

    /// Whether it may stand for the original: its token was verified by these rules, and it was the truth at most
    /// `bound` ago.
    pub(crate) fn serves(&self, policy: u64, now: Tick, bound: Duration) -> bool {
        self.policy == policy
            && now < self.until
            && self.stamp.as_ref().is_some_and(|stamp| stamp.holds(now, bound))
    }

    /// Whether nothing speaks against it but the age of what is known: the last word on it was had at most `bound` ago.
    pub(crate) fn serves_stale(&self, policy: u64, now: Tick, bound: Duration) -> bool {
        self.policy == policy
            && now < self.terms.token_ends.min(self.terms.ends)
            && self.stamp.as_ref().is_some_and(|stamp| stamp.held(now, bound))
    }

    /// Whether its token need not be verified again.
    pub(crate) fn is_verified(&self, policy: u64, now: Tick) -> bool {
        self.policy == policy && now < self.terms.token_ends
    }

    /// Whether a use at `now` is to be noted. Relaxed: an old value costs a look too many.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        now.as_nanos() >= self.due.load(Ordering::Relaxed)
    }

    /// No use before `next` needs to be noted.
    pub(crate) fn noted(&self, next: Tick) {
        self.due.store(next.as_nanos(), Ordering::Relaxed);
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        let Self { policy, until, due, stamp, terms } = self;
        let due = AtomicU64::new(due.load(Ordering::Relaxed));
        Self { policy: *policy, until: *until, due, stamp: stamp.clone(), terms: *terms }
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

    /// Seconds after the one beat.
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

        fn read(&self, terms: Terms) -> Kept {
            let stamp = Stamp::take(&self.lease, b"key");
            Kept::new(POLICY, Some(stamp), terms)
        }
    }

    fn terms([ask_again, token_ends, ends]: [Tick; 3]) -> Terms {
        Terms { ask_again, token_ends, ends }
    }

    #[test]
    fn each_of_its_terms_ends_what_it_speaks_of() {
        // What the end of each term leaves: whether the copy serves, serves while nobody answers, is verified.
        let leaves = [[false, true, true], [false, false, false], [false, false, true]];
        for (which, leaves) in leaves.into_iter().enumerate() {
            let mut ends = [at(50); 3];
            ends[which] = at(10);
            let kept = Link::trusted().read(terms(ends));
            let does = |now| {
                [
                    kept.serves(POLICY, now, BOUND),
                    kept.serves_stale(POLICY, now, BOUND),
                    kept.is_verified(POLICY, now),
                ]
            };
            assert_eq!(does(just_before(at(10))), [true; 3], "{which}");
            assert_eq!(does(at(10)), leaves, "{which}");
        }
    }

    #[test]
    fn a_token_that_other_rules_let_in_is_known_to_nobody() {
        let kept = Link::trusted().read(terms([at(50); 3]));
        for (policy, counts) in [(POLICY, true), (POLICY + 1, false), (POLICY - 1, false)] {
            assert_eq!(kept.serves(policy, at(1), BOUND), counts);
            assert_eq!(kept.serves_stale(policy, at(1), BOUND), counts);
            assert_eq!(kept.is_verified(policy, at(1)), counts);
        }
    }

    #[test]
    fn without_somebody_who_tells_it_saves_the_work_and_no_question() {
        let kept = Kept::new(POLICY, None, terms([at(50); 3]));
        assert!(kept.is_verified(POLICY, at(1)));
        assert!(!kept.serves(POLICY, at(1), BOUND) && !kept.serves_stale(POLICY, at(1), BOUND));
    }

    #[test]
    fn it_serves_for_its_bound_after_the_last_beat_and_stale_also_when_the_link_is_lost() {
        let link = Link::trusted();
        let kept = link.read(terms([at(50); 3]));
        let bound = Duration::from_secs(5);
        let does = |now| [kept.serves(POLICY, now, bound), kept.serves_stale(POLICY, now, bound)];
        assert_eq!((does(at(5)), does(at(5).after(NANOSECOND))), ([true; 2], [false; 2]));
        link.lease.renew(at(3));
        assert_eq!((does(at(8)), does(at(8).after(NANOSECOND))), ([true; 2], [false; 2]));
        link.lease.end();
        assert_eq!((does(at(8)), does(at(8).after(NANOSECOND))), ([false, true], [false; 2]));
    }

    #[test]
    fn what_has_changed_serves_nobody_not_even_stale() {
        for flushed in [false, true] {
            for lost in [false, true] {
                let link = Link::trusted();
                let kept = link.read(terms([at(50); 3]));
                if lost {
                    link.lease.end();
                }
                // Told on this link, or on the one after it: they share what they count.
                let generations = link.lease.generations();
                if flushed {
                    generations.flush();
                } else {
                    generations.bump(generations.slot(b"key"));
                }
                assert!(!kept.serves(POLICY, at(1), BOUND), "{flushed} {lost}");
                assert!(!kept.serves_stale(POLICY, at(1), BOUND), "{flushed} {lost}");
                assert!(kept.is_verified(POLICY, at(1)), "{flushed} {lost}");
            }
        }
    }

    #[test]
    fn its_first_use_is_noted_and_the_next_when_it_is_due() {
        let kept = Link::trusted().read(terms([at(50); 3]));
        assert!(kept.is_due(at(0)));
        kept.noted(at(10));
        assert!(!kept.is_due(at(0)) && !kept.is_due(just_before(at(10))) && kept.is_due(at(10)));
    }
}
