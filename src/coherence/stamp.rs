//! What was known before a question was sent.

use std::time::Duration;

use super::generations::{Generations, Slot};
use super::lease::Lease;
use super::sync::Arc;
use super::tick::Tick;

/// What was known of one key before something was asked about it: the answer counts for as long as it is still so.
///
/// Taken first, sent after. The other way round, a change in between would go unseen.
#[derive(Clone)]
pub(crate) struct Stamp {
    lease: Arc<Lease>,
    flushes: u64,
    generations: Arc<Generations>,
    slot: Slot,
    generation: u64,
}

impl Stamp {
    pub(crate) fn take(lease: &Arc<Lease>, generations: &Arc<Generations>, key: &[u8]) -> Self {
        let slot = generations.slot(key);
        Self {
            flushes: generations.flushes(),
            generation: generations.current(slot),
            lease: Arc::clone(lease),
            generations: Arc::clone(generations),
            slot,
        }
    }

    /// Whether the answer to a question that was sent after this stamp was taken is still the truth, or was at most
    /// `bound` ago.
    pub(crate) fn holds(&self, now: Tick, bound: Duration) -> bool {
        // In this order: see `Lease::holds`.
        self.lease.holds(now, bound) && self.unchanged()
    }

    /// The same of a connection that may be lost: whether it was so when the last beat was answered, and that beat was
    /// sent at most `bound` ago.
    pub(crate) fn held(&self, now: Tick, bound: Duration) -> bool {
        self.lease.held(now, bound) && self.unchanged()
    }

    /// Whether nothing was told about the key since, on this connection or on a later one.
    fn unchanged(&self) -> bool {
        self.flushes == self.generations.flushes()
            && self.generation == self.generations.current(self.slot)
    }

    /// The connection on which the question is to be sent.
    pub(crate) fn is_of(&self, lease: &Arc<Lease>) -> bool {
        Arc::ptr_eq(&self.lease, lease)
    }
}
