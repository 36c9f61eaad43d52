//! The policy: the rules that a token must meet, as one immutable object.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::compact;
use super::sign::NewToken;
use super::verify::Expiry;
use crate::clock::Timestamp;
use crate::error::ConfigError;
use crate::id::{SessionId, UserId};
use crate::token::keys::VerifyingKey;
use crate::token::keys::backend;
use crate::token::keys::key_set::KeySet;

/// The largest leeway. RFC 7519 allows "no more than a few minutes".
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The settings of an application for its tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenSettings {
    pub(crate) keys: KeySet,
    /// The `iss` that tokens must have, and that signed tokens get. `None`: `iss` is not checked.
    pub(crate) issuer: Option<String>,
    /// The `aud` that tokens must have, and that signed tokens get. `None`: `aud` is not checked.
    pub(crate) audience: Option<String>,
    /// The tolerated difference between clocks. Five seconds by default, five minutes at most.
    pub(crate) leeway: Duration,
    /// Whether the type `JWT` is also accepted, for issuers that set no other. Then only issuer and
    /// audience keep out other kinds of tokens.
    pub(crate) accept_typ_jwt: bool,
}

impl TokenSettings {
    /// Returns the defaults for these keys: five seconds of leeway, and no other setting.
    pub(crate) fn new(keys: KeySet) -> Self {
        Self {
            keys,
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(5),
            accept_typ_jwt: false,
        }
    }
}

/// Settings that were checked. Other keys make another policy, so that a removed key stops working
/// at once.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Unique in this process, so that a token verified under one policy never counts under
    /// another.
    number: u32,
    pub(crate) settings: TokenSettings,
    /// The encoded header of all tokens that the signing key signs.
    pub(crate) header: String,
    #[cfg(feature = "routes")]
    pub(crate) derived: crate::token::keys::derived::DerivedKeys,
}

impl Policy {
    /// Checks the settings and runs the self-test of the keys.
    pub(crate) fn new(settings: TokenSettings) -> Result<Self, ConfigError> {
        check(&settings)?;
        let signing = settings.keys.signing();
        let header = header(signing.algorithm().as_str(), signing.kid());
        if !backend::is_present() {
            return Err(ConfigError::CryptoBackend);
        }
        let policy = Self {
            number: number(),
            #[cfg(feature = "routes")]
            derived: crate::token::keys::derived::DerivedKeys::new(&settings.keys)?,
            settings,
            header,
        };
        policy.self_test()?;
        Ok(policy)
    }

    /// Returns the issuer that tokens must have; `None` if `iss` is not checked.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    /// Returns the number of these rules: the policy's number, combined with that of the layer's
    /// audience.
    pub(crate) fn number(&self, audience: Option<&Audience>) -> u64 {
        (u64::from(self.number) << 32) | u64::from(audience.map_or(0, |audience| audience.number))
    }

    /// Returns a policy with the same settings and other keys.
    pub(crate) fn with_keys(&self, keys: KeySet) -> Result<Self, ConfigError> {
        Self::new(TokenSettings { keys, ..self.settings.clone() })
    }

    /// Tests the keys. Signs and verifies with the signing key, and checks that it rejects two
    /// kinds of forgery. Checks that each key loads and rejects a wrong signature.
    fn self_test(&self) -> Result<(), ConfigError> {
        let keys = &self.settings.keys;
        keys.verifying().try_for_each(works)?;

        let signing = keys.signing();
        let failed = |failure| ConfigError::SelfTest { kid: signing.kid().to_owned(), failure };
        let (Some(user), Some(session)) =
            (UserId::parse("self-test"), SessionId::parse("self-test"))
        else {
            return Err(failed("it has nothing to sign"));
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
            .map_err(|_| failed("it does not sign"))?;
        let accepted = |token: &str| self.verify(token, now, Expiry::Enforced).is_ok();
        if !accepted(&token) {
            return Err(failed("it does not verify what it signed"));
        }
        let Some(parts) = compact::split(&token) else {
            return Err(failed("it does not sign"));
        };
        let none = format!("{}.{}", header("none", signing.kid()), parts.payload);
        let tampered = tamper(parts.signature);
        if accepted(&format!("{none}.{}", parts.signature)) || accepted(&format!("{none}.")) {
            return Err(failed("it takes a token with the algorithm `none`"));
        }
        if accepted(&format!("{}.{tampered}", parts.signed)) {
            return Err(failed("it takes a tampered signature"));
        }
        Ok(())
    }
}

/// An audience that one layer requires in place of the policy's. Clones have the same number.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    number: u32,
    name: Arc<str>,
}

impl Audience {
    /// Requires tokens with the audience `name`, which must not be empty.
    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        /// One number for each name. A layer that is built anew for each connection keeps its
        /// number, and so can use the cache entries of the others.
        static NUMBERS: LazyLock<Mutex<HashMap<Arc<str>, u32>>> = LazyLock::new(Mutex::default);
        named("audience", name)?;
        let name: Arc<str> = name.into();
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *numbers.entry(Arc::clone(&name)).or_insert_with(number);
        Ok(Self { number, name })
    }

    /// Returns the required `aud`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number that distinguishes this audience from others.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

/// Returns a number that is unique in this process, starting with 1.
fn number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}

