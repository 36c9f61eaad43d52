//! Builds tokens that no honest issuer makes: any header and any payload, signed with a real key.

use std::time::Duration;

use serde_json::{Map, Value};

use super::jws;
use super::keys::SigningKey;
use super::policy::{Policy, TokenSettings};
use super::set::KeySet;
use super::sign::NewToken;
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};

pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const AUDIENCE: &str = "shop";
pub(super) const SECRET: &[u8] = b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";
pub(super) const OTHER_SECRET: &[u8] = b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4";

/// The time at which tests verify the forged tokens, in seconds since 1970. By default the tokens
/// are valid from this time on, for ten minutes.
pub(super) const NOW: i64 = 1_700_000_000;

pub(super) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis((seconds * 1_000.0) as i64)
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

pub(super) fn key() -> SigningKey {
    SigningKey::hs256("k1", SECRET).unwrap()
}

pub(super) fn settings(signing: SigningKey) -> TokenSettings {
    TokenSettings {
        issuer: Some(ISSUER.to_owned()),
        audience: Some(AUDIENCE.to_owned()),
        ..TokenSettings::new(KeySet::new(signing))
    }
}

pub(super) fn policy() -> Policy {
    Policy::new(settings(key())).unwrap()
}

/// Returns a valid token, with a lifetime of ten minutes from [`NOW`].
pub(super) fn signed(policy: &Policy, custom: Option<&Map<String, Value>>) -> String {
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

/// Encodes these bytes as header and payload, and signs them.
pub(super) fn forge(
    key: &SigningKey,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> String {
    seal(key, &jws::encode(header), &jws::encode(payload))
}

/// Signs these parts as they are, without encoding them.
pub(super) fn seal(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{signature}")
}

/// Returns a valid header with members changed or added (`Some`, as JSON) or removed (`None`).
pub(super) fn header(changes: &[(&str, Option<&str>)]) -> String {
    object(&[("alg", "\"HS256\""), ("typ", "\"at+jwt\""), ("kid", "\"k1\"")], changes)
}

/// Returns valid claims with the same kind of changes as [`header`].
pub(super) fn claims(changes: &[(&str, Option<&str>)]) -> String {
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
