//! A token's payload, and what of it is handed on.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{Names, Text, Unique, once};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};

/// Names that an application's own claims may not have.
pub(super) const RESERVED: [&str; 10] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "rot", "cnf"];

/// The last second of the year 9999.
pub(super) const MAX_SECONDS: i64 = 253_402_300_799;

/// What a verified token says: who signed in, in which session, and when.
///
/// Nothing here tells what the user may do. Roles come from the live session, so that taking one away works at once.
#[derive(Clone)]
pub struct VerifiedClaims {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) token_id: Box<str>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) rotation: Option<u64>,
    /// A JSON object, if there are any.
    pub(super) custom: Option<Box<str>>,
}

impl VerifiedClaims {
    /// The bytes that the texts take in memory, about.
    pub(crate) fn heap_size(&self) -> usize {
        /// What an allocation costs beside its content.
        const ALLOCATION: usize = 32;
        let texts = [self.user.as_str(), self.session.as_str(), &*self.token_id];
        let texts = texts.into_iter().chain(self.custom.as_deref());
        texts.map(|text| text.len() + ALLOCATION).sum()
    }

    /// The user (`sub`).
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The session (`sid`).
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    /// The token's own name (`jti`).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// When the token was signed (`iat`), on the host's clock.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at.to_datetime()
    }

    /// When the token ends (`exp`), on the host's clock.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at.to_datetime()
    }

    /// The number of the refresh token that came with this token (`rot`), where there are refresh tokens.
    #[must_use]
    pub fn rotation(&self) -> Option<u64> {
        self.rotation
    }

    /// The application's own claims: all but those named in RFC 7519, `sid`, `rot` and `cnf`. As old as the token.
    ///
    /// # Errors
    ///
    /// What serde says when they are not a `C`. Its message can quote them: keep it out of responses.
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

/// A payload as it came: types are right, values not yet judged.
#[derive(Debug, Default)]
pub(super) struct Payload<'de> {
    pub(super) iss: Option<Text<'de>>,
    pub(super) aud: Option<Audience<'de>>,
    pub(super) sub: Option<Text<'de>>,
    pub(super) sid: Option<Text<'de>>,
    pub(super) jti: Option<Text<'de>>,
    pub(super) iat: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) exp: Option<NumericDate>,
    pub(super) rot: Option<u64>,
    pub(super) custom: Option<String>,
}

impl<'de> Payload<'de> {
    /// `None` for all that is no JSON object, has a name twice, a claim of the wrong type, or `cnf`.
    pub(super) fn parse(json: &'de str) -> Option<Self> {
        // serde's message can quote the token: it ends here.
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
                // Bound to a key of the client's (DPoP, mTLS). As a bearer token it would be worth more than was granted.
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

/// Adds a member to the JSON text of the application's own claims, number for number as it was written.
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

/// `aud`: a string, or an array of strings.
#[derive(Debug)]
pub(super) enum Audience<'de> {
    One(Text<'de>),
    Many(Vec<Text<'de>>),
}

impl Audience<'_> {
    pub(super) fn holds(&self, wanted: &str) -> bool {
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

/// Seconds since 1970, maybe with a fraction: RFC 7519 section 2. Never negative, never after the year 9999.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumericDate(pub(super) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // A range that holds neither infinities nor NaN. In it, milliseconds are exact in an f64.
        if !(0.0..=MAX_SECONDS as f64).contains(&seconds) {
            return Err(D::Error::custom("not a date"));
        }
        Ok(Self(Timestamp::from_millis((seconds * 1_000.0).round() as i64)))
    }
}
