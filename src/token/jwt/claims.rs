//! The payload of a token, and the claims that the application sees.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{Names, Text, Unique, once};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};

/// The reserved claim names. The application's own claims must not use them.
pub(crate) const RESERVED: [&str; 10] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "rot", "cnf"];

/// The last second of the year 9999.
pub(crate) const MAX_SECONDS: i64 = 253_402_300_799;

/// The claims of a verified token: its user, its session, and its times.
///
/// The claims do not say what the user may do. Roles come from the live session, so that the
/// removal of a role takes effect at once.
#[derive(Clone)]
pub struct VerifiedClaims {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) token_id: Box<str>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) rotation: Option<u64>,
    /// The application's own claims as a JSON object; `None` if there are none.
    pub(crate) custom: Option<Box<str>>,
}

impl VerifiedClaims {
    /// Returns approximately how many bytes the texts take in memory.
    pub(crate) fn heap_size(&self) -> usize {
        /// The approximate overhead of one allocation.
        const ALLOCATION: usize = 32;
        let texts = [self.user.as_str(), self.session.as_str(), &*self.token_id];
        let texts = texts.into_iter().chain(self.custom.as_deref());
        texts.map(|text| text.len() + ALLOCATION).sum()
    }

    /// Returns the user (`sub`).
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the session (`sid`).
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    /// Returns the token's own id (`jti`).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns the time at which the token was signed (`iat`), on the host's clock.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns the time at which the token expires (`exp`), on the host's clock.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns the rotation counter of the refresh token that was issued with this token (`rot`).
    ///
    /// `None` if the token was issued without a refresh token.
    #[must_use]
    pub fn rotation(&self) -> Option<u64> {
        self.rotation
    }

    /// Deserializes the application's own claims: all claims except those of RFC 7519, `sid`, `rot`
    /// and `cnf`.
    ///
    /// The claims have the values that they had when the token was signed.
    ///
    /// # Errors
    ///
    /// Returns the error of serde if the claims cannot be deserialized as `C`. The text of the
    /// error can quote the claims, so keep it out of responses.
    pub fn custom<C: DeserializeOwned>(&self) -> Result<C, serde_json::Error> {
        serde_json::from_str(self.custom.as_deref().unwrap_or("{}"))
    }
}

impl fmt::Debug for VerifiedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.token_id.chars().take(8).collect();
        f.debug_struct("VerifiedClaims")
            .field("user", &self.user)
            .field("session", &self.session)
            .field("token_id", &format_args!("{start:?}…"))
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A parsed payload. The types have been checked; the values have not.
#[derive(Debug, Default)]
pub(crate) struct Payload<'de> {
    pub(crate) iss: Option<Text<'de>>,
    pub(crate) aud: Option<Audience<'de>>,
    pub(crate) sub: Option<Text<'de>>,
    pub(crate) sid: Option<Text<'de>>,
    pub(crate) jti: Option<Text<'de>>,
    pub(crate) iat: Option<NumericDate>,
    pub(crate) nbf: Option<NumericDate>,
    pub(crate) exp: Option<NumericDate>,
    pub(crate) rot: Option<u64>,
    pub(crate) custom: Option<String>,
}

impl<'de> Payload<'de> {
    /// Parses a payload. Returns `None` if the payload is not a JSON object, or if it contains a
    /// duplicate name, a claim of the wrong type, or a `cnf` claim.
    pub(crate) fn parse(json: &'de str) -> Option<Self> {
        // The error is dropped here, because serde's text can quote the token.
        serde_json::from_str(json).ok()
    }
}

impl<'de> Deserialize<'de> for Payload<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PayloadVisitor)
    }
}

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut payload = Payload::default();
        let mut others = Names::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &*name.0 {
                "iss" => once(&mut payload.iss, map.next_value()?)?,
                "aud" => once(&mut payload.aud, map.next_value()?)?,
                "sub" => once(&mut payload.sub, map.next_value()?)?,
                "sid" => once(&mut payload.sid, map.next_value()?)?,
                "jti" => once(&mut payload.jti, map.next_value()?)?,
                "iat" => once(&mut payload.iat, map.next_value()?)?,
                "nbf" => once(&mut payload.nbf, map.next_value()?)?,
                "exp" => once(&mut payload.exp, map.next_value()?)?,
                "rot" => once(&mut payload.rot, map.next_value()?)?,
                // A `cnf` claim binds the token to a key of the client (DPoP, mTLS). This library
                // does not check such a key. So it must not accept the token as a bearer token,
                // which anyone who has the token can use.
                "cnf" => return Err(A::Error::custom("a bound token")),
                _ => {
                    let value: &RawValue = map.next_value()?;
                    keep(&mut payload.custom, &name, value)?;
                    others.add(name)?;
                }
            }
        }
        if let Some(custom) = &mut payload.custom {
            custom.push('}');
        }
        Ok(payload)
    }
}

/// Adds a member to the JSON text of the application's own claims. The text of the value is kept,
/// so that numbers lose no digits.
fn keep<E: Error>(custom: &mut Option<String>, name: &Text<'_>, value: &RawValue) -> Result<(), E> {
    serde_json::from_str::<Unique>(value.get()).map_err(|_| E::custom("not a value"))?;
    let name = serde_json::to_string(&name.0).map_err(|_| E::custom("not a name"))?;
    let text = match custom {
        Some(text) => {
            text.push(',');
            text
        }
        None => custom.insert(String::from("{")),
    };
    text.push_str(&name);
    text.push(':');
    text.push_str(value.get());
    Ok(())
}

/// The `aud` claim: a string, or an array of strings.
#[derive(Debug)]
pub(crate) enum Audience<'de> {
    One(Text<'de>),
    Many(Vec<Text<'de>>),
}

impl Audience<'_> {
    /// Returns whether `wanted` is one of the audiences.
    pub(crate) fn holds(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one.0 == wanted,
            Self::Many(many) => many.iter().any(|one| one.0 == wanted),
        }
    }
}

impl<'de> Deserialize<'de> for Audience<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_borrowed_str<E: Error>(self, one: &'de str) -> Result<Self::Value, E> {
        Ok(Audience::One(Text(one.into())))
    }

    fn visit_str<E: Error>(self, one: &str) -> Result<Self::Value, E> {
        Ok(Audience::One(Text(one.to_owned().into())))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = seq.next_element()? {
            many.push(one);
        }
        Ok(Audience::Many(many))
    }
}

/// Seconds since 1970, possibly with a fraction (RFC 7519 section 2). Never negative, and never
/// later than the year 9999.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumericDate(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // The range excludes infinities and NaN. Within the range, an f64 holds milliseconds
        // exactly.
        if !(0.0..=MAX_SECONDS as f64).contains(&seconds) {
            return Err(D::Error::custom("not a date"));
        }
        Ok(Self(Timestamp::from_millis((seconds * 1_000.0).round() as i64)))
    }
}
