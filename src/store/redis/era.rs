//! What all connections of one store share: which of them are of use, and what proves where they lead.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::proof::Proofs;
use crate::trace;

/// Moves when all connections of the store that were made before are of no more use.
pub(super) struct Era {
    number: AtomicU64,
    role_is_unknown: AtomicBool,
    proofs: Proofs,
}

impl Era {
    pub(super) fn new(proofs: Proofs) -> Self {
        Self { number: AtomicU64::new(0), role_is_unknown: AtomicBool::new(false), proofs }
    }

    pub(super) fn ends(&self) {
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// The era with this number ends, if it has not: bad news of an earlier one are no news.
    pub(super) fn has_ended(&self, number: u64) {
        let next = number.wrapping_add(1);
        let _ = self.number.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// Logs, once, that the server does not tell its role.
    pub(super) fn role_is_unknown(&self) {
        if !self.role_is_unknown.swap(true, Ordering::Relaxed) {
            trace::warn!(
                "redis does not tell its role (HELLO), so a primary that was demoted cannot be told from a primary: use the \
                 address of the primary, without a proxy that hides the role"
            );
        }
    }
}
