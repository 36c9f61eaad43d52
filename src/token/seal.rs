//! Sealed texts: a client carries them and cannot change them.
//!
//! They are signed with the keys of a policy. A sealed text is never accepted as a token.

use super::jwt::compact;
use super::jwt::policy::Policy;
use crate::error::{SessionError, SignError};

impl Policy {
    /// Seals `text` for the client, bound to this purpose, issuer and audience.
    pub(crate) fn seal(&self, purpose: &str, text: &str) -> Result<String, SessionError> {
        let signature = self.mac(purpose, text)?;
        let kid = self.settings.keys.signing().kid();
        Ok(format!("{}.{}.{signature}", compact::encode(text), compact::encode(kid)))
    }

    /// Returns the text and the `kid` of its key, if one of this policy's keys sealed the text for
    /// this purpose.
    pub(crate) fn unseal(&self, purpose: &str, sealed: &str) -> Option<(String, String)> {
        let (text, rest) = sealed.split_once('.')?;
        let (kid, signature) = rest.split_once('.')?;
        let (text, kid) = (compact::decode(text)?, compact::decode(kid)?);
        self.is_mac(purpose, &text, &kid, signature).then_some((text, kid))
    }

    /// Returns the signing key's signature of `text` for this purpose, as base64url.
    pub(super) fn mac(&self, purpose: &str, text: &str) -> Result<String, SessionError> {
        let message = self.message(purpose, text)?;
        let signed = self.settings.keys.signing().sign(message.as_bytes());
        signed.map_err(|error| SessionError::Sign(SignError(error)))
    }

    /// Returns whether `mac` is the signature of `text` for this purpose by the key with this
    /// `kid`. The comparison takes constant time.
    pub(super) fn is_mac(&self, purpose: &str, text: &str, kid: &str, mac: &str) -> bool {
        let (Some(key), Ok(message)) = (self.settings.keys.find(kid), self.message(purpose, text))
        else {
            return false;
        };
        matches!(key.verify(mac, message.as_bytes()), Ok(true))
    }

    /// Builds the message that is signed. The message is a JSON array and never a JWS signing
    /// input. So a sealed text is not accepted as a token, and a token is not accepted as a sealed
    /// text.
    fn message(&self, purpose: &str, text: &str) -> Result<String, SessionError> {
        let settings = &self.settings;
        serde_json::to_string(&(purpose, &settings.issuer, &settings.audience, text))
            .map_err(SessionError::Encode)
    }
}

#[cfg(test)]
mod tests {
    use super::super::jwt::policy::{Policy, TokenSettings};
    use super::super::{KeySet, SigningKey};

    fn policy(kid: &str, secret: &[u8; 36], audience: &str) -> Policy {
        let keys = KeySet::new(SigningKey::hs256(kid, secret).unwrap());
        Policy::new(TokenSettings {
            audience: Some(audience.to_owned()),
            ..TokenSettings::new(keys)
        })
        .unwrap()
    }

    const SECRET: &[u8; 36] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
    const OTHER: &[u8; 36] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";

    #[test]
    fn unseal_returns_sealed_text_and_rejects_everything_else() {
        let ours = policy("1", SECRET, "shop");
        let sealed = ours.seal("cursor", "0 jeju\n").unwrap();
        let opened = ours.unseal("cursor", &sealed);
        assert_eq!(opened, Some(("0 jeju\n".to_owned(), "1".to_owned())));
        assert_eq!(ours.unseal("other", &sealed), None);
        assert_eq!(policy("1", OTHER, "shop").unseal("cursor", &sealed), None);
        assert_eq!(policy("2", SECRET, "shop").unseal("cursor", &sealed), None);
        assert_eq!(policy("1", SECRET, "bank").unseal("cursor", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed == sealed || ours.unseal("cursor", &changed).is_none(), "{at}");
        }
        for bad in
            ["", ".", "..", "a.b.c", &sealed[1..], &format!("{sealed}."), &format!("{sealed}A")]
        {
            assert_eq!(ours.unseal("cursor", bad), None, "{bad:?}");
        }
    }
}
