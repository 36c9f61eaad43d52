//! The number of the present policy, for comparisons that do not need the policy itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the present policy.
#[derive(Debug)]
pub(crate) struct PolicyNumber(AtomicU64);

impl PolicyNumber {
    /// Creates the value from `number`, which is the policy's number without an audience.
    pub(crate) fn new(number: u64) -> Self {
        Self(number.into())
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }

    /// Returns the number of the present policy, combined with the number of a layer's audience.
    /// The result equals `Policy::number`, but this method does not load the policy.
    pub(crate) fn with(&self, audience: u32) -> u64 {
        self.0.load(Ordering::Acquire) | u64::from(audience)
    }
}
