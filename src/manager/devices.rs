//! Device tokens. A device token proves that a device has logged in to an account before.

use std::time::Duration;

use super::SessionManager;
use crate::error::SessionError;
use crate::id::{UserId, random_text};
use crate::session::{LoginFence, SessionData};
use crate::token::{Device, Policy};

impl<D: SessionData> SessionManager<D> {
    /// Makes a device token for a device that has just logged in. If `device` is `None`, the token
    /// is for a new device. The token becomes invalid if the user's password is changed at any time
    /// after `login_fence` was read.
    pub(crate) fn device_token(
        &self,
        device: Option<&Device>,
        login_fence: &LoginFence,
    ) -> Result<String, SessionError> {
        let id = match device {
            Some(device) => device.id().to_owned(),
            None => random_text::<18>()?,
        };
        let (now, epoch) = (self.shared.clock.now(), login_fence.value.password_epoch());
        self.with_device_keys(|keys| keys.device_token(&id, &login_fence.user, epoch, now))
    }

    /// Reads a device token that one of our keys made within the last `lifetime`. No I/O.
    pub(crate) fn device(&self, token: &str, lifetime: Duration) -> Option<Device> {
        let device = self.with_device_keys(|keys| keys.open_device_token(token))?;
        let ends = device.issued_at().saturating_add(lifetime);
        (self.shared.clock.now() < ends).then_some(device)
    }

    /// Returns whether the device has logged in to this user's account, and the user's password was
    /// not changed after that login.
    pub(crate) fn is_device_of(
        &self,
        device: &Device,
        user: &UserId,
        login_fence: &LoginFence,
    ) -> bool {
        login_fence.user == *user && device.is_of(user, login_fence.value.password_epoch())
    }

    /// Calls `work` with the keys of refresh tokens. If the manager has no such keys, it calls
    /// `work` with the keys of access tokens. Only a secret can verify a device token. All keys of
    /// refresh tokens are secrets, including the keys that only verify. A device token therefore
    /// stays valid after a rotation of these keys, while the old key is kept as a verifying key.
    fn with_device_keys<T>(&self, work: impl FnOnce(&Policy) -> T) -> T {
        match &self.shared.refresh {
            Some(refresh) => refresh.with_policy(work),
            None => work(&self.shared.policy.load()),
        }
    }
}
