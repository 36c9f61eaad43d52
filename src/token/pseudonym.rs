//! Pseudonyms: the store holds them instead of names, accounts and addresses.

use super::jwt::policy::Policy;
use super::keys::derived::DerivedKey;
use crate::error::{SessionError, SignError};

impl Policy {
    /// Returns the pseudonym of `text`: 43 characters of `[A-Za-z0-9_-]`.
    ///
    /// All instances with the same signing key return the same pseudonym, whatever the algorithm of
    /// the key is. The pseudonym is a MAC with a secret that is derived from that key. A reader of
    /// the store does not have the secret and cannot test guesses. The same text has a different
    /// pseudonym for each purpose, issuer and audience.
    pub(crate) fn pseudonym(&self, purpose: &str, text: &str) -> Result<String, SessionError> {
        self.derived_mac(&self.derived.signing, &["name", purpose, text])
    }

    /// Returns the MAC of these words for this issuer and audience, as base64url.
    pub(super) fn derived_mac(
        &self,
        key: &DerivedKey,
        words: &[&str],
    ) -> Result<String, SessionError> {
        let mac = key.mac(self.derived_message(words)?.as_bytes());
        mac.map_err(|error| SessionError::Sign(SignError(error)))
    }

    /// Builds the message of a MAC. The message is a JSON array, so two different lists of words
    /// never have the same message.
    pub(super) fn derived_message(&self, words: &[&str]) -> Result<String, SessionError> {
        let settings = &self.settings;
        serde_json::to_string(&(words, &settings.issuer, &settings.audience))
            .map_err(SessionError::Encode)
    }
}

#[cfg(test)]
mod tests {
    use super::super::jwt::policy::TokenSettings;
    use super::super::{KeySet, SigningKey};
    use super::*;

    fn policy(key: SigningKey, audience: &str) -> Policy {
        let settings = TokenSettings::new(KeySet::new(key));
        Policy::new(TokenSettings { audience: Some(audience.to_owned()), ..settings }).unwrap()
    }

    fn hs256(secret: &[u8]) -> SigningKey {
        SigningKey::hs256("1", secret).unwrap()
    }

    const SECRET: &[u8] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
    const OTHER: &[u8] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";

    #[test]
    fn pseudonym_is_stable_and_depends_on_name_purpose_audience_and_key() {
        let ours = policy(hs256(SECRET), "shop").pseudonym("account", "jeju").unwrap();
        assert_eq!(policy(hs256(SECRET), "shop").pseudonym("account", "jeju").unwrap(), ours);
        assert!(ours.len() == 43 && !ours.contains("jeju"));
        for other in [
            policy(hs256(SECRET), "shop").pseudonym("account", "jeju "),
            policy(hs256(SECRET), "shop").pseudonym("address", "jeju"),
            policy(hs256(SECRET), "bank").pseudonym("account", "jeju"),
            policy(hs256(OTHER), "shop").pseudonym("account", "jeju"),
        ] {
            assert_ne!(other.unwrap(), ours);
        }
    }

    /// Computes a hash without a key. An earlier version stored this hash if the signing key was
    /// not an HMAC secret. A reader of the store could compute the same hash.
    fn unkeyed(purpose: &str, text: &str) -> String {
        let message =
            serde_json::to_string(&("name", purpose, None::<&str>, "shop", text)).unwrap();
        let key = jsonwebtoken::EncodingKey::from_secret(b"tower-session-auth pseudonym");
        let algorithm = jsonwebtoken::Algorithm::HS256;
        super::super::keys::backend::sign(message.as_bytes(), &key, algorithm).unwrap()
    }

    #[test]
    fn pseudonym_is_keyed_for_every_signing_algorithm() {
        let rsa = include_bytes!("../../tests/keys/rsa.pem");
        let other_rsa = include_bytes!("../../tests/keys/rsa-pkcs1.pem");
        let p256 = include_bytes!("../../tests/keys/p256.pem");
        let ed25519 = include_bytes!("../../tests/keys/ed25519.pem");
        let keys = [
            hs256(SECRET),
            SigningKey::rs256_pem("1", rsa).unwrap(),
            SigningKey::es256_pem("1", p256).unwrap(),
            SigningKey::eddsa_pem("1", ed25519).unwrap(),
        ];
        let mut seen = vec![unkeyed("account", "jeju")];
        for key in keys {
            let name = policy(key.clone(), "shop").pseudonym("account", "jeju").unwrap();
            assert_eq!(policy(key, "shop").pseudonym("account", "jeju").unwrap(), name);
            assert!(!seen.contains(&name), "each key has its own pseudonym");
            seen.push(name);
        }
        // Instances may have the same key in two file formats.
        let same = SigningKey::rs256_pem("1", other_rsa).unwrap();
        assert!(seen.contains(&policy(same, "shop").pseudonym("account", "jeju").unwrap()));
    }
}
