//! What can be wrong with a verb of the manager.

use super::StoreError;
use crate::id::RandomError;

/// Why a verb of the [`SessionManager`](crate::SessionManager) did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store cannot answer or takes no writes: answer 503, and never claim that the verb was done.
    #[error("the session store did not do it")]
    Store(#[from] StoreError),
    /// The session's content is larger than a record may be.
    #[error("session content of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size, in bytes of JSON.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field of the session breaks its limit.
    #[error("{field} is longer than {limit} bytes")]
    FieldTooLong {
        /// The field's name.
        field: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The application's own data or claims could not be written as JSON.
    #[error("session content cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The application's own claims may not stand in a token: not an object, or a name that is taken.
    #[error("custom claims are not usable: {0}")]
    Claims(&'static str),
    /// The token came out longer than a request may carry (8 KiB).
    #[error("access token of {size} bytes is over the limit of {limit}")]
    TokenTooLong {
        /// Its size, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The key did not sign.
    #[error("the access token could not be signed")]
    Sign(#[source] SignError),
    /// The operating system gave no random bytes.
    #[error("no session id could be made")]
    Random(#[from] RandomError),
}

/// The cryptography behind a signing key refused.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] pub(crate) jsonwebtoken::errors::Error);
