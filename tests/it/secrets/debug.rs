//! The `Debug` and `Display` output of the library's types, of its errors and of a store's settings
//! contains no secret.

use std::time::Duration;

use axum::response::IntoResponse as _;
use bytes::Bytes;
use tower::ServiceBuilder;
use tower_session_auth::auth_layer::Caller;
use tower_session_auth::manager::Cursor;
use tower_session_auth::store::{MemoryStore, NewRecord, Replacement, Salt};
use tower_session_auth::token::VerifyingKey;
use tower_session_auth::{
    AuthError, AuthErrorKind, KeySet, NewSession, SessionAuthLayer, SessionId, SessionManager,
    SigningKey,
};

use crate::secrets::{
    AGENT, CLAIM, EMAIL, NAME, PASSWORD, Secrets, Vault, configure, everything, log_in,
};
use crate::support::log::Log;
use crate::support::switch::SwitchStore;
use crate::support::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, key, usable, user};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn debug_and_display_of_types_and_errors_show_no_secret() {
    let mut secrets = Secrets::new();
    let store = SwitchStore::new(MemoryStore::new());
    let builder = configure::<Vault>(store.clone());
    let mut shown = format!("{builder:?}\n{builder:#?}\n");
    let (manager, worker) = builder.build().unwrap();
    let login = log_in(&manager).await;
    secrets.add_token("login", &login.access_token);
    let session = manager.authenticate(&login.access_token).await.unwrap();
    let claims = session.claims().unwrap();
    let layer = SessionAuthLayer::new(manager.clone());
    let service = ServiceBuilder::new().layer(layer.clone()).service(());
    let rsa = SigningKey::rs256_pem("r1", include_bytes!("../../keys/rsa.pem")).unwrap();
    let verifying = VerifyingKey::hs256("k2", OTHER_SECRET).unwrap();
    let keys = KeySet::new(key()).also_verify(verifying.clone());
    let new = NewSession::new(user("jeju"))
        .email(EMAIL)
        .user_name(NAME)
        .user_agent(AGENT)
        .claims(&serde_json::json!({ "note": CLAIM }))
        .unwrap()
        .data(Vault { password: PASSWORD.to_owned() });
    let mut show = |what: &str, values: &[&dyn std::fmt::Debug]| {
        for value in values {
            shown.push_str(&format!("{what}: {value:?}\n{value:#?}\n"));
        }
    };
    show("manager", &[&manager, &worker, &manager.health().await]);
    show("layer", &[&layer, &layer.clone().optional(), &service]);
    show("login", &[&login, &login.session, login.session.id()]);
    let bare = manager.token_without_session(&new).await.unwrap();
    secrets.add_token("without a session", &bare.access_token);
    show("without a session", &[&bare, &manager.near_cache()]);
    let caller = Caller::Session(session.clone());
    show("session", &[&session, &claims, &new, &caller]);
    show("keys", &[&key(), &key().verifying_key(), &rsa, &rsa.verifying_key(), &verifying, &keys]);
    for name in ["SessionManagerBuilder", "Worker", "SessionAuthLayer", "Login", "VerifiedClaims"] {
        assert!(shown.contains(name), "{name}");
    }

    for token in ["", "a.b.c", &login.access_token[..login.access_token.len() - 1]] {
        shown.push_str(&everything(&manager.authenticate(token).await.map(drop).unwrap_err()));
    }
    for kind in [
        AuthErrorKind::InvalidRequest,
        AuthErrorKind::MissingToken,
        AuthErrorKind::InvalidToken,
        AuthErrorKind::TokenExpired,
        AuthErrorKind::SessionExpired,
        AuthErrorKind::SessionRevoked,
        AuthErrorKind::StoreUnavailable,
        AuthErrorKind::Overloaded,
    ] {
        let error = AuthError::from(kind);
        shown.push_str(&everything(&error));
        shown.push_str(&format!("{:?}", error.into_response()));
    }
    // A secret stays secret even if it was refused as a signing key.
    for (what, error) in [
        ("short", SigningKey::hs256("k1", &SECRET[..31]).unwrap_err()),
        ("no key", SigningKey::rs256_pem("r1", SECRET).unwrap_err()),
        ("private as public", {
            VerifyingKey::rs256_pem("r1", include_bytes!("../../keys/rsa.pem")).unwrap_err()
        }),
        ("kid", SigningKey::hs256(str::from_utf8(SECRET).unwrap().trim_end(), b"").unwrap_err()),
    ] {
        shown.push_str(&format!("{what}: {}", everything(&error)));
    }
    let twice = KeySet::new(key()).also_verify(key().verifying_key());
    shown.push_str(&everything(&manager.replace_keys(twice).unwrap_err()));
    let claims = NewSession::new(user("jeju")).claims(&PASSWORD).map(drop).unwrap_err();
    shown.push_str(&everything(&claims));
    let taken = NewSession::new(user("jeju"))
        .claims(&serde_json::json!({ "sub": PASSWORD }))
        .unwrap()
        .data(Vault { password: PASSWORD.to_owned() });
    shown.push_str(&everything(&manager.create(taken).await.map(drop).unwrap_err()));
    let large = NewSession::new(user("jeju")).data(Vault { password: PASSWORD.repeat(4_000) });
    shown.push_str(&everything(&manager.create(large).await.map(drop).unwrap_err()));
    secrets.assert_none_in("Debug or Display", &shown);
}

