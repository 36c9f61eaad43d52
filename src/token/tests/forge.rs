//! Builds tokens that no honest issuer creates: any header and any payload, signed with a real key.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::token::jwt::compact;
use crate::token::jwt::policy::{Policy, TokenSettings};
use crate::token::jwt::sign::NewToken;
use crate::token::keys::SigningKey;
use crate::token::keys::key_set::KeySet;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "shop";
pub(crate) const SECRET: &[u8] = b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";
pub(crate) const OTHER_SECRET: &[u8] = b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4";

/// The time at which tests verify the forged tokens, in seconds since 1970. By default a token is
/// valid for ten minutes from this time.
pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis((seconds * 1_000.0) as i64)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

pub(crate) fn key() -> SigningKey {
    SigningKey::hs256("k1", SECRET).unwrap()
}

pub(crate) fn settings(signing: SigningKey) -> TokenSettings {
    TokenSettings {
        issuer: Some(ISSUER.to_owned()),
        audience: Some(AUDIENCE.to_owned()),
        ..TokenSettings::new(KeySet::new(signing))
    }
}

pub(crate) fn policy() -> Policy {
    Policy::new(settings(key())).unwrap()
}

/// Returns a valid token, with a lifetime of ten minutes from [`NOW`].
pub(crate) fn signed(policy: &Policy, custom: Option<&Map<String, Value>>) -> String {
    let (user, session) = (UserId::parse("ada").unwrap(), SessionId::parse("s1").unwrap());
    let expires_at = now().saturating_add(Duration::from_secs(600));
    policy
        .sign(&NewToken {
            user: &user,
            session: &session,
            issued_at: now(),
            expires_at,
            rotation: None,
            custom,
        })
        .unwrap()
}

/// Encodes these texts as the header and the payload of a token, and signs it.
pub(crate) fn forge(
    key: &SigningKey,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> String {
    seal(key, &compact::encode(header), &compact::encode(payload))
}

/// Signs a header and a payload that are already encoded.
pub(crate) fn seal(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{signature}")
}

/// Returns a valid header with members changed or added (`Some`, as JSON) or removed (`None`).
pub(crate) fn header(changes: &[(&str, Option<&str>)]) -> String {
    object(&[("alg", "\"HS256\""), ("typ", "\"at+jwt\""), ("kid", "\"k1\"")], changes)
}

/// Returns valid claims with the same kind of changes as [`header`].
pub(crate) fn claims(changes: &[(&str, Option<&str>)]) -> String {
    let good = [
        ("iss", "\"https://issuer.example\""),
        ("aud", "\"shop\""),
        ("sub", "\"ada\""),
        ("sid", "\"s1\""),
        ("jti", "\"t1\""),
        ("iat", "1700000000"),
        ("nbf", "1700000000"),
        ("exp", "1700000600"),
    ];
    object(&good, changes)
}

fn object(good: &[(&str, &str)], changes: &[(&str, Option<&str>)]) -> String {
    let changed = |name: &str| changes.iter().any(|(change, _)| *change == name);
    let kept = good.iter().filter(|(name, _)| !changed(name)).copied();
    let added = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let members: Vec<_> =
        kept.chain(added).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}
