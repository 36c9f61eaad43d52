//! Refresh tokens. Each contains a user, a session, a rotation counter, and two MACs.
//!
//! A token is the sealed text `<counter> <session> <second MAC> <user>`. The seal is the first MAC.
//! The seal proves that this application issued the token, and the check of the seal does no I/O.
//! So an invalid token causes no store access. Only a client with a genuine token can learn why its
//! session ended.
//!
//! The second MAC also covers the salt, which only the record of a live session contains:
//! `HMAC-SHA256(K, label ‖ issuer ‖ audience ‖ counter ‖ session ‖ salt ‖ user)`. `K` is the key
//! that also seals the token. An attacker who reads the store does not have the key. An attacker
//! who has the key does not have the salt.

use std::fmt;
use std::time::Duration;

use super::jwt::policy::{Policy, TokenSettings};
use super::keys::Algorithm;
use super::keys::key_set::KeySet;
use crate::error::{ConfigError, SessionError};
use crate::id::{SessionId, UserId};

/// The maximum length of a refresh token, in bytes. A longer token is rejected without being read.
/// Issued tokens have 140 to 650 bytes, depending on the length of the user id.
pub const MAX_REFRESH_TOKEN_LEN: usize = 1024;

const SEAL: &str = "refresh";
const SECRET: &str = "refresh secret";

/// A refresh token for the client.
///
/// The application sees the token only once. No store and no log contains it, and `Debug` does not
/// show it.
#[derive(Clone)]
pub struct RefreshToken {
    text: String,
    expires_in: Duration,
}

impl RefreshToken {
    /// Returns the token's text: at most [`MAX_REFRESH_TOKEN_LEN`] bytes of `[A-Za-z0-9_.-]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the maximum remaining life of the session, counted from the issue of this token.
    ///
    /// No rotation extends the session beyond this time. A session that is not used expires
    /// earlier.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// The content of a refresh token: its user, its session, and its rotation counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefreshClaims {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) counter: u64,
}

/// A refresh token that was sealed with one of the policy's keys.
pub(crate) struct Sealed {
    pub(crate) claims: RefreshClaims,
    kid: String,
    secret: String,
}

/// The keys of refresh tokens, bound to one issuer and audience.
pub(crate) struct RefreshPolicy(Policy);

impl RefreshPolicy {
    /// Checks the settings and runs the self-test of the keys.
    pub(crate) fn new(
        keys: KeySet,
        issuer: Option<String>,
        audience: Option<String>,
    ) -> Result<Self, ConfigError> {
        // If a client repeats a rotation, it must get the same token again. With HMAC, a key always
        // makes the same signature of the same text. With other algorithms, the signatures of one
        // text can differ. So only HMAC keys are accepted.
        if keys.verifying().any(|key| key.algorithm() != Algorithm::Hs256) {
            return Err(ConfigError::OutOfRange {
                setting: "refresh_keys",
                rule: "must be HMAC secrets (`SigningKey::hs256`)",
            });
        }
        Policy::new(TokenSettings { issuer, audience, ..TokenSettings::new(keys) }).map(Self)
    }

    /// Returns a policy with the same settings and other keys.
    pub(crate) fn with_keys(&self, keys: KeySet) -> Result<Self, ConfigError> {
        let settings = &self.0.settings;
        Self::new(keys, settings.issuer.clone(), settings.audience.clone())
    }

    /// Returns the settings and keys.
    #[cfg(feature = "routes")]
    pub(crate) fn policy(&self) -> &Policy {
        &self.0
    }

    /// Issues a refresh token. While the same key signs, the same arguments yield the same token.
    pub(crate) fn issue(
        &self,
        claims: &RefreshClaims,
        salt: &str,
        expires_in: Duration,
    ) -> Result<RefreshToken, SessionError> {
        let RefreshClaims { user, session, counter } = claims;
        let secret = self.0.mac(SECRET, &message(claims, salt))?;
        // The user id comes last because it may contain any character, including spaces.
        let text = format!("{counter} {} {secret} {user}", session.as_str());
        Ok(RefreshToken { text: self.0.seal(SEAL, &text)?, expires_in })
    }

    /// Returns the content of a token that was sealed with one of the policy's keys. Does no I/O.
    pub(crate) fn open(&self, token: &str) -> Option<Sealed> {
        if token.len() > MAX_REFRESH_TOKEN_LEN {
            return None;
        }
        let (text, kid) = self.0.unseal(SEAL, token)?;
        let mut words = text.splitn(4, ' ');
        let counter = words.next()?.parse().ok()?;
        let session = SessionId::parse(words.next()?).ok()?;
        let secret = words.next()?.to_owned();
        let user = UserId::parse(words.next()?).ok()?;
        Some(Sealed { claims: RefreshClaims { user, session, counter }, kid, secret })
    }

    /// Returns whether the token was issued for a session with this salt. The comparison takes
    /// constant time.
    pub(crate) fn is_of(&self, sealed: &Sealed, salt: &str) -> bool {
        self.0.is_mac(SECRET, &message(&sealed.claims, salt), &sealed.kid, &sealed.secret)
    }
}

/// Builds the message of the second MAC. The message is unambiguous: only the user id can contain a
/// space, and the user id comes last.
fn message(claims: &RefreshClaims, salt: &str) -> String {
    let RefreshClaims { user, session, counter } = claims;
    format!("{counter} {} {} {user}", session.as_str(), salt)
}

