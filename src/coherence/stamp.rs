//! What was known before a question was sent.

use std::time::Duration;

use super::generations::Slot;
use super::lease::Lease;
use super::sync::Arc;
use super::tick::Tick;

/// What was known of one key before something was asked about it: the answer counts for as long as it is still so.
///
/// Taken first, sent after. The other way round, a change in between would go unseen.
#[derive(Clone)]
pub(crate) struct Stamp {
    lease: Arc<Lease>,
    /// That of the key's slot.
    version: u64,
    slot: Slot,
}

impl Stamp {
    pub(crate) fn take(lease: &Arc<Lease>, key: &[u8]) -> Self {
        let generations = lease.generations();
        let slot = generations.slot(key);
        Self { version: generations.version(slot), lease: Arc::clone(lease), slot }
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
        self.version == self.lease.generations().version(self.slot)
    }

    /// The connection on which the question is to be sent.
    pub(crate) fn is_of(&self, lease: &Arc<Lease>) -> bool {
        Arc::ptr_eq(&self.lease, lease)
    }
}
