//! Which keys are good at one moment.

use std::sync::Arc;

use super::keys::{SigningKey, VerifyingKey};
use super::policy::{Policy, TokenSettings};
use crate::error::ConfigError;

/// One key that signs, and any number that verify what they signed before.
///
/// To rotate: [`new`](Self::new) with the new key, [`also_verify`](Self::also_verify) with the old one until its last
/// token has expired. A key that is left out is dead at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeySet {
    signing: SigningKey,
    retired: Arc<Vec<VerifyingKey>>,
}

/// One key for everything.
impl From<SigningKey> for KeySet {
    fn from(signing: SigningKey) -> Self {
        Self::new(signing)
    }
}

impl KeySet {
    /// This key signs, and verifies what it signed.
    #[must_use]
    pub fn new(signing: SigningKey) -> Self {
        Self { signing, retired: Arc::default() }
    }

    /// Also takes tokens that this key verifies.
    #[must_use]
    pub fn also_verify(mut self, key: VerifyingKey) -> Self {
        Arc::make_mut(&mut self.retired).push(key);
        self
    }

    /// Signs and verifies with each key as far as it can, and tries to get a forged token accepted.
    ///
    /// Whatever takes a set of keys does this by itself; here it is for a command that checks a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: two keys with one `kid`, a key that does not work, or no crypto backend in this build.
    pub fn self_test(&self) -> Result<(), ConfigError> {
        Policy::new(TokenSettings::new(self.clone())).map(drop)
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    pub(super) fn verifying(&self) -> impl Iterator<Item = &VerifyingKey> {
        std::iter::once(self.signing.as_verifying()).chain(self.retired.iter())
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying().find(|key| key.kid() == kid)
    }

    pub(super) fn check_names(&self) -> Result<(), ConfigError> {
        for (at, key) in self.verifying().enumerate() {
            if self.verifying().take(at).any(|earlier| earlier.kid() == key.kid()) {
                return Err(ConfigError::DuplicateKid(key.kid().to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::verify::Expiry;
    use super::super::{Algorithm, VerifiedClaims};
    use super::*;

    #[test]
    fn auto_traits_hold() {
        fn shared<T: Send + Sync + 'static>() {}
        fn cloned<T: Clone + Send + Sync + 'static>() {}
        cloned::<KeySet>();
        cloned::<SigningKey>();
        cloned::<VerifyingKey>();
        cloned::<VerifiedClaims>();
        cloned::<(Algorithm, Expiry)>();
        shared::<Policy>();
    }
}
