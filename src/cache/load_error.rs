//! The reasons why a session could not be loaded.

use crate::error::AuthError;
use crate::resilience::StoreUnavailable;

/// Why a session was not loaded.
#[derive(Clone, Debug)]
pub(crate) enum LoadError {
    /// The store itself failed. The layer's failure policy decides about the request.
    StoreUnavailable(StoreUnavailable),
    /// The request is refused, regardless of the failure policy.
    Refused(AuthError),
}

impl From<AuthError> for LoadError {
    fn from(error: AuthError) -> Self {
        Self::Refused(error)
    }
}
