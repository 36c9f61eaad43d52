//! The policy: the rules that a token must meet, as one immutable object.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::compact;
use crate::error::ConfigError;
use crate::token::keys::backend;
use crate::token::keys::key_set::KeySet;

/// The maximum leeway. RFC 7519 allows "no more than a few minutes".
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The settings of an application for its tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenSettings {
    pub(crate) keys: KeySet,
    /// The `iss` that tokens must have. Signed tokens get it. `None`: `iss` is not checked.
    pub(crate) issuer: Option<String>,
    /// The `aud` that tokens must have. Signed tokens get it. `None`: `aud` is not checked.
    pub(crate) audience: Option<String>,
    /// The tolerated difference between clocks. Five seconds by default, five minutes at most.
    pub(crate) leeway: Duration,
    /// Whether tokens of the type `JWT` are also accepted. Some issuers set no other type. If the
    /// type `JWT` is accepted, an access token differs from other tokens of this type only by its
    /// issuer and its audience.
    pub(crate) accept_typ_jwt: bool,
}

impl TokenSettings {
    /// Returns the default settings for these keys: a leeway of five seconds, and no other setting.
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

/// Checked settings. A change of the keys creates a new policy with another number. So a removed
/// key stops working at once, also for tokens in the near cache.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Unique in this process. So a token that was verified under one policy is never treated as
    /// verified under another.
    number: u32,
    pub(crate) settings: TokenSettings,
    /// The encoded header of all tokens that this policy signs.
    pub(crate) header: String,
    pub(crate) derived: crate::token::keys::derived::DerivedKeys,
}

impl Policy {
    /// Checks the settings, but does not test the keys.
    pub(super) fn with_untested_keys(settings: TokenSettings) -> Result<Self, ConfigError> {
        check(&settings)?;
        let signing = settings.keys.signing();
        let header = header(signing.algorithm().as_str(), signing.kid());
        if !backend::is_present() {
            return Err(ConfigError::CryptoBackend);
        }
        Ok(Self {
            number: number(),
            derived: crate::token::keys::derived::DerivedKeys::new(&settings.keys)?,
            settings,
            header,
        })
    }

    /// Returns the issuer that tokens must have; `None` if `iss` is not checked.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    /// Returns a number that identifies the rules for this audience. The number combines the
    /// policy's number with the number of `audience`. If the layer requires no audience of its own,
    /// the second number is 0.
    pub(crate) fn number(&self, audience: Option<&Audience>) -> u64 {
        (u64::from(self.number) << 32) | u64::from(audience.map_or(0, |audience| audience.number))
    }
}

/// An audience that one layer requires instead of the policy's audience. Clones have the same
/// number.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    number: u32,
    name: Arc<str>,
}

impl Audience {
    /// Requires tokens with the audience `name`, which must not be empty.
    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        /// The number of each audience name. An application may create its layer anew for each
        /// connection. All layers with the same audience have the same number, so the new layer can
        /// use the cache entries of the earlier layers.
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

    /// Returns the number that distinguishes this audience from other audiences.
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
pub(super) fn header(algorithm: &str, kid: &str) -> String {
    // `Value` escapes all characters of the `kid` that need it.
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
    fn invalid_settings_are_rejected_when_the_policy_is_created() {
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
    fn duplicate_kid_is_rejected() {
        let other = VerifyingKey::hs256("k1", OTHER_SECRET).unwrap();
        let found = KeySet::new(key()).also_verify(other).self_test();
        assert!(matches!(found, Err(ConfigError::DuplicateKid(kid)) if kid == "k1"));
    }

    #[test]
    fn with_keys_keeps_all_other_settings() {
        let first = policy();
        let second = first.with_keys(KeySet::new(key())).unwrap();
        assert!(first.settings.issuer.is_some() && first.settings.audience.is_some());
        assert_eq!(second.settings.issuer, first.settings.issuer);
        assert_eq!(second.settings.audience, first.settings.audience);
        assert_eq!(second.settings.leeway, first.settings.leeway);
        assert_eq!(second.settings.accept_typ_jwt, first.settings.accept_typ_jwt);
    }

    #[test]
    fn number_of_an_audience_is_equal_only_for_the_same_name() {
        let number = |name| Audience::new(name).unwrap().number();
        assert_eq!(number("desk"), number("desk"));
        assert_ne!(number("desk"), number("shop"));
        // Zero stands for the manager's audience.
        assert!(number("desk") > 0 && number("shop") > 0);
    }

    #[test]
    fn number_of_the_rules_differs_by_policy_and_by_audience() {
        let policies = [policy(), policy()];
        let audiences = ["desk", "shop"].map(|name| Audience::new(name).unwrap());
        let mut numbers = std::collections::HashSet::new();
        for policy in &policies {
            assert!(numbers.insert(policy.number(None)));
            for audience in &audiences {
                assert!(numbers.insert(policy.number(Some(audience))));
            }
        }
    }

    #[test]
    fn old_key_verifies_until_it_is_removed() {
        let old = policy();
        let token = signed(&old, None);
        let new_key = SigningKey::hs256("k2", OTHER_SECRET).unwrap();

        let both = KeySet::new(new_key.clone()).also_verify(key().verifying_key());
        let both = old.with_keys(both).unwrap();
        assert!(both.verify(&token, now()).is_ok());
        let newer = signed(&both, None);
        let header = compact::decode(compact::split(&newer).unwrap().header).unwrap();
        assert_eq!(header, r#"{"alg":"HS256","typ":"at+jwt","kid":"k2"}"#);
        // A process without the new key rejects the newer token.
        assert!(old.verify(&newer, now()).is_err());

        let only = both.with_keys(KeySet::new(new_key)).unwrap();
        let error = only.verify(&token, now()).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
        assert!(only.verify(&newer, now()).is_ok());
    }

    #[test]
    fn wrong_secret_with_the_right_kid_rejects_the_token() {
        let token = signed(&policy(), None);
        let other = SigningKey::hs256("k1", OTHER_SECRET).unwrap();
        let other = policy().with_keys(KeySet::new(other)).unwrap();
        assert!(other.verify(&token, now()).is_err());
    }

    #[test]
    fn debug_output_hides_key_material() {
        let text = format!("{:?} {:?}", policy(), KeySet::new(key()));
        assert!(text.contains("k1") && !text.contains(str::from_utf8(SECRET).unwrap()), "{text}");
    }
}
