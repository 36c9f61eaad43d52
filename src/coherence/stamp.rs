//! Stamps: the state of a key before a process sent a read of it.

use std::time::Duration;

use super::generations::Slot;
use super::lease::Lease;
use super::sync::Arc;
use super::tick::Tick;

/// The generation of one key and the lease, taken before the process sends a read of the key. The
/// process may use the result of the read while [`holds`](Self::holds) returns `true`.
///
/// The caller must take the stamp before it sends the read. In the opposite order, a change between
/// the read and the stamp would go undetected.
#[derive(Clone)]
pub(crate) struct Stamp {
    lease: Arc<Lease>,
    /// The version of the key's slot when the stamp was taken.
    version: u64,
    slot: Slot,
}

impl Stamp {
    /// Takes a stamp of `key` on the connection with this lease.
    pub(crate) fn take(lease: &Arc<Lease>, key: &[u8]) -> Self {
        let generations = lease.generations();
        let slot = generations.slot(key);
        Self { version: generations.version(slot), lease: Arc::clone(lease), slot }
    }

    /// Returns whether the result of the read was current at some time from `bound` before `now`.
    /// This is certain if `Lease::holds` returns `true`, and no invalidation of the key's slot has
    /// arrived since the stamp was taken. The read must have been sent after this stamp was taken.
    pub(crate) fn holds(&self, now: Tick, bound: Duration) -> bool {
        // The order matters: see `Lease::holds`.
        self.lease.holds(now, bound) && self.unchanged()
    }

    /// Like [`holds`](Self::holds), but the lease may have ended after its last answered heartbeat.
    pub(crate) fn held(&self, now: Tick, bound: Duration) -> bool {
        self.lease.held(now, bound) && self.unchanged()
    }

    /// Returns whether no invalidation of the key's slot has arrived since the stamp was taken, on
    /// this connection or on a later one.
    fn unchanged(&self) -> bool {
        self.version == self.lease.generations().version(self.slot)
    }

    /// Returns whether the stamp belongs to the connection with this lease. The read must be sent
    /// on that connection.
    pub(crate) fn is_of(&self, lease: &Arc<Lease>) -> bool {
        Arc::ptr_eq(&self.lease, lease)
    }
}
