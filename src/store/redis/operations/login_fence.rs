//! Login fences: reading a user's fence, and creating a new one.

use redis::{Value, cmd};

use crate::id::{UserId, random_text};
use crate::store::redis::connect::pool_client::bytes;
use crate::store::redis::error::{unexpected, unreadable};
use crate::store::redis::inner::Inner;
use crate::store::{FenceValue, StoreError, StoreErrorKind};

impl Inner {
    /// Reads the login fence and the password epoch of a user.
    pub(crate) async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        let Self { requests, prefix, .. } = self;
        // This read does not check whether the login fence has expired, because `create.lua` checks
        // it at the end of the login.
        let mut both = cmd("HMGET");
        both.arg(prefix.gone(user)).arg("#").arg("@");
        let Value::Array(both) = requests.ask(&both).await? else { return Err(unexpected()) };
        let mut both = both.into_iter().map(bytes);
        let mut next = || {
            let bytes = both.next().ok_or_else(unexpected)??;
            bytes.map(String::from_utf8).transpose().map_err(|_| unreadable())
        };
        let (login_fence, epoch) = (next()?, next()?);
        Ok(FenceValue::new(login_fence.as_deref()).with_password_epoch(epoch.as_deref()))
    }
}

/// Returns a new random login fence (18 random bytes).
pub(crate) fn next_fence() -> Result<String, StoreError> {
    random_text::<18>().map_err(|error| StoreError::with_source(StoreErrorKind::Unavailable, error))
}
