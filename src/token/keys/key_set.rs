//! The set of keys that are valid at one moment.

use std::sync::Arc;

use super::{SigningKey, VerifyingKey};
use crate::error::ConfigError;

/// One key that signs, and any number of keys that verify older tokens.
///
/// To rotate keys, call [`new`](Self::new) with the new key and [`also_verify`](Self::also_verify)
/// with the old key. Keep the old key until its last token has expired. A key that is not in the
/// set verifies nothing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeySet {
    signing: SigningKey,
    retired: Arc<Vec<VerifyingKey>>,
}

/// Uses one key to sign and to verify.
impl From<SigningKey> for KeySet {
    fn from(signing: SigningKey) -> Self {
        Self::new(signing)
    }
}

impl KeySet {
    /// Creates a set of one key, which signs and verifies.
    #[must_use]
    pub fn new(signing: SigningKey) -> Self {
        Self { signing, retired: Arc::default() }
    }

    /// Adds a key that only verifies. Tokens that it has signed are still accepted.
    #[must_use]
    pub fn also_verify(mut self, key: VerifyingKey) -> Self {
        Arc::make_mut(&mut self.retired).push(key);
        self
    }

    pub(crate) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    pub(crate) fn verifying(&self) -> impl Iterator<Item = &VerifyingKey> {
        std::iter::once(self.signing.as_verifying()).chain(self.retired.iter())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying().find(|key| key.kid() == kid)
    }

    pub(crate) fn check_names(&self) -> Result<(), ConfigError> {
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
    use super::*;
    use crate::token::jwt::policy::Policy;
    use crate::token::{Algorithm, VerifiedClaims};

    #[test]
    fn key_types_are_clone_send_and_sync() {
        fn shared<T: Send + Sync + 'static>() {}
        fn cloned<T: Clone + Send + Sync + 'static>() {}
        cloned::<KeySet>();
        cloned::<SigningKey>();
        cloned::<VerifyingKey>();
        cloned::<VerifiedClaims>();
        cloned::<Algorithm>();
        shared::<Policy>();
    }
}
