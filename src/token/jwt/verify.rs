//! Verifies a token: from its text to its claims.

use super::claims::{NumericDate, Payload, VerifiedClaims};
use super::compact;
use super::header::Header;
use super::json::Text;
use super::policy::{Audience, Policy};
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::token::keys::VerifyingKey;

/// The maximum length of a `jti`, in bytes.
const MAX_TOKEN_ID_LEN: usize = 128;

/// What verification does with a token whose `exp` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Rejects the token with `TokenExpired`.
    Enforced,
    /// Accepts the token if it meets all other rules.
    Ignored,
    /// Accepts the token, even if its `iat` or `nbf` is in the future. Logout uses this, because it
    /// must work with an expired token, and after the host's clock was set back.
    AnyTime,
}

/// The rule that a token violates, for logs. It contains no part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("not a JWS in compact form")]
    Shape,
    #[error("invalid header")]
    Header,
    #[error("signed by an unknown key")]
    UnknownKey,
    #[error("the algorithm is not that of the key")]
    Algorithm,
    #[error("unexpected token type")]
    Type,
    #[error("wrong signature")]
    Signature,
    #[error("invalid claims")]
    Claims,
    #[error("unexpected issuer")]
    Issuer,
    #[error("unexpected audience")]
    Audience,
    #[error("no valid user id")]
    User,
    #[error("no valid session id")]
    Session,
    #[error("no valid token id")]
    TokenId,
    #[error("`iat` or `exp` is missing")]
    Time,
    #[error("not valid yet")]
    NotYet,
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self::with_source(AuthErrorKind::InvalidToken, refusal)
    }
}