#[test]
fn debug_of_the_values_of_a_store_shows_neither_payload_nor_salt_nor_cursor() {
    let (payload, salt) = (Bytes::from(PASSWORD), Salt::parse("c2FsdHNhbHRzYWx0").unwrap());
    let id = SessionId::parse("session-1").unwrap();
    let mut new = NewRecord::new(MINUTE, MINUTE, payload.clone());
    new.salt = Some(salt.clone());
    let replacement = Replacement::new(id, 7, payload.clone());
    let cursor = Cursor::new(PASSWORD);
    let shown = format!("{new:?} {replacement:?} {salt:?} {cursor:?}");
    let length = format!("Cursor {{ bytes: {} }}", PASSWORD.len());
    for part in ["Salt(…)", "Replacement", "session-…", "expected: 7", &length] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let payload = format!("{payload:?}");
    for secret in [salt.as_str(), PASSWORD, payload.as_str()] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_password_is_not_in_debug_display_or_the_log() {
    use tower_session_auth::RedisStore;

    let log = Log::default();
    let _guard = log.capture();
    let secrets = Secrets::new();
    // No program is listening on port 1.
    let url = format!("redis://user:{PASSWORD}@127.0.0.1:1/0");
    let store = RedisStore::new(&url).unwrap();
    let mut shown = format!("{store:?} {:?}\n", RedisStore::builder(url.as_str()));
    shown.push_str(&everything(&usable(&store).await.map(drop).unwrap_err()));
    for bad in [
        format!("redis://user:{PASSWORD}@127.0.0.1:99999/0"),
        format!("redis://user:{PASSWORD}@"),
        format!("redis://user:{PASSWORD}@127.0.0.1/database"),
        format!("http://user:{PASSWORD}@127.0.0.1/"),
        format!("{PASSWORD}@127.0.0.1"),
    ] {
        shown.push_str(&everything(&RedisStore::new(&bad).unwrap_err()));
    }
    // If TLS is not compiled in, the result is an error. Neither the error nor the store may show
    // the password.
    match RedisStore::new(&format!("rediss://user:{PASSWORD}@127.0.0.1:1/0")) {
        Ok(store) => shown.push_str(&format!("{store:?}\n{store:#?}\n")),
        Err(error) => shown.push_str(&everything(&error)),
    }
    let (manager, _worker) = SessionManager::builder()
        .keys(key())
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .store(store)
        .build()
        .unwrap();
    shown.push_str(&format!("{:?} {manager:?}", manager.health().await));
    let error = manager.create(NewSession::new(user("jeju"))).await.map(drop).unwrap_err();
    shown.push_str(&everything(&error));
    assert!(!log.text().is_empty(), "the store failure is logged");
    secrets.assert_none_in("the log", &log.text());
    secrets.assert_none_in("Debug or Display", &shown);
}
