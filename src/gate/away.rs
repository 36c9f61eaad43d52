//! The proof that the store is away, and a failed call with or without it.

use super::lane::TurnedAway;
use crate::error::AuthError;
use crate::store::{StoreError, StoreErrorKind};

/// Proof that the store itself failed: it said that it is unavailable, or did not answer a call
/// within the whole store timeout, or its circuit is open because of such a failure.
///
/// Only the gate makes one, from one of its own calls. A failure policy asks for it, so that nothing
/// else can let a request in: no other time-out, and no error that another part made.
#[derive(Clone, Debug)]
pub(crate) struct StoreAway(StoreError);

/// Why a call to the store has no result.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The store itself failed.
    Away(StoreAway),
    /// The store answered with an error.
    Answered(StoreError),
}

impl Failure {
    /// The circuit is open, because of an error of this kind.
    pub(super) fn turned_away(kind: StoreErrorKind, why: TurnedAway) -> Self {
        Self::Away(StoreAway(StoreError::with_source(kind, why)))
    }

    /// The error of a call that had all of its time.
    pub(super) fn of_call(error: StoreError) -> Self {
        if is_away(&error) { Self::Away(StoreAway(error)) } else { Self::Answered(error) }
    }
}

/// Whether this error means that the store did not answer, or that its answers do not count.
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
