//! Why nothing is known about a token after all.

use crate::error::AuthError;
use crate::gate::StoreAway;

/// Why a session was not loaded.
#[derive(Clone, Debug)]
pub(crate) enum LoadFailure {
    /// The store itself failed. The layer's failure policy decides.
    StoreAway(StoreAway),
    /// The request is refused, whatever the failure policy is.
    Refused(AuthError),
}

impl From<AuthError> for LoadFailure {
    fn from(error: AuthError) -> Self {
        Self::Refused(error)
    }
}
