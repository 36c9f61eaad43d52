//! State that all connections of one store share: the number of the current era.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::trace;

/// The era of a store's connections. When the number of the era changes, the store no longer uses
/// the connections that were made before the change.
#[derive(Default)]
pub(super) struct Era {
    number: AtomicU64,
    role_is_unknown: AtomicBool,
}

impl Era {
    /// Ends the current era. The store then replaces all its connections.
    pub(super) fn end(&self) {
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the era with this number, unless that era has already ended. The number is needed
    /// because an error on an old connection says nothing about the connections of a later era.
    pub(super) fn end_if_current(&self, number: u64) {
        let next = number.wrapping_add(1);
        let _ = self.number.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// Logs a warning that the server does not report its role. Logs the warning only once.
    pub(super) fn warn_of_unknown_role(&self) {
        if !self.role_is_unknown.swap(true, Ordering::Relaxed) {
            trace::warn!(
                "redis does not report its role in HELLO, so a demoted primary is not recognized: \
                 use the address of the primary, without a proxy that hides the role"
            );
        }
    }
}
