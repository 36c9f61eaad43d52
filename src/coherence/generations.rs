//! Generations: counters that invalidations increment.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::sync::{AtomicU64, Ordering};

/// A table of counters. All keys whose hash falls into the same slot share one counter.
///
/// If two keys share a slot, a change of one key sometimes causes an unnecessary store read for the
/// other key. A shared slot never causes a wrong answer. The hash function has a random key, so a
/// client cannot choose user ids that share a slot.
pub(crate) struct Generations {
    counters: Box<[AtomicU64]>,
    /// The number of times that all keys were invalidated at once (a flush). All connections share
    /// this counter. While the store is unavailable, a request may still use a copy that was read
    /// before the current connection was opened. A flush must invalidate that copy too.
    flushes: AtomicU64,
    hasher: RandomState,
}

/// The position of a key's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Generations {
    /// Creates a table of 2^`bits` counters of 8 bytes. `bits` is at most 32.
    pub(crate) fn new(bits: u32) -> Self {
        debug_assert!(bits <= u32::BITS, "a slot has no more bits");
        let counters = (0..1_usize << bits).map(|_| AtomicU64::new(0)).collect();
        Self { counters, flushes: AtomicU64::new(0), hasher: RandomState::default() }
    }

    pub(crate) fn slot(&self, key: &[u8]) -> Slot {
        // The length is a power of two and at most 2^32, so the masked hash fits into 32 bits.
        Slot((self.hasher.hash_one(key) as usize & (self.counters.len() - 1)) as u32)
    }

    /// Records a change in this slot. From then on, copies that were stamped before this call are
    /// no longer valid.
    pub(crate) fn bump(&self, slot: Slot) {
        if let Some(counter) = self.counters.get(slot.0 as usize) {
            // Release: a thread that sees the new value also sees everything that was written
            // before this call. The counter does not overflow in practice, because that takes 2^64
            // changes.
            counter.fetch_add(1, Ordering::Release);
        }
    }

    /// Returns a number that changes with each change of this slot. It is the sum of two counters
    /// that only grow, so it is unchanged only if neither has changed.
    pub(crate) fn version(&self, slot: Slot) -> u64 {
        let counter = self.counters.get(slot.0 as usize);
        let changes = counter.map_or(0, |counter| counter.load(Ordering::Acquire));
        self.flushes.load(Ordering::Acquire) + changes
    }

    /// Records that all keys may have changed.
    pub(crate) fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::Release);
    }
}
