//! What must stay secret is in no log, no `Debug`, no error and no refusal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::trace::TraceLayer;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{
    AuthError, AuthErrorKind, EndReason, KeySet, Login, MemoryStore, NewSession, Session,
    SessionAuthLayer, SessionData, SessionManager, SessionManagerBuilder, SigningKey, VerifyingKey,
};

use crate::support::forge::{decoded, forge, parts};
use crate::support::log::Log;
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{AUDIENCE, ISSUER, SECRET, START, anonymous, bearer, key, user};

const OTHER_SECRET: &[u8] = b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4";
const PASSWORD: &str = "correct-horse-battery-staple";
const CLAIM: &str = "claim-that-only-the-client-reads";
const EMAIL: &str = "jeju@person.test";
const AGENT: &str = "agent-of-a-person/1.0";
const NAME: &str = "Jeju Samdasoo";

/// Data with a secret of the application's own. Without `Debug`: nothing may ask for it.
#[derive(Deserialize, Serialize)]
struct Vault {
    password: String,
}

/// Data of another type, which the same record cannot be read as; serde's message would quote the password.
#[derive(Deserialize, Serialize)]
struct Other {
    password: u64,
}

/// Texts that must not be found, each with what it is.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn new() -> Self {
        let mut secrets = Self::default();
        for secret in [SECRET, OTHER_SECRET] {
            secrets.add("HMAC secret", str::from_utf8(secret).unwrap());
            secrets.add("HMAC secret in base64", &STANDARD.encode(secret)[..40]);
            secrets.add("HMAC secret as numbers", &format!("{secret:?}")[1..40]);
            secrets.add("HMAC secret in hex", &hex(secret));
        }
        for (what, text) in [
            ("password", PASSWORD),
            ("claim", CLAIM),
            ("e-mail address", EMAIL),
            ("user agent", AGENT),
            ("user's name", NAME),
            ("private key", &private_pem_line()),
        ] {
            secrets.add(what, text);
        }
        secrets
    }

    fn add(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 8, "{what} is too short to look for");
        self.0.push((what.to_owned(), text.to_owned()));
    }

    /// All that a token is and says. A token that was refused is as secret as one that was not.
    fn add_token(&mut self, what: &str, token: &str) {
        let (_, payload, signature) = parts(token);
        self.add(&format!("{what}: token"), token);
        self.add(&format!("{what}: payload"), &payload[..24]);
        self.add(&format!("{what}: signature"), signature);
        // Its end, too: a log that shortens from the left is no better.
        self.add(&format!("{what}: end of the signature"), &signature[signature.len() - 12..]);
        let claims: serde_json::Value = serde_json::from_str(&decoded(payload)).unwrap();
        for name in ["sid", "jti"] {
            if let Some(id) = claims[name].as_str() {
                self.add(&format!("{what}: {name}"), id);
            }
        }
    }

    fn assert_none_in(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            if let Some(at) = text.find(secret) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                panic!("{place} shows {what}: {}", text[line..].lines().next().unwrap());
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn private_pem_line() -> String {
    include_str!("../keys/rsa.pem").lines().nth(3).unwrap().to_owned()
}

/// An error with all that stands behind it, as careless code would log it.
fn everything(error: &(dyn Error + 'static)) -> String {
    let (mut link, mut shown) = (Some(error), String::new());
    while let Some(error) = link {
        shown.push_str(&format!("{error} {error:?} {error:#?}\n"));
        link = error.source();
    }
    shown
}

fn configure<D: SessionData>(store: SwitchStore) -> SessionManagerBuilder<D> {
    let keys = KeySet::new(key()).also_verify(VerifyingKey::hs256("k2", OTHER_SECRET).unwrap());
    let builder = SessionManager::builder().data().keys(keys).issuer(ISSUER).audience(AUDIENCE);
    builder.store(store)
}

async fn log_in(manager: &SessionManager<Vault>) -> Login<Vault> {
    let new = NewSession::new(user("jeju"))
        .user_name(NAME)
        .email(EMAIL)
        .role("user")
        .user_agent(AGENT)
        .claims(&serde_json::json!({ "note": CLAIM }))
        .unwrap()
        .data(Vault { password: PASSWORD.to_owned() });
    manager.create(new).await.unwrap()
}

/// Sends a request through the layer below a request log; gives back all of the answer.
async fn call<D>(layer: &SessionAuthLayer<D>, request: Request<String>) -> (u16, String)
where
    D: SessionData + DeserializeOwned,
{
    async fn inner(_: Request<String>) -> Result<Response<String>, Infallible> {
        Ok(Response::new("let in".to_owned()))
    }
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(layer.clone())
        .service_fn(inner);
    let response = service.oneshot(request).await.unwrap();
    let mut shown = format!("{:?} {:?}", response.status(), response.headers());
    if let Some(error) = response.extensions().get::<AuthError>() {
        shown.push_str(&everything(error));
    }
    let status = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (status, format!("{shown} {}", str::from_utf8(&body).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_logged_or_answered_whatever_happens_to_a_request() {
    let log = Log::default();
    let _guard = log.capture();
    let mut secrets = Secrets::new();
    let answers = RefCell::new(String::new());
    let answered = |text: &str| answers.borrow_mut().push_str(text);

    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock));
    let (manager, worker) = configure::<Vault>(store.clone()).clock(clock).build().unwrap();
    let worker = worker.start();
    let layer = SessionAuthLayer::new(manager.clone());
    let login = log_in(&manager).await;
    let token = login.access_token.clone();
    secrets.add_token("login", &token);
    let expect = async |row: &str, token: Option<&str>, status: u16| {
        let request = token.map_or_else(anonymous, bearer);
        let (seen, answer) = call(&layer, request).await;
        assert_eq!(seen, status, "{row}: {answer}");
        answered(&answer);
    };

    expect("let in", Some(&token), 200).await;
    expect("no token", None, 401).await;
    let (header, payload, signature) = parts(&token);
    let header_json = decoded(header);
    let claims = decoded(payload);
    for (row, bad) in [
        ("forged", forge(&header_json, &claims, OTHER_SECRET)),
        (
            "of nobody",
            forge(
                &header_json.replace("k1", "k2"),
                &claims.replace("jeju", "nobody"),
                OTHER_SECRET,
            ),
        ),
        ("unknown key", forge(&header_json.replace("k1", "k3"), &claims, SECRET)),
        ("another audience", forge(&header_json, &claims.replace("\"test\"", "\"x\""), SECRET)),
        (
            "of the wrong type",
            forge(&header_json, &claims.replace("\"exp\":", "\"exp\":0,\"exp\":"), SECRET),
        ),
        ("expired", forge(&header_json, &claims.replace("\"exp\":1", "\"exp\":0.1"), SECRET)),
        ("with a part more", format!("{token}.{signature}")),
    ] {
        if row != "with a part more" {
            let (_, _, signature) = parts(&bad);
            secrets.add(row, signature);
        }
        expect(row, Some(&bad), 401).await;
    }

    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::WriteRefused,
        StoreErrorKind::Unreadable,
        StoreErrorKind::Unsupported,
    ] {
        store.set(Mood::Fail(kind));
        let status = if kind == StoreErrorKind::Unreadable { 401 } else { 503 };
        expect(kind.as_str(), Some(&token), status).await;
        answered(&everything(&manager.logout(&token).await.unwrap_err()));
        let failed = manager.get(&user("jeju"), login.session.id()).await.map(drop).unwrap_err();
        answered(&everything(&failed));
        store.set(Mood::Answer);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    store.set(Mood::Hang);
    expect("a store that hangs", Some(&token), 503).await;
    store.set(Mood::Answer);
    tokio::time::sleep(Duration::from_secs(1)).await;

    // A use whose touch fails for as long as the worker tries.
    tokio::time::sleep(Duration::from_secs(120)).await;
    expect("let in again", Some(&token), 200).await;
    store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.set(Mood::Answer);
    tokio::time::sleep(Duration::from_secs(5)).await;

    // The record as seen by an application whose data are of another type.
    let (other, _other_worker) = configure::<Other>(store.clone()).clock(clock).build().unwrap();
    let (status, answer) = call(&SessionAuthLayer::new(other.clone()), bearer(&token)).await;
    assert_eq!(status, 401, "{answer}");
    answered(&answer);
    let unreadable = other.get(&user("jeju"), login.session.id()).await.map(drop).unwrap_err();
    answered(&everything(&unreadable));

    for reason in [EndReason::Admin, EndReason::Logout] {
        let login = log_in(&manager).await;
        secrets.add_token(reason.as_str(), &login.access_token);
        assert!(manager.delete(&user("jeju"), login.session.id(), reason).await.unwrap());
        expect(reason.as_str(), Some(&login.access_token), 401).await;
    }
    manager.replace_keys(KeySet::new(SigningKey::hs256("k4", OTHER_SECRET).unwrap())).unwrap();
    expect("a key that was taken out", Some(&token), 401).await;
    manager.delete_all(&user("jeju"), EndReason::Suspended).await.unwrap();
    drop((manager, layer));
    drop(worker);

    let (text, answers) = (log.text(), answers.take());
    secrets.assert_none_in("the log", &text);
    secrets.assert_none_in("an answer", &answers);
    // The test sees the library's own events, those of others, and the short form of a session id.
    let short = login.session.id().short();
    for part in [" tower_session_auth: ", "tower_http::trace", "the session store", short] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(answers.contains("session_revoked") && answers.contains("store_unavailable"));
}

#[tokio::test]
async fn debug_and_display_of_everything_show_no_secret() {
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
    let rsa = SigningKey::rs256_pem("r1", include_bytes!("../keys/rsa.pem")).unwrap();
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
    show("session", &[&session, &claims, &new]);
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
    ] {
        let error = AuthError::from(kind);
        shown.push_str(&everything(&error));
        shown.push_str(&format!("{:?}", error.into_response()));
    }
    // Secrets that were refused as keys are still somebody's secrets.
    for (what, error) in [
        ("short", SigningKey::hs256("k1", &SECRET[..31]).unwrap_err()),
        ("no key", SigningKey::rs256_pem("r1", SECRET).unwrap_err()),
        ("private as public", {
            VerifyingKey::rs256_pem("r1", include_bytes!("../keys/rsa.pem")).unwrap_err()
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

#[tokio::test]
async fn a_handler_without_a_layer_logs_no_secret() {
    let log = Log::default();
    let _guard = log.capture();
    let mut secrets = Secrets::new();
    let store = SwitchStore::new(MemoryStore::new());
    let (manager, _worker) = configure::<Vault>(store).build().unwrap();
    let login = log_in(&manager).await;
    secrets.add_token("login", &login.access_token);
    let app = axum::Router::new()
        .route("/", axum::routing::get(async |_: Session<Vault>| "let in"))
        .layer(TraceLayer::new_for_http());
    let response = app.oneshot(bearer(&login.access_token).map(axum::body::Body::from)).await;
    assert_eq!(response.unwrap().status(), 500);
    assert!(log.text().contains("SessionAuthLayer"));
    secrets.assert_none_in("the log", &log.text());
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn the_password_of_a_redis_server_is_nowhere() {
    use tower_session_auth::RedisStore;

    let log = Log::default();
    let _guard = log.capture();
    let secrets = Secrets::new();
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://user:{PASSWORD}@127.0.0.1:{port}/0");
    let store = RedisStore::new(&url).unwrap();
    let mut shown = format!("{store:?} {:?}\n", RedisStore::builder(url.as_str()));
    shown.push_str(&everything(&store.check().await.map(drop).unwrap_err()));
    for bad in [
        format!("redis://user:{PASSWORD}@127.0.0.1:99999/0"),
        format!("rediss://user:{PASSWORD}@127.0.0.1:{port}/0"),
        format!("redis://user:{PASSWORD}@"),
        format!("http://user:{PASSWORD}@127.0.0.1/"),
    ] {
        if let Err(error) = RedisStore::new(&bad) {
            shown.push_str(&everything(&error));
        }
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
    assert!(!log.text().is_empty(), "the store's trouble is logged");
    secrets.assert_none_in("the log", &log.text());
    secrets.assert_none_in("Debug or Display", &shown);
}
