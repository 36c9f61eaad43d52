//! Keys and settings of the refresh tokens.

use std::time::Duration;

use arc_swap::ArcSwap;

use crate::error::SessionError;
use crate::store::Salt;
#[cfg(feature = "routes")]
use crate::token::Policy;
use crate::token::{RefreshClaims, RefreshPolicy, RefreshToken};

/// Keys and settings of the refresh tokens.
pub(crate) struct Refresh {
    pub(crate) policy: ArcSwap<RefreshPolicy>,
    pub(crate) grace: Duration,
    pub(crate) retry: Duration,
}

impl Refresh {
    pub(crate) fn new(policy: RefreshPolicy, grace: Duration, retry: Duration) -> Self {
        Self { policy: ArcSwap::from_pointee(policy), grace, retry }
    }

    /// Calls `work` with the settings and keys of refresh tokens.
    #[cfg(feature = "routes")]
    pub(crate) fn with_policy<T>(&self, work: impl FnOnce(&Policy) -> T) -> T {
        work(self.policy.load().policy())
    }

    /// Issues a refresh token with the rotation counter in `claims`. The token can be rotated for
    /// `expires_in` at most.
    pub(crate) fn issue(
        &self,
        claims: &RefreshClaims,
        salt: &Salt,
        expires_in: Duration,
    ) -> Result<RefreshToken, SessionError> {
        self.policy.load().issue(claims, salt.as_str(), expires_in)
    }
}
