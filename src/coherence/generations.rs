//! Counters that move when something has changed.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::sync::{AtomicU64, Ordering};

/// A table of counters, each for all keys that fall into its slot.
///
/// Two keys in one slot cost a question too many now and then, never a wrong answer. The hash is keyed at random, so
/// nobody outside knows which keys those are.
pub(crate) struct Generations {
    counters: Box<[AtomicU64]>,
    /// How often everything has changed. Here, and not with one connection's lease: who serves what was read on an
    /// earlier connection must see it too.
    flushes: AtomicU64,
    hasher: RandomState,
}

/// Where a key's counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Generations {
    /// A table of 2^`bits` counters of eight bytes, at most 2^32.
    pub(crate) fn new(bits: u32) -> Self {
        debug_assert!(bits <= u32::BITS, "a slot has no more bits");
        let counters = (0..1_usize << bits).map(|_| AtomicU64::new(0)).collect();
        Self { counters, flushes: AtomicU64::new(0), hasher: RandomState::default() }
    }

    pub(crate) fn slot(&self, key: &[u8]) -> Slot {
        // The length is a power of two, and at most 2^32.
        Slot((self.hasher.hash_one(key) as usize & (self.counters.len() - 1)) as u32)
    }

    /// Something in this slot has changed: no copy made before this call counts any more.
    pub(crate) fn bump(&self, slot: Slot) {
        if let Some(counter) = self.counters.get(slot.0 as usize) {
            // Release: who sees this sees what the bump is told by. 2^64 changes do not happen.
            counter.fetch_add(1, Ordering::Release);
        }
    }

    /// A number that is another one after each change that concerns this slot. It is the sum of two counters that only
    /// grow, so it is the same only if both are.
    pub(crate) fn version(&self, slot: Slot) -> u64 {
        let counter = self.counters.get(slot.0 as usize);
        let changes = counter.map_or(0, |counter| counter.load(Ordering::Acquire));
        self.flushes.load(Ordering::Acquire) + changes
    }

    /// Everything may have changed.
    pub(crate) fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::Release);
    }
}
