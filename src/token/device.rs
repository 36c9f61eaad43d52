//! Device tokens: the values of device cookies. A device token proves that a device has logged in
//! to one account before.
//!
//! A token is the text `<device>.<issued at>.<account>.<password epoch>.<MAC>`. `account` and
//! `password epoch` are MACs too, so the token does not reveal the user. All three MACs use one
//! secret, which is derived from a key of the policy.

use super::jwt::policy::Policy;
use super::keys::derived::DerivedKey;
use crate::clock::Timestamp;
use crate::error::{SessionError, SignError};
use crate::id::{UserId, is_plain};

/// The maximum length of a device token, in bytes. A longer token is rejected without being read.
/// Issued tokens have at most 135 bytes.
const MAX_LEN: usize = 256;

/// The length of the MACs within a token, in characters (132 bits).
const TAG_LEN: usize = 22;

/// The password epoch of a token that was issued while the store had no password epoch of the user.
const NO_EPOCH: &str = "0";

/// A device token that was made with one of the policy's keys. The caller decides whether the token
/// is still valid.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    id: String,
    issued_at: Timestamp,
    account: String,
    password_epoch: String,
    key: DerivedKey,
}

impl Device {
    /// The maximum length of a device id, in bytes.
    const MAX_ID_LEN: usize = 32;

    /// Returns the device id. It has no meaning, and is the same in every token of one device.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the time at which the token was issued, in whole seconds.
    pub(crate) fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns `true` if the token was issued to this user, and the user's password has not changed
    /// since the token was issued. `password_epoch` is the user's current epoch.
    pub(crate) fn is_of(&self, user: &UserId, password_epoch: Option<&str>) -> bool {
        let same = |tag: Result<String, _>, here: &str| tag.is_ok_and(|tag| tag == here);
        // When a password changes, the store keeps the new epoch until all tokens from before the
        // change have expired. If the store has no epoch of the user, no such token is left. So the
        // token's epoch is not compared in that case.
        let same_epoch = password_epoch
            .is_none_or(|epoch| same(epoch_tag(&self.key, user, epoch), &self.password_epoch));
        same_epoch && same(account_tag(&self.key, user), &self.account)
    }
}

impl Policy {
    /// Creates a token for a device that has logged in to this user's account. `id` has 1 to 32
    /// bytes of `[A-Za-z0-9_-]`.
    pub(crate) fn device_token(
        &self,
        id: &str,
        user: &UserId,
        password_epoch: Option<&str>,
        now: Timestamp,
    ) -> Result<String, SessionError> {
        let key = &self.derived.signing;
        let seconds = now.as_millis().div_euclid(1_000);
        let account = account_tag(key, user)?;
        let epoch = match password_epoch {
            Some(epoch) => epoch_tag(key, user, epoch)?,
            None => NO_EPOCH.to_owned(),
        };
        let text = format!("{id}.{seconds}.{account}.{epoch}");
        let mac = self.derived_mac(key, &["device", &text])?;
        Ok(format!("{text}.{mac}"))
    }

    /// Opens a token that was made with one of the policy's keys. Does no I/O.
    pub(crate) fn open_device_token(&self, token: &str) -> Option<Device> {
        if token.len() > MAX_LEN {
            return None;
        }
        let (text, mac) = token.rsplit_once('.')?;
        let message = self.derived_message(&["device", text]).ok()?;
        let keys = std::iter::once(&self.derived.signing).chain(&self.derived.retired);
        let key = keys.into_iter().find(|key| key.is_mac(mac, message.as_bytes()))?.clone();
        let mut parts = text.split('.');
        let mut next = || parts.next().map(str::to_owned);
        let id = next().filter(|id| is_plain(id, Device::MAX_ID_LEN))?;
        let issued_at = next()?.parse::<i64>().ok()?.checked_mul(1_000)?;
        let (account, password_epoch) = (next()?, next()?);
        let issued_at = Timestamp::from_millis(issued_at);
        Some(Device { id, issued_at, account, password_epoch, key })
    }
}

fn account_tag(key: &DerivedKey, user: &UserId) -> Result<String, SessionError> {
    tag(key, &("device account", user.as_str()))
}

