//! Tokens without a session, for use while the store is unavailable.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::token::VerifiedClaims;

/// The claims of a request that was accepted on its JWT alone. While the store is unavailable, a
/// layer with [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) puts this value into
/// the request's extensions. The value does not say whether the session is live. Cheap to clone.
///
/// Behind two layers, a request can have this value from the outer layer and, in addition, a
/// [`Session`](crate::Session) from the inner layer. In that case, the session takes precedence.
/// With the feature `axum`, [`Caller`](crate::auth_layer::Caller) looks for a session first.
#[derive(Clone)]
pub struct TokenOnly(Arc<VerifiedClaims>);

impl TokenOnly {
    pub(crate) fn new(claims: VerifiedClaims) -> Self {
        Self(Arc::new(claims))
    }

    /// Returns the claims of the access token. It is unknown whether the token's session is live.
    #[must_use]
    pub fn claims(&self) -> &VerifiedClaims {
        &self.0
    }
}

impl fmt::Debug for TokenOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenOnly").field(&self.0).finish()
    }
}

/// An access token without a session.
#[non_exhaustive]
pub struct TokenLogin {
    /// The JWT, which the application must send to the client.
    pub access_token: String,
    /// The lifetime of the token.
    pub expires_in: Duration,
}

// The token stays out of logs.
impl fmt::Debug for TokenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenLogin").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
