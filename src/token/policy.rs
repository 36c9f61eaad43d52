//! What must be right about a token: one immutable object.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::keys::VerifyingKey;
use super::set::KeySet;
use super::sign::NewToken;
use super::verify::Expiry;
use super::{backend, jws};
use crate::clock::Timestamp;
use crate::error::ConfigError;
use crate::id::{SessionId, UserId};

/// RFC 7519 allows "no more than a few minutes".
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// What an application can choose about its tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenSettings {
    pub(crate) keys: KeySet,
    /// Whose tokens are taken, and `iss` of those signed here; `None` looks at no `iss`.
    pub(crate) issuer: Option<String>,
    /// Who is meant, and `aud` of tokens signed here; `None` takes tokens meant for anybody.
    pub(crate) audience: Option<String>,
    /// How far apart clocks may be.
    pub(crate) leeway: Duration,
    /// Also takes the type `JWT`, for issuers that know no other. It then falls to issuer and audience alone to keep
    /// other kinds of tokens out.
    pub(crate) accept_typ_jwt: bool,
}

impl TokenSettings {
    /// These keys, five seconds of leeway, and no choice in all else.
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

/// Settings that work. Other keys make another policy, so that a key that is taken out is dead at once.
#[derive(Debug)]
pub(crate) struct Policy {
    /// No other policy of this process has it: what one has verified counts for no other.
    number: u32,
    pub(super) settings: TokenSettings,
    /// The encoded header of all tokens that the signing key signs.
    pub(super) header: String,
    #[cfg(feature = "routes")]
    pub(super) derived: super::derived::DerivedKeys,
}

impl Policy {
    /// Checks the settings and tries the keys.
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
            derived: super::derived::DerivedKeys::new(&settings.keys)?,
            settings,
            header,
        };
        policy.self_test()?;
        Ok(policy)
    }

    /// Whose tokens are taken; `None` takes those of any issuer.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    /// Which rules these are, with what a layer demands beside them.
    pub(crate) fn number(&self, audience: Option<&Audience>) -> u64 {
        (u64::from(self.number) << 32) | u64::from(audience.map_or(0, |audience| audience.number))
    }

    /// The same settings with other keys.
    pub(crate) fn with_keys(&self, keys: KeySet) -> Result<Self, ConfigError> {
        Self::new(TokenSettings { keys, ..self.settings.clone() })
    }

    /// Signs, verifies, and tries two forgeries with the signing key; lets each other key refuse something.
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
        let Some(parts) = jws::split(&token) else {
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

/// Another audience than the policy's, as one layer demands it. Clones are the same demand.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    number: u32,
    name: Arc<str>,
}

impl Audience {
    /// Tokens must be meant for `name`, which is not empty.
    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        /// One number for one name: a layer that is made anew for each connection demands what the others do.
        static NUMBERS: LazyLock<Mutex<HashMap<Arc<str>, u32>>> = LazyLock::new(Mutex::default);
        named("audience", name)?;
        let name: Arc<str> = name.into();
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *numbers.entry(Arc::clone(&name)).or_insert_with(number);
        Ok(Self { number, name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What tells apart demands on the same token.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

/// One that nothing else in this process has, from 1.
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

/// An encoded header.
fn header(algorithm: &str, kid: &str) -> String {
    // `Value` writes itself as JSON, whatever a kid may hold.
    let kid = Value::from(kid);
    jws::encode(format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":{kid}}}"#))
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

/// Without the private half no more can be asked than that the key loads, and refuses what nobody signed.
fn works(key: &VerifyingKey) -> Result<(), ConfigError> {
    let failure = match key.verify(&jws::encode([7; 64]), b"nobody signed this") {
        Ok(false) => return Ok(()),
        Ok(true) => "it takes a forged signature",
        Err(_) => "it cannot be loaded",
    };
    Err(ConfigError::SelfTest { kid: key.kid().to_owned(), failure })
}

/// The same text with another first character, so that a bit differs that is decoded for certain.
fn tamper(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    std::iter::once(first).chain(signature.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::forge::{OTHER_SECRET, SECRET, key, now, policy, settings, signed};
    use super::super::keys::{SigningKey, VerifyingKey};
    use super::*;
    use crate::error::AuthErrorKind;

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
        let header = jws::decode(jws::split(&newer).unwrap().header).unwrap();
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
