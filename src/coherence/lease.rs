//! The lease of an invalidation connection: proof that every earlier invalidation has arrived.

use std::time::Duration;

use super::generations::Generations;
use super::sync::{Arc, AtomicU64, Ordering};
use super::tick::Tick;

/// The lease of one connection. It begins with the first answered heartbeat. Once ended, it never
/// holds again.
pub(crate) struct Lease {
    /// When the last answered heartbeat was sent, in nanoseconds. [`NOT_YET`] before the first one,
    /// [`ENDED`] after the end.
    heartbeat: AtomicU64,
    /// The same time, which is kept after the end.
    last: AtomicU64,
    /// The generations, which all connections share. Stored here so that a stamp reaches them
    /// through one pointer.
    generations: Arc<Generations>,
}

// Both are long before the time of any heartbeat, so a lease with either value does not hold.
const NOT_YET: u64 = 0;
const ENDED: u64 = 1;

impl Lease {
    /// Creates a lease for a connection whose invalidations increment these generations.
    pub(crate) fn new(generations: Arc<Generations>) -> Self {
        Self { heartbeat: AtomicU64::new(NOT_YET), last: AtomicU64::new(NOT_YET), generations }
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Records that a heartbeat that was sent at `sent` has been answered. Does nothing to an ended
    /// lease; only [`held`](Self::held) still uses the time.
    pub(crate) fn renew(&self, sent: Tick) {
        let sent = sent.as_nanos();
        // Release: a thread that reads this time also sees every invalidation that arrived before
        // the answer.
        self.last.fetch_max(sent, Ordering::Release);
        let _ = self.heartbeat.fetch_update(Ordering::Release, Ordering::Relaxed, |heartbeat| {
            (heartbeat != ENDED).then_some(heartbeat.max(sent))
        });
    }

    /// Ends the lease for good: the connection is lost or no longer trusted.
    pub(crate) fn end(&self) {
        self.heartbeat.store(ENDED, Ordering::Release);
    }

    /// Whether an answered heartbeat was sent at most `bound` before `now`, and the lease has not
    /// ended.
    ///
    /// The caller must call this *before* it reads the generations. They then show every
    /// invalidation that arrived before the answer to the heartbeat that this call sees.
    pub(crate) fn holds(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.heartbeat.load(Ordering::Acquire)).after(bound)
    }

    /// Whether an answered heartbeat was sent at most `bound` before `now`, even if the lease has
    /// ended since. The caller must call this before it reads the generations, too.
    pub(crate) fn held(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.last.load(Ordering::Acquire)).after(bound)
    }
}
