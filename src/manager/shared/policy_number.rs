//! The number of the present policy, for comparisons that do not need the policy itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the present policy.
#[derive(Debug)]
pub(crate) struct PolicyNumber(AtomicU64);

impl PolicyNumber {
    /// `number` is the policy's number without an audience.
    pub(crate) fn new(number: u64) -> Self {
        Self(number.into())
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }

    /// Returns the number together with a layer's audience: `Policy::number` without loading the
    /// policy.
    pub(crate) fn with(&self, audience: u32) -> u64 {
        self.0.load(Ordering::Acquire) | u64::from(audience)
    }
}
