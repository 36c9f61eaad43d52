//! The lease of an invalidation connection: proof that every earlier invalidation has arrived.

use std::time::Duration;

use super::generations::Generations;
use super::sync::{Arc, AtomicU64, Ordering};
use super::tick::Tick;

/// The lease of one connection. It begins with the first answered heartbeat. After a lease has
/// ended, [`holds`](Self::holds) never returns `true` again.
pub(crate) struct Lease {
    /// The time at which the last answered heartbeat was sent, in nanoseconds. The value is
    /// [`NOT_YET`] before the first answer, and [`ENDED`] after the end of the lease.
    heartbeat: AtomicU64,
    /// The time at which the last answered heartbeat was sent. The end of the lease does not change
    /// it.
    last: AtomicU64,
    /// The generations, which all connections share. They are stored here so that a stamp needs
    /// only one pointer.
    generations: Arc<Generations>,
}

// Both values are long before the time of any heartbeat, so a lease with one of them does not hold.
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

    /// Records that the heartbeat that was sent at `sent` was answered. If the lease has ended, it
    /// stays ended, and only [`held`](Self::held) uses the new time.
    pub(crate) fn renew(&self, sent: Tick) {
        let sent = sent.as_nanos();
        // Release: a thread that reads this time also sees every invalidation that arrived before
        // the answer.
        self.last.fetch_max(sent, Ordering::Release);
        let _ = self.heartbeat.fetch_update(Ordering::Release, Ordering::Relaxed, |heartbeat| {
            (heartbeat != ENDED).then_some(heartbeat.max(sent))
        });
    }

    /// Ends the lease permanently: the connection is lost or no longer trusted.
    pub(crate) fn end(&self) {
        self.heartbeat.store(ENDED, Ordering::Release);
    }

    /// Returns whether the lease has not ended and the last answered heartbeat was sent at most
    /// `bound` before `now`.
    ///
    /// The caller must call this *before* it reads the generations. Only in this order do the
    /// generations include every invalidation that arrived before the answer to the last heartbeat.
    pub(crate) fn holds(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.heartbeat.load(Ordering::Acquire)).after(bound)
    }

    /// Returns whether the last answered heartbeat was sent at most `bound` before `now`. The lease
    /// may have ended after that heartbeat. The caller must call this method, like
    /// [`holds`](Self::holds), before it reads the generations.
    pub(crate) fn held(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.last.load(Ordering::Acquire)).after(bound)
    }
}
