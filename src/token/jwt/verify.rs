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

/// A token with a valid signature, whose claims meet all rules that do not concern time. The
/// variant says whether `exp`, `iat` and `nbf` also meet the rules that concern time.
#[derive(Clone, Debug)]
pub(crate) enum VerifiedToken {
    /// The token is valid at the time of the verification.
    Valid(VerifiedClaims),
    /// The token's `exp` has passed.
    Expired(VerifiedClaims),
    /// The token's `iat` or `nbf` is in the future.
    NotYetValid(VerifiedClaims),
}

impl VerifiedToken {
    /// Returns the claims of a token that is valid now.
    ///
    /// # Errors
    ///
    /// `TokenExpired` if the token has expired, and `InvalidToken` if the token is not valid yet.
    pub(crate) fn into_valid(self) -> Result<VerifiedClaims, AuthError> {
        match self {
            Self::Valid(claims) => Ok(claims),
            Self::Expired(_) => Err(AuthError::new(AuthErrorKind::TokenExpired)),
            Self::NotYetValid(_) => Err(Refusal::NotYet.into()),
        }
    }

    /// Returns the claims, whatever the token's times are. Logout calls this function, because
    /// logout must work with an expired token. It must also work with a token whose `iat` is in the
    /// future because the host's clock was set back.
    pub(crate) fn into_claims(self) -> VerifiedClaims {
        match self {
            Self::Valid(claims) | Self::Expired(claims) | Self::NotYetValid(claims) => claims,
        }
    }
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
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedClaims, AuthError> {
        self.verify_for(None, token, now)?.into_valid()
    }

    /// Verifies a token, and compares its times with `now` on the host's clock. If `audience` is
    /// given, it replaces the policy's audience.
    ///
    /// The error is `InvalidToken`.
    pub(crate) fn verify_for(
        &self,
        audience: Option<&Audience>,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, AuthError> {
        let parts = compact::split(token).ok_or(Refusal::Shape)?;
        let header = compact::decode(parts.header).ok_or(Refusal::Header)?;
        let key = self.key_for(&header)?;
        // The signature is verified before any part of the payload is decoded.
        if !matches!(key.verify(parts.signature, parts.signed.as_bytes()), Ok(true)) {
            return Err(Refusal::Signature.into());
        }
        let payload = compact::decode(parts.payload).ok_or(Refusal::Claims)?;
        let payload = Payload::parse(&payload).ok_or(Refusal::Claims)?;
        Ok(self.judge(payload, audience, now)?)
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

    /// Checks all claims.
    fn judge(
        &self,
        payload: Payload<'_>,
        audience: Option<&Audience>,
        now: Timestamp,
    ) -> Result<VerifiedToken, Refusal> {
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
        let claims = VerifiedClaims {
            user,
            session,
            token_id: token_id.0.into(),
            issued_at,
            expires_at,
            rotation: rot,
            custom: custom.map(String::into_boxed_str),
        };
        Ok(if early {
            VerifiedToken::NotYetValid(claims)
        } else if self.is_past(&claims, now) {
            VerifiedToken::Expired(claims)
        } else {
            VerifiedToken::Valid(claims)
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
        let judged = lenient(leeway).verify(&token, at(seconds));
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
        let late = lenient(300).verify(&token, Timestamp::MAX).unwrap_err();
        assert_eq!(late.kind(), AuthErrorKind::TokenExpired);
        let early = Timestamp::from_millis(i64::MIN);
        let early = lenient(300).verify(&token, early).unwrap_err();
        assert_eq!(early.kind(), AuthErrorKind::InvalidToken);
    }

    #[test]
    fn expired_token_keeps_its_claims_and_must_meet_all_other_rules() {
        let policy = policy();
        let verified = |changes: &[(&str, Option<&str>)]| {
            let token = forge(&key(), header(&[]), claims(changes));
            policy.verify_for(None, &token, at(NOW as f64))
        };
        let expired = ("exp", Some("1600000000"));
        let Ok(VerifiedToken::Expired(claims)) = verified(&[expired]) else {
            panic!("must be expired")
        };
        assert_eq!(claims.expires_at, at(1.6e9));
        for change in [("iss", None), ("aud", None), ("sub", None), ("jti", None)] {
            assert!(verified(&[expired, change]).is_err(), "{change:?}");
        }
        for exp in [None, Some("\"x\"")] {
            assert!(verified(&[("exp", exp)]).is_err(), "{exp:?}");
        }
        let forged = signed(&policy, None).replace('.', ".A");
        assert!(policy.verify_for(None, &forged, at(NOW as f64)).is_err());
    }

    #[test]
    fn token_of_the_future_keeps_its_claims_and_is_not_valid_yet() {
        for change in [("nbf", "1700003600"), ("iat", "1700003600")] {
            for exp in ["1700007200", "1600000000"] {
                let claims = claims(&[(change.0, Some(change.1)), ("exp", Some(exp))]);
                let token = forge(&key(), header(&[]), claims);
                let verified = policy().verify_for(None, &token, at(NOW as f64)).unwrap();
                assert!(matches!(verified, VerifiedToken::NotYetValid(_)), "{change:?} {exp}");
                let error = verified.clone().into_valid().unwrap_err();
                assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
                assert_eq!(verified.into_claims().user().as_str(), "ada");
            }
        }
    }

    #[test]
    fn verified_claims_are_returned_unchanged() {
        let more = [
            ("jti", Some("\"secret-token-id\"")),
            ("plan", Some("{\"name\": \"gold\", \"seats\": 12345678901234567890}")),
            ("a\\\"b", Some("null")),
        ];
        let token = forge(&key(), header(&[]), claims(&more));
        let claims = policy().verify(&token, at(NOW as f64)).unwrap();
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
        let claims = policy().verify(&token, at(NOW as f64)).unwrap();
        assert!(claims.custom::<Mine>().unwrap().plan.is_none());
    }
}