fn named(setting: &'static str, name: &str) -> Result<(), ConfigError> {
    match name {
        "" => Err(ConfigError::OutOfRange { setting, rule: "must not be empty" }),
        _ => Ok(()),
    }
}

/// Returns an encoded header.
fn header(algorithm: &str, kid: &str) -> String {
    // `Value` escapes the `kid`, whatever characters it has.
    let kid = Value::from(kid);
    compact::encode(format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":{kid}}}"#))
}

fn check(settings: &TokenSettings) -> Result<(), ConfigError> {
    for (setting, value) in [("issuer", &settings.issuer), ("audience", &settings.audience)] {
        value.as_deref().map_or(Ok(()), |value| named(setting, value))?;
    }
    if settings.leeway > MAX_LEEWAY {
        return Err(ConfigError::OutOfRange {
            setting: "leeway",
            rule: "must be at most five minutes",
        });
    }
    settings.keys.check_names()
}

/// Tests a key without its private half: the key must load, and must reject a wrong signature.
fn works(key: &VerifyingKey) -> Result<(), ConfigError> {
    let failure = match key.verify(&compact::encode([7; 64]), b"nobody signed this") {
        Ok(false) => return Ok(()),
        Ok(true) => "it takes a forged signature",
        Err(_) => "it cannot be loaded",
    };
    Err(ConfigError::SelfTest { kid: key.kid().to_owned(), failure })
}

/// Changes the first character of a signature. All of its bits are data, so the decoded bytes
/// differ for certain.
fn tamper(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    std::iter::once(first).chain(signature.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AuthErrorKind;
    use crate::token::keys::{SigningKey, VerifyingKey};
    use crate::token::tests::forge::{OTHER_SECRET, SECRET, key, now, policy, settings, signed};

    fn rules(change: impl FnOnce(&mut TokenSettings)) -> Result<Policy, ConfigError> {
        let mut settings = settings(key());
        change(&mut settings);
        Policy::new(settings)
    }

    #[test]
    fn settings_that_cannot_work_are_found_at_once() {
        let range = |result| match result {
            Err(ConfigError::OutOfRange { setting, .. }) => setting,
            other => panic!("{other:?}"),
        };
        assert_eq!(range(rules(|s| s.issuer = Some(String::new()))), "issuer");
        assert_eq!(range(rules(|s| s.audience = Some(String::new()))), "audience");
        assert_eq!(range(rules(|s| s.leeway = Duration::from_secs(301))), "leeway");
        assert!(rules(|s| s.leeway = Duration::from_secs(300)).is_ok());
    }

    #[test]
    fn two_keys_may_not_share_a_name() {
        let other = VerifyingKey::hs256("k1", OTHER_SECRET).unwrap();
        let found = KeySet::new(key()).also_verify(other).self_test();
        assert!(matches!(found, Err(ConfigError::DuplicateKid(kid)) if kid == "k1"));
    }

    #[test]
    fn other_keys_leave_the_other_settings_as_they_were() {
        let first = policy();
        let second = first.with_keys(KeySet::new(key())).unwrap();
        assert!(first.settings.issuer.is_some() && first.settings.audience.is_some());
        assert_eq!(second.settings.issuer, first.settings.issuer);
        assert_eq!(second.settings.audience, first.settings.audience);
        assert_eq!(second.settings.leeway, first.settings.leeway);
        assert_eq!(second.settings.accept_typ_jwt, first.settings.accept_typ_jwt);
    }

    #[test]
    fn an_old_key_verifies_until_it_is_taken_out() {
        let old = policy();
        let token = signed(&old, None);
        let new_key = SigningKey::hs256("k2", OTHER_SECRET).unwrap();

        let both = KeySet::new(new_key.clone()).also_verify(key().verifying_key());
        let both = old.with_keys(both).unwrap();
        assert!(both.verify(&token, now(), Expiry::Enforced).is_ok());
        let newer = signed(&both, None);
        let header = compact::decode(compact::split(&newer).unwrap().header).unwrap();
        assert_eq!(header, r#"{"alg":"HS256","typ":"at+jwt","kid":"k2"}"#);
        // A process that does not know the new key yet.
        assert!(old.verify(&newer, now(), Expiry::Enforced).is_err());

        let only = both.with_keys(KeySet::new(new_key)).unwrap();
        let error = only.verify(&token, now(), Expiry::Enforced).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
        assert!(only.verify(&newer, now(), Expiry::Enforced).is_ok());
    }

    #[test]
    fn a_wrong_secret_under_the_right_name_verifies_nothing() {
        let token = signed(&policy(), None);
        let other = SigningKey::hs256("k1", OTHER_SECRET).unwrap();
        let other = policy().with_keys(KeySet::new(other)).unwrap();
        assert!(other.verify(&token, now(), Expiry::Enforced).is_err());
    }

    #[test]
    fn a_tampered_signature_differs_in_its_first_character() {
        assert_eq!(tamper("Abc"), "Bbc");
        assert_eq!(tamper("xbc"), "Abc");
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?} {:?}", policy(), KeySet::new(key()));
        assert!(text.contains("k1") && !text.contains(str::from_utf8(SECRET).unwrap()), "{text}");
    }
}