impl Policy {
    /// Verifies a token at `now` on the host's clock, and returns its claims.
    ///
    /// The error is `TokenExpired` only if the token meets all other rules. In all other cases it
    /// is `InvalidToken`.
    pub(crate) fn verify(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<VerifiedClaims, AuthError> {
        self.verify_for(None, token, now, expiry)
    }

    /// Like [`verify`](Self::verify), but if `audience` is given, it replaces the policy's
    /// audience.
    pub(crate) fn verify_for(
        &self,
        audience: Option<&Audience>,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<VerifiedClaims, AuthError> {
        let parts = compact::split(token).ok_or(Refusal::Shape)?;
        let header = compact::decode(parts.header).ok_or(Refusal::Header)?;
        let key = self.key_for(&header)?;
        // The signature is verified before any part of the payload is decoded.
        if !matches!(key.verify(parts.signature, parts.signed.as_bytes()), Ok(true)) {
            return Err(Refusal::Signature.into());
        }
        let payload = compact::decode(parts.payload).ok_or(Refusal::Claims)?;
        let payload = Payload::parse(&payload).ok_or(Refusal::Claims)?;
        let claims = self.judge(payload, audience, now, expiry)?;

        if expiry == Expiry::Enforced && self.is_past(&claims, now) {
            return Err(AuthError::new(AuthErrorKind::TokenExpired));
        }
        Ok(claims)
    }

    /// Returns whether the token has expired at `now`: `exp` plus the leeway has passed.
    pub(crate) fn is_past(&self, claims: &VerifiedClaims, now: Timestamp) -> bool {
        now >= self.end_of(claims)
    }

    /// Returns the time from which the token is treated as expired: `exp` plus the leeway.
    pub(crate) fn end_of(&self, claims: &VerifiedClaims) -> Timestamp {
        claims.expires_at.saturating_add(self.settings.leeway)
    }

    /// Finds the key that a header names. Checks the type, the `kid` and the algorithm.
    fn key_for(&self, header: &str) -> Result<&VerifyingKey, Refusal> {
        let Header { alg, kid, typ } = Header::parse(header).ok_or(Refusal::Header)?;
        let type_fits = match &*typ.0 {
            "at+jwt" | "application/at+jwt" => true,
            "JWT" => self.settings.accept_typ_jwt,
            _ => false,
        };
        if !type_fits {
            return Err(Refusal::Type);
        }
        // A key's `kid` has at most 64 bytes, so a longer `kid` in a header matches no key.
        let key = self.settings.keys.find(&kid.0).ok_or(Refusal::UnknownKey)?;
        if alg.0 != key.algorithm().as_str() {
            return Err(Refusal::Algorithm);
        }
        Ok(key)
    }

    /// Checks all claims, except that the caller compares `exp` with `now`.
    fn judge(
        &self,
        payload: Payload<'_>,
        audience: Option<&Audience>,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<VerifiedClaims, Refusal> {
        let Payload { iss, aud, sub, sid, jti, iat, nbf, exp, rot, custom } = payload;
        if let Some(issuer) = &self.settings.issuer
            && iss.is_none_or(|iss| iss.0 != issuer.as_str())
        {
            return Err(Refusal::Issuer);
        }
        let audience = audience.map(Audience::name).or(self.settings.audience.as_deref());
        if let Some(audience) = audience
            && !aud.is_some_and(|aud| aud.holds(audience))
        {
            return Err(Refusal::Audience);
        }
        let user = parsed(sub, |sub| UserId::parse(sub).ok()).ok_or(Refusal::User)?;
        let session = parsed(sid, |sid| SessionId::parse(sid).ok()).ok_or(Refusal::Session)?;
        let token_id = jti
            .filter(|jti| (1..=MAX_TOKEN_ID_LEN).contains(&jti.0.len()))
            .ok_or(Refusal::TokenId)?;

        let (Some(NumericDate(issued_at)), Some(NumericDate(expires_at))) = (iat, exp) else {
            return Err(Refusal::Time);
        };
        let latest_start = now.saturating_add(self.settings.leeway);
        let early =
            issued_at > latest_start || nbf.is_some_and(|NumericDate(nbf)| nbf > latest_start);
        if early && expiry != Expiry::AnyTime {
            return Err(Refusal::NotYet);
        }
        Ok(VerifiedClaims {
            user,
            session,
            token_id: token_id.0.into(),
            issued_at,
            expires_at,
            rotation: rot,
            custom: custom.map(String::into_boxed_str),
        })
    }
}

fn parsed<T>(text: Option<Text<'_>>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    text.and_then(|text| parse(&text.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::policy::TokenSettings;
    use super::*;
    use crate::token::tests::forge::{
        NOW, at, claims, forge, header, key, policy, settings, signed,
    };

    fn lenient(leeway: u64) -> Policy {
        let leeway = Duration::from_secs(leeway);
        Policy::new(TokenSettings { leeway, ..settings(key()) }).unwrap()
    }

    /// Verifies a token with this claim, at this second.
    fn verify_with(leeway: u64, claim: (&str, &str), seconds: f64) -> Result<(), AuthErrorKind> {
        let token = forge(&key(), header(&[]), claims(&[(claim.0, Some(claim.1))]));
        let judged = lenient(leeway).verify(&token, at(seconds), Expiry::Enforced);
        judged.map(drop).map_err(|error| error.kind())
    }

    #[test]
    fn token_expires_exactly_at_exp_plus_leeway() {
        let exp = NOW as f64 + 100.0;
        let expired = Err(AuthErrorKind::TokenExpired);
        for (leeway, after, expected) in [
            (0, -0.001, Ok(())),
            (0, 0.0, expired),
            (0, 0.001, expired),
            (5, 4.999, Ok(())),
            (5, 5.0, expired),
            (300, 299.999, Ok(())),
            (300, 300.0, expired),
        ] {
            let claim = ("exp", "1700000100");
            assert_eq!(verify_with(leeway, claim, exp + after), expected, "{leeway} {after}");
        }
        assert_eq!(verify_with(0, ("exp", "1700000100.25"), exp + 0.249), Ok(()));
        assert_eq!(verify_with(0, ("exp", "1700000100.25"), exp + 0.25), expired);
    }

    #[test]
    fn token_is_valid_from_nbf_and_iat_minus_leeway() {
        let begin = NOW as f64 + 100.0;
        let early = Err(AuthErrorKind::InvalidToken);
        for claim in [("nbf", "1700000100"), ("iat", "1700000100")] {
            for (leeway, before, expected) in
                [(0, 0.0, Ok(())), (0, 0.001, early), (5, 5.0, Ok(())), (5, 5.001, early)]
            {
                assert_eq!(
                    verify_with(leeway, claim, begin - before),
                    expected,
                    "{claim:?} {before}"
                );
            }
        }
    }

    #[test]
    fn extreme_clock_values_reject_the_token_without_overflow() {
        let token = forge(&key(), header(&[]), claims(&[("exp", Some("253402300799"))]));
        let late = lenient(300).verify(&token, Timestamp::MAX, Expiry::Enforced).unwrap_err();
        assert_eq!(late.kind(), AuthErrorKind::TokenExpired);
        let early = Timestamp::from_millis(i64::MIN);
        let early = lenient(300).verify(&token, early, Expiry::Enforced).unwrap_err();
        assert_eq!(early.kind(), AuthErrorKind::InvalidToken);
    }

    #[test]
    fn ignored_expiry_keeps_all_other_checks() {
        let policy = policy();
        let ignoring = |changes: &[(&str, Option<&str>)]| {
            let token = forge(&key(), header(&[]), claims(changes));
            policy.verify(&token, at(NOW as f64), Expiry::Ignored).map(|claims| claims.expires_at)
        };
        let expired = ("exp", Some("1600000000"));
        assert_eq!(ignoring(&[expired]).unwrap(), at(1.6e9));
        for change in [
            ("exp", None),
            ("exp", Some("\"x\"")),
            ("iss", None),
            ("aud", None),
            ("nbf", Some("1700003600")),
            ("iat", Some("1700003600")),
        ] {
            assert!(ignoring(&[change]).is_err(), "{change:?}");
        }
        let forged = signed(&policy, None).replace('.', ".A");
        assert!(policy.verify(&forged, at(NOW as f64), Expiry::Ignored).is_err());
    }

    #[test]
    fn verified_claims_are_returned_unchanged() {
        let more = [
            ("jti", Some("\"secret-token-id\"")),
            ("plan", Some("{\"name\": \"gold\", \"seats\": 12345678901234567890}")),
            ("a\\\"b", Some("null")),
        ];
        let token = forge(&key(), header(&[]), claims(&more));
        let claims = policy().verify(&token, at(NOW as f64), Expiry::Enforced).unwrap();
        assert_eq!(claims.user().as_str(), "ada");
        assert_eq!(claims.session_id().as_str(), "s1");
        assert_eq!(claims.token_id(), "secret-token-id");
        assert_eq!(claims.issued_at, at(NOW as f64));
        assert_eq!(claims.expires_at, at(NOW as f64 + 600.0));
        let custom: serde_json::Value = claims.custom().unwrap();
        let plan = serde_json::json!({ "name": "gold", "seats": 12_345_678_901_234_567_890_u64 });
        assert_eq!(custom, serde_json::json!({ "plan": plan, "a\"b": null }));
        assert!(claims.custom::<Vec<u8>>().is_err());

        let debug = format!("{claims:?}");
        assert!(debug.contains("secret-t") && !debug.contains("secret-token"), "{debug}");
        assert!(!debug.contains("gold"), "{debug}");
    }

    #[test]
    fn token_without_custom_claims_has_an_empty_object() {
        #[derive(serde::Deserialize)]
        struct Mine {
            plan: Option<String>,
        }
        let token = forge(&key(), header(&[]), claims(&[]));
        let claims = policy().verify(&token, at(NOW as f64), Expiry::Enforced).unwrap();
        assert!(claims.custom::<Mine>().unwrap().plan.is_none());
    }
}
