//! Signs a token for a user, a session and a time span.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::claims::{MAX_SECONDS, Payload, RESERVED};
use super::compact;
use super::policy::{Policy, TokenSettings};
use crate::clock::Timestamp;
use crate::error::{SessionError, SignError};
use crate::id::{SessionId, UserId, random_text};
use crate::token::MAX_TOKEN_LEN;

/// The number of random bytes in a `jti`: 144 bits, 24 characters.
const TOKEN_ID_BYTES: usize = 18;

/// The content of a new token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewToken<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) session: &'a SessionId,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The rotation counter of the refresh token that is issued with this token.
    pub(crate) rotation: Option<u64>,
    /// The application's own claims. Anyone who holds the token can read them.
    pub(crate) custom: Option<&'a Map<String, Value>>,
}

impl Policy {
    /// Signs a token. This policy accepts the token from `issued_at` minus the leeway until
    /// `expires_at` plus the leeway. Both times are first rounded down to whole seconds.
    pub(crate) fn sign(&self, new: &NewToken<'_>) -> Result<String, SessionError> {
        let names_taken =
            |custom: &Map<_, _>| RESERVED.iter().any(|name| custom.contains_key(*name));
        if new.custom.is_some_and(names_taken) {
            return Err(SessionError::Claims("they use a reserved claim name"));
        }
        let claims = Claims { new, settings: &self.settings, token_id: &token_id()? };
        let payload = serde_json::to_string(&claims).map_err(SessionError::Encode)?;
        // Verification would reject a payload that does not parse, so signing fails instead.
        if new.custom.is_some() && Payload::parse(&payload).is_none() {
            return Err(SessionError::Claims("they are nested too deeply"));
        }

        let mut token = format!("{}.{}", self.header, compact::encode(payload));
        let signature = self
            .settings
            .keys
            .signing()
            .sign(token.as_bytes())
            .map_err(|error| SessionError::Sign(SignError(error)))?;
        token.push('.');
        token.push_str(&signature);
        if token.len() > MAX_TOKEN_LEN {
            return Err(SessionError::TokenTooLong { size: token.len(), limit: MAX_TOKEN_LEN });
        }
        Ok(token)
    }
}

fn token_id() -> Result<String, SessionError> {
    Ok(random_text::<TOKEN_ID_BYTES>()?)
}

struct Claims<'a> {
    new: &'a NewToken<'a>,
    settings: &'a TokenSettings,
    token_id: &'a str,
}

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { new, settings, token_id } = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(issuer) = &settings.issuer {
            map.serialize_entry("iss", issuer)?;
        }
        if let Some(audience) = &settings.audience {
            map.serialize_entry("aud", audience)?;
        }
        map.serialize_entry("sub", new.user.as_str())?;
        map.serialize_entry("sid", new.session.as_str())?;
        map.serialize_entry("jti", token_id)?;
        map.serialize_entry("iat", &seconds(new.issued_at))?;
        map.serialize_entry("nbf", &seconds(new.issued_at))?;
        map.serialize_entry("exp", &seconds(new.expires_at))?;
        if let Some(rotation) = new.rotation {
            map.serialize_entry("rot", &rotation)?;
        }
        for (name, value) in new.custom.into_iter().flatten() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Rounds down to whole seconds, within the range that verification accepts.
fn seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1_000).clamp(0, MAX_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::forge::{at, key, now, policy, settings, signed};
    use serde_json::json;

    fn open() -> Policy {
        Policy::new(TokenSettings::new(settings(key()).keys)).unwrap()
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    // The policy has no issuer and no audience. So only the check of reserved names can reject a
    // custom `iss`.
    fn try_sign(custom: &Map<String, Value>) -> Result<String, SessionError> {
        open().sign(&NewToken {
            user: &UserId::parse("ada").unwrap(),
            session: &SessionId::parse("s1").unwrap(),
            issued_at: now(),
            expires_at: now(),
            rotation: None,
            custom: Some(custom),
        })
    }

    #[test]
    fn signed_token_contains_exactly_the_requested_claims() {
        let custom = object(&json!({ "plan": "gold", "alg": "none", "kid": 1 }));
        let policy = policy();
        let token = signed(&policy, Some(&custom));
        let payload = compact::decode(compact::split(&token).unwrap().payload).unwrap();
        let mut payload: Value = serde_json::from_str(&payload).unwrap();
        let token_id = payload.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(token_id.as_str().unwrap().len(), 24);
        assert_eq!(
            payload,
            json!({
                "iss": "https://issuer.example", "aud": "shop", "sub": "ada", "sid": "s1",
                "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_000_600,
                "plan": "gold", "alg": "none", "kid": 1,
            })
        );
        let claims = policy.verify(&token, now()).unwrap();
        assert_eq!(claims.custom::<Map<String, Value>>().unwrap(), custom);
        assert_ne!(signed(&policy, None), signed(&policy, None), "each token has a new jti");
    }

    #[test]
    fn token_times_are_rounded_down_to_whole_seconds() {
        let policy = open();
        let (user, session) = (UserId::parse("ada").unwrap(), SessionId::parse("s1").unwrap());
        let times = |issued_at, expires_at| {
            let new = NewToken {
                user: &user,
                session: &session,
                issued_at,
                expires_at,
                rotation: None,
                custom: None,
            };
            let token = policy.sign(&new).unwrap();
            let claims = policy.verify(&token, issued_at).unwrap();
            (claims.issued_at, claims.expires_at)
        };
        assert_eq!(times(at(100.999), at(200.999)), (at(100.0), at(200.0)));
        assert_eq!(times(now(), Timestamp::MAX), (now(), at(MAX_SECONDS as f64)));
        assert_eq!(seconds(Timestamp::from_millis(-1)), 0);
    }

    #[test]
    fn custom_claims_with_reserved_names_are_rejected() {
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "rot", "cnf"] {
            let taken = try_sign(&object(&json!({ name: 1 })));
            assert!(matches!(taken, Err(SessionError::Claims(_))), "{name}");
        }
    }

    #[test]
    fn sign_rejects_claims_that_are_too_long_or_too_deep() {
        let large = try_sign(&object(&json!({ "x": "x".repeat(6_500) })));
        assert!(matches!(large, Err(SessionError::TokenTooLong { size: 8193.., limit: 8192 })));
        let deep = (0..130).fold(json!(1), |inner, _| json!([inner]));
        assert!(matches!(try_sign(&object(&json!({ "x": deep }))), Err(SessionError::Claims(_))));
        assert!(try_sign(&object(&json!({ "x": "x".repeat(5_000) }))).is_ok());
    }
}
