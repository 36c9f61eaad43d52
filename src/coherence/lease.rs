//! How long ago one connection is known to have told everything.

use std::time::Duration;

use super::generations::Generations;
use super::sync::{Arc, AtomicU64, Ordering};
use super::tick::Tick;

/// What one connection proves. It begins with the first answered beat, and ends for good.
pub(crate) struct Lease {
    /// When the last answered beat was sent, in nanoseconds; [`NOT_YET`] or [`ENDED`] while there is none.
    beat: AtomicU64,
    /// The same, and it outlives the end.
    last: AtomicU64,
    /// What all connections have told. Here, so that a stamp leads to it through one pointer.
    generations: Arc<Generations>,
}

// Both are long before any beat.
const NOT_YET: u64 = 0;
const ENDED: u64 = 1;

impl Lease {
    /// One that moves these counters.
    pub(crate) fn new(generations: Arc<Generations>) -> Self {
        Self { beat: AtomicU64::new(NOT_YET), last: AtomicU64::new(NOT_YET), generations }
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// A beat that was sent at `sent` has been answered. After the end this does nothing.
    pub(crate) fn renew(&self, sent: Tick) {
        let sent = sent.as_nanos();
        // Release: all messages that came before the answer are seen by whoever sees this.
        self.last.fetch_max(sent, Ordering::Release);
        let _ = self.beat.fetch_update(Ordering::Release, Ordering::Relaxed, |beat| {
            (beat != ENDED).then_some(beat.max(sent))
        });
    }

    /// The connection is lost, or not to be trusted any more.
    pub(crate) fn end(&self) {
        self.beat.store(ENDED, Ordering::Release);
    }

    /// Whether a beat was answered that was sent at most `bound` before `now`.
    ///
    /// To be asked *before* the counters are looked at: what this call sees, they show.
    pub(crate) fn holds(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.beat.load(Ordering::Acquire)).after(bound)
    }

    /// Whether a beat was answered that was sent at most `bound` before `now`, also if the connection is lost since. To be
    /// asked first as well.
    pub(crate) fn held(&self, now: Tick, bound: Duration) -> bool {
        now <= Tick::from_nanos(self.last.load(Ordering::Acquire)).after(bound)
    }
}
