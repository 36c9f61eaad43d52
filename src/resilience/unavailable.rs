//! The errors of a store call, and the proof that the store itself failed.

use super::bulkhead::CircuitOpen;
use crate::error::AuthError;
use crate::store::{StoreError, StoreErrorKind};

/// Proof that the store itself failed. There are three cases:
/// - The store reported that it is unavailable, or that the server is not the primary.
/// - The store did not answer a call within the call's whole timeout.
/// - The circuit is open because of such a failure.
///
/// Only the store client creates this value, from the result of its own call. A failure policy
/// requires this value before it lets a request pass. So no other timeout and no error of another
/// component can make a failure policy let a request pass.
#[derive(Clone, Debug)]
pub(crate) struct StoreUnavailable(StoreError);

/// The reason why a store call has no result.
#[derive(Clone, Debug)]
pub(crate) enum CallError {
    /// The store itself failed.
    Unavailable(StoreUnavailable),
    /// The store answered with an error.
    Answered(StoreError),
}

impl CallError {
    /// Returns the error of a call that was not made because the circuit is open. `kind` says why:
    /// the store is unavailable, or its server is not the primary.
    pub(super) fn circuit_open(kind: StoreErrorKind, why: CircuitOpen) -> Self {
        Self::Unavailable(StoreUnavailable(StoreError::with_source(kind, why)))
    }

    /// Returns the error of a call that was made and had the whole timeout.
    pub(super) fn of_call(error: StoreError) -> Self {
        if is_away(&error) {
            Self::Unavailable(StoreUnavailable(error))
        } else {
            Self::Answered(error)
        }
    }
}

/// Returns whether the error means that the store did not answer, or that its answers must not be
/// used.
pub(super) fn is_away(error: &StoreError) -> bool {
    error.kind().is_away()
}

impl From<CallError> for StoreError {
    fn from(failure: CallError) -> Self {
        match failure {
            CallError::Unavailable(StoreUnavailable(error)) | CallError::Answered(error) => error,
        }
    }
}

impl From<StoreUnavailable> for AuthError {
    fn from(StoreUnavailable(error): StoreUnavailable) -> Self {
        error.into()
    }
}
