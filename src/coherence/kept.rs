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

/// What of a copy decides whether it may be used. In this order, so that a hit reads one piece of it.
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
