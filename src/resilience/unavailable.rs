//! The errors of a store call, and the proof that the store itself failed.

use super::bulkhead::TurnedAway;
use crate::error::AuthError;
use crate::store::{StoreError, StoreErrorKind};

/// Proof that the store itself failed: the store reported that it is unavailable or that the server
/// is not the primary, a call got no answer within its whole timeout, or the circuit is open
/// because of such a failure.
///
/// Only the store client creates this value, from the result of its own call. A failure policy
/// requires it. So no other timeout and no error of another component can let a request in.
#[derive(Clone, Debug)]
pub(crate) struct StoreAway(StoreError);

/// Why a store call has no result.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The store itself failed.
    Away(StoreAway),
    /// The store answered with an error.
    Answered(StoreError),
}

impl Failure {
    /// The call was not made because an error of this kind has opened the circuit.
    pub(super) fn turned_away(kind: StoreErrorKind, why: TurnedAway) -> Self {
        Self::Away(StoreAway(StoreError::with_source(kind, why)))
    }

    /// The error of a call that was made with its whole timeout.
    pub(super) fn of_call(error: StoreError) -> Self {
        if is_away(&error) { Self::Away(StoreAway(error)) } else { Self::Answered(error) }
    }
}

/// Whether the error means that the store did not answer, or that its answers do not count.
pub(super) fn is_away(error: &StoreError) -> bool {
    error.kind().is_away()
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away(StoreAway(error)) | Failure::Answered(error) => error,
        }
    }
}

impl From<StoreAway> for AuthError {
    fn from(StoreAway(error): StoreAway) -> Self {
        error.into()
    }
}