#[cfg(test)]
mod tests {
    use super::super::{SigningKey, VerifyingKey};
    use super::*;

    const SECRET: &[u8; 36] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
    const OTHER: &[u8; 36] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";

    fn key(kid: &str, secret: &[u8]) -> SigningKey {
        SigningKey::hs256(kid, secret).unwrap()
    }

    fn policy(keys: impl Into<KeySet>, audience: &str) -> RefreshPolicy {
        let issuer = Some("https://issuer.example".to_owned());
        RefreshPolicy::new(keys.into(), issuer, Some(audience.to_owned())).unwrap()
    }

    fn claims(user: &str, counter: u64) -> RefreshClaims {
        let session = SessionId::parse("s-1_x").unwrap();
        RefreshClaims { user: UserId::parse(user).unwrap(), session, counter }
    }

    fn issued(policy: &RefreshPolicy, claims: &RefreshClaims, of: &str) -> String {
        let token = policy.issue(claims, of, Duration::from_secs(60)).unwrap();
        assert!(token.as_str().len() <= MAX_REFRESH_TOKEN_LEN);
        token.text
    }

    #[test]
    fn refresh_token_contains_its_claims_and_is_deterministic() {
        let ours = policy(key("1", SECRET), "shop");
        for user in ["ada", "a b  c", " ", "ä\n1 s-1 x", &"x".repeat(256), &"\0".repeat(256)] {
            for counter in [0, 1, u64::MAX] {
                let claims = claims(user, counter);
                let token = issued(&ours, &claims, "salt");
                assert_eq!(token, issued(&ours, &claims, "salt"));
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                assert!(token.bytes().all(allowed), "{token}");
                let sealed = ours.open(&token).unwrap();
                assert_eq!(sealed.claims, claims);
                assert!(ours.is_of(&sealed, "salt"));
                assert!(!ours.is_of(&sealed, "sale"));
            }
        }
    }

    #[test]
    fn refresh_tokens_differ_by_counter_user_and_salt() {
        let ours = policy(key("1", SECRET), "shop");
        let one = issued(&ours, &claims("ada", 1), "salt");
        for (other, salt) in
            [(claims("ada", 2), "salt"), (claims("eve", 1), "salt"), (claims("ada", 1), "sale")]
        {
            assert_ne!(one, issued(&ours, &other, salt));
        }
    }

    #[test]
    fn foreign_or_modified_refresh_token_is_rejected() {
        let ours = policy(key("1", SECRET), "shop");
        let token = issued(&ours, &claims("ada", 7), "salt");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(ours.open(std::str::from_utf8(&changed).unwrap()).is_none(), "{at}");
            assert!(ours.open(&token[..at]).is_none(), "{at}");
        }
        let long = format!("{token}{}", "A".repeat(1 << 20));
        for bad in ["", ".", "..", "a.b.c", &format!("{token}."), &format!("{token}="), &long] {
            assert!(ours.open(bad).is_none());
        }
        for foreign in [
            policy(key("1", OTHER), "shop"),
            policy(key("2", SECRET), "shop"),
            policy(key("1", SECRET), "bank"),
        ] {
            assert!(foreign.open(&token).is_none());
        }
        // A text that the same key has sealed for another purpose.
        assert!(ours.open(&ours.0.seal("cursor", "7 s-1_x x ada").unwrap()).is_none());
    }

    #[test]
    fn sealed_text_without_a_valid_mac_is_not_a_refresh_token() {
        let ours = policy(key("1", SECRET), "shop");
        for (secret, user) in [("", "ada"), ("AAAA", "ada"), (&*"A".repeat(43), "ada")] {
            let sealed = ours.0.seal(SEAL, &format!("7 s-1_x {secret} {user}")).unwrap();
            let sealed = ours.open(&sealed).unwrap();
            assert!(!ours.is_of(&sealed, "salt"));
        }
        for text in ["", "7", "7 s-1_x", "7 s-1_x x", "7 s-1_x x ", "x s-1_x x ada", "7 s.1 x ada"]
        {
            assert!(ours.open(&ours.0.seal(SEAL, text).unwrap()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn replaced_key_is_accepted_until_it_is_removed() {
        let old = policy(key("1", SECRET), "shop");
        let token = issued(&old, &claims("ada", 7), "salt");
        let both =
            KeySet::new(key("2", OTHER)).also_verify(VerifyingKey::hs256("1", SECRET).unwrap());
        let both = old.with_keys(both).unwrap();
        let sealed = both.open(&token).unwrap();
        assert!(both.is_of(&sealed, "salt"));
        let next = issued(&both, &claims("ada", 8), "salt");
        assert!(old.open(&next).is_none());
        assert!(both.with_keys(key("2", OTHER).into()).unwrap().open(&token).is_none());
    }

    #[test]
    fn refresh_keys_must_be_hmac_secrets() {
        let pem = include_bytes!("../../tests/keys/ed25519.pem");
        let keys = KeySet::from(SigningKey::eddsa_pem("1", pem).unwrap());
        let refused = RefreshPolicy::new(keys, None, None).err().unwrap();
        assert!(matches!(refused, ConfigError::OutOfRange { setting: "refresh_keys", .. }));
    }

    #[test]
    fn debug_output_hides_the_token() {
        let token = policy(key("1", SECRET), "shop").issue(&claims("ada", 7), "s", Duration::ZERO);
        assert_eq!(format!("{:?}", token.unwrap()), "RefreshToken { expires_in: 0ns, .. }");
    }
}
