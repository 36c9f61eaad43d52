//! The self-test of keys. No policy exists with a key that fails this test.

use std::time::Duration;

use super::compact;
use super::policy::{Policy, TokenSettings, header};
use super::sign::NewToken;
use crate::clock::Timestamp;
use crate::error::ConfigError;
use crate::id::{SessionId, UserId};
use crate::token::keys::VerifyingKey;
use crate::token::keys::key_set::KeySet;

impl KeySet {
    /// Signs and verifies with the signing key, and checks that every key rejects forged
    /// signatures.
    ///
    /// Each function of this library that takes a key set runs this test before it uses the keys.
    /// You can also call this function in a command that checks a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if two keys have the same `kid`, a key does not work, or this build has no
    /// crypto backend.
    pub fn self_test(&self) -> Result<(), ConfigError> {
        Policy::new(TokenSettings::new(self.clone())).map(drop)
    }
}

impl Policy {
    /// Checks the settings and runs the self-test of the keys.
    pub(crate) fn new(settings: TokenSettings) -> Result<Self, ConfigError> {
        let policy = Self::with_untested_keys(settings)?;
        policy.self_test()?;
        Ok(policy)
    }

    /// Returns a policy with the same settings and other keys.
    pub(crate) fn with_keys(&self, keys: KeySet) -> Result<Self, ConfigError> {
        Self::new(TokenSettings { keys, ..self.settings.clone() })
    }

    /// Tests the keys. Checks that each key loads and rejects a wrong signature. Then signs and
    /// verifies with the signing key, and checks that this key rejects two kinds of forgery.
    fn self_test(&self) -> Result<(), ConfigError> {
        let keys = &self.settings.keys;
        keys.verifying().try_for_each(works)?;

        let signing = keys.signing();
        let failed = |failure| ConfigError::SelfTest { kid: signing.kid().to_owned(), failure };
        let (Ok(user), Ok(session)) = (UserId::parse("self-test"), SessionId::parse("self-test"))
        else {
            return Err(failed("no test token can be made"));
        };
        let now = Timestamp::from_millis(1_700_000_000_000);
        let token = self
            .sign(&NewToken {
                user: &user,
                session: &session,
                issued_at: now,
                expires_at: now.saturating_add(Duration::from_secs(60)),
                rotation: None,
                custom: None,
            })
            .map_err(|_| failed("it cannot sign"))?;
        let accepted = |token: &str| self.verify(token, now).is_ok();
        if !accepted(&token) {
            return Err(failed("it rejects its own signature"));
        }
        let Some(parts) = compact::split(&token) else {
            return Err(failed("it cannot sign"));
        };
        let none = format!("{}.{}", header("none", signing.kid()), parts.payload);
        let tampered = tamper(parts.signature);
        if accepted(&format!("{none}.{}", parts.signature)) || accepted(&format!("{none}.")) {
            return Err(failed("it accepts a token with the algorithm `none`"));
        }
        if accepted(&format!("{}.{tampered}", parts.signed)) {
            return Err(failed("it accepts a tampered signature"));
        }
        Ok(())
    }
}

/// Tests that a verifying key loads and rejects a wrong signature.
fn works(key: &VerifyingKey) -> Result<(), ConfigError> {
    let failure = match key.verify(&compact::encode([7; 64]), b"an unsigned message") {
        Ok(false) => return Ok(()),
        Ok(true) => "it accepts a forged signature",
        Err(_) => "it cannot be loaded",
    };
    Err(ConfigError::SelfTest { kid: key.kid().to_owned(), failure })
}

/// Changes the first character of a signature. All bits of this character are data, so the decoded
/// bytes certainly differ.
fn tamper(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    std::iter::once(first).chain(signature.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tamper_changes_the_first_character_of_the_signature() {
        assert_eq!(tamper("Abc"), "Bbc");
        assert_eq!(tamper("xbc"), "Abc");
    }
}
