//! Names under which something is counted that must not be named itself.

use jsonwebtoken::EncodingKey;

use super::backend;
use super::keys::Algorithm;
use super::policy::Policy;
use crate::error::{SessionError, SignError};

/// Where no key is a secret that all instances share: then it is a hash that whoever reads it may compare with guesses.
const NO_SECRET: &[u8] = b"tower-session-auth pseudonym";

impl Policy {
    /// Stands for `text` in all instances that sign with this key: HMAC-SHA256 under an HS256 key, and with another kind
    /// of key a plain hash. 43 characters of `[A-Za-z0-9_-]`. Another for each purpose, issuer and audience.
    pub(crate) fn pseudonym(&self, purpose: &str, text: &str) -> Result<String, SessionError> {
        let settings = &self.settings;
        // A JSON array, so no JWS signing input: no token comes out of it.
        let message =
            serde_json::to_string(&("name", purpose, &settings.issuer, &settings.audience, text))
                .map_err(SessionError::Encode)?;
        let key = settings.keys.signing();
        let mac = if key.algorithm() == Algorithm::Hs256 {
            key.sign(message.as_bytes())
        } else {
            let key = EncodingKey::from_secret(NO_SECRET);
            backend::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256)
        };
        mac.map_err(|error| SessionError::Sign(SignError(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::TokenSettings;
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
    fn one_name_has_one_pseudonym_in_all_instances_and_nobody_else_knows_it() {
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

    #[test]
    fn a_key_whose_signatures_differ_each_time_has_one_pseudonym_as_well() {
        let pem = include_bytes!("../../tests/keys/p256.pem");
        let policy = policy(SigningKey::es256_pem("1", pem).unwrap(), "shop");
        let name = policy.pseudonym("account", "jeju").unwrap();
        assert_eq!(policy.pseudonym("account", "jeju").unwrap(), name);
        assert_ne!(policy.pseudonym("account", "jej").unwrap(), name);
    }
}
