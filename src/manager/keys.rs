//! Replacing the keys of access tokens and of refresh tokens while requests are served.

use std::sync::{Arc, PoisonError};

use super::{SessionManager, Shared};
use crate::error::ConfigError;
use crate::session::SessionData;
use crate::token::KeySet;

impl<D: SessionData> SessionManager<D> {
    /// Replaces the keys that sign and verify access tokens, while requests are served.
    ///
    /// If only a removed key verifies a token, the token is rejected from the next request on. To
    /// rotate keys without logging users out, keep the old key as a verifying key until its tokens
    /// have expired.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a key fails its self-test. The manager then keeps its present keys.
    pub fn replace_keys(&self, keys: KeySet) -> Result<(), ConfigError> {
        let Shared { policy, policy_number, replacing, .. } = &*self.shared;
        let _one_at_a_time = replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = policy.load().with_keys(keys)?;
        let number = next.number(None);
        policy.store(Arc::new(next));
        // From here on, cache entries whose token was verified with the old keys are not valid.
        policy_number.set(number);
        Ok(())
    }

    /// Replaces the keys of refresh tokens while requests are served; see
    /// [`replace_keys`](Self::replace_keys). Keep the old key as a verifying key while sessions
    /// from before the replacement are live.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a key fails its self-test or is not an HMAC secret, or if the manager has
    /// no [`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys). In each case, the
    /// manager keeps its present keys.
    pub fn replace_refresh_keys(&self, keys: impl Into<KeySet>) -> Result<(), ConfigError> {
        let refresh = self.shared.refresh.as_ref().ok_or(ConfigError::Missing("refresh_keys"))?;
        let next = refresh.policy.load().with_keys(keys.into())?;
        refresh.policy.store(Arc::new(next));
        Ok(())
    }
}