fn epoch_tag(key: &DerivedKey, user: &UserId, epoch: &str) -> Result<String, SessionError> {
    tag(key, &("device password epoch", user.as_str(), epoch))
}

fn tag(key: &DerivedKey, words: &impl serde::Serialize) -> Result<String, SessionError> {
    let message = serde_json::to_string(words).map_err(SessionError::Encode)?;
    let mut mac =
        key.mac(message.as_bytes()).map_err(|error| SessionError::Sign(SignError(error)))?;
    mac.truncate(TAG_LEN);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::super::jwt::policy::TokenSettings;
    use super::super::{KeySet, SigningKey, VerifyingKey};
    use super::*;

    const SECRET: &[u8] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
    const OTHER: &[u8] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    fn policy(keys: KeySet, audience: &str) -> Policy {
        let audience = Some(audience.to_owned());
        Policy::new(TokenSettings { audience, ..TokenSettings::new(keys) }).unwrap()
    }

    fn ours() -> Policy {
        policy(KeySet::new(SigningKey::hs256("1", SECRET).unwrap()), "shop")
    }

    fn user(id: &str) -> UserId {
        UserId::parse(id).unwrap()
    }

    #[test]
    fn device_token_is_valid_for_one_account_only() {
        let token = ours().device_token("d1", &user("jeju"), None, NOW).unwrap();
        assert!(token.len() < 160 && !token.contains("jeju"), "{token}");
        let device = ours().open_device_token(&token).unwrap();
        assert_eq!((device.id(), device.issued_at().as_millis()), ("d1", 1_700_000_000_000));
        assert!(device.is_of(&user("jeju"), None));
        assert!(!device.is_of(&user("jej"), None));
        assert!(!format!("{device:?}").contains(str::from_utf8(SECRET).unwrap()));
    }

    #[test]
    fn password_change_invalidates_older_device_tokens() {
        let (ours, jeju) = (ours(), user("jeju"));
        let open = |epoch| {
            let token = ours.device_token("d1", &jeju, epoch, NOW).unwrap();
            ours.open_device_token(&token).unwrap()
        };
        let (before, after) = (open(None), open(Some("2:9")));
        assert!(!before.is_of(&jeju, Some("2:9")) && after.is_of(&jeju, Some("2:9")));
        assert!(!after.is_of(&jeju, Some("3:9")));
        // Here the store has no epoch, because it has removed the epoch of the last password
        // change. Every token from before that change has expired by then.
        assert!(after.is_of(&jeju, None) && before.is_of(&jeju, None));
        // A password epoch whose text equals `NO_EPOCH`.
        assert!(!before.is_of(&jeju, Some(NO_EPOCH)));
    }

    #[test]
    fn foreign_or_modified_device_token_is_rejected() {
        let ours = ours();
        let token = ours.device_token("d1", &user("jeju"), Some("e"), NOW).unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(ours.open_device_token(&changed).is_none(), "{at}");
        }
        let long = "x".repeat(10_000);
        for bad in ["", ".", "....", &token[1..], &format!("{token}."), &format!(".{token}"), &long]
        {
            assert!(ours.open_device_token(bad).is_none(), "{bad:?}");
        }
        let other_secret = KeySet::new(SigningKey::hs256("1", OTHER).unwrap());
        assert!(policy(other_secret, "shop").open_device_token(&token).is_none());
        let same_secret = KeySet::new(SigningKey::hs256("1", SECRET).unwrap());
        assert!(policy(same_secret, "bank").open_device_token(&token).is_none());
    }

    #[test]
    fn device_token_is_valid_while_its_old_secret_still_verifies() {
        let old = ours().device_token("d1", &user("jeju"), Some("e"), NOW).unwrap();
        let keys = KeySet::new(SigningKey::hs256("2", OTHER).unwrap())
            .also_verify(VerifyingKey::hs256("1", SECRET).unwrap());
        let rotated = policy(keys, "shop");
        let device = rotated.open_device_token(&old).unwrap();
        assert!(device.is_of(&user("jeju"), Some("e")) && !device.is_of(&user("jeju"), Some("f")));
        let new = rotated.device_token(device.id(), &user("jeju"), Some("e"), NOW).unwrap();
        assert!(ours().open_device_token(&new).is_none());
    }
}
