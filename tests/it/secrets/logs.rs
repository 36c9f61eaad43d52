//! Requests of all kinds, while all log levels are enabled. No log line and no response contains a
//! secret.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::trace::TraceLayer;
use tower_session_auth::session::SessionData;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{
    AuthError, KeySet, RevokeReason, Session, SessionAuthLayer, SigningKey, Target,
};

use crate::secrets::{AGENT, Secrets, Vault, configure, everything, log_in};
use crate::support::forge::{decoded, forge, parts};
use crate::support::log::Log;
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{OTHER_SECRET, SECRET, START, anonymous, bearer, user};

/// Session data of another type. The same record cannot be read as this type. The error message of
/// serde for it would quote the password.
#[derive(Deserialize, Serialize)]
struct Other {
    password: u64,
}

/// Returns the log without the user agents in login events. These events contain the user agent for
/// audit trails. No other log line may contain it.
fn log_without_user_agents(log: &Log) -> String {
    let agent = format!(" user_agent={AGENT:?}");
    let text = log.text();
    let lines = text.lines().map(|line| {
        let login = line.contains("tower_session_auth::event: a session was created");
        if login { line.replace(&agent, "") } else { line.to_owned() }
    });
    let shown: Vec<_> = lines.collect();
    assert!(shown.concat().len() < text.len() - agent.len(), "the login event has the user agent");
    shown.join("\n")
}

/// Sends a request through the layer, with a layer outside it that logs requests. Returns the
/// status, and the whole response as text.
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
async fn no_secret_is_logged_or_answered_for_accepted_refused_and_failed_requests() {
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
            "unknown user",
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

    // The next request causes a touch. Each attempt of the worker to write this touch fails.
    tokio::time::sleep(Duration::from_secs(120)).await;
    expect("let in again", Some(&token), 200).await;
    store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.set(Mood::Answer);
    tokio::time::sleep(Duration::from_secs(5)).await;

    // An application whose session data has another type reads the record.
    let (other, _other_worker) = configure::<Other>(store.clone()).clock(clock).build().unwrap();
    let (status, answer) = call(&SessionAuthLayer::new(other.clone()), bearer(&token)).await;
    assert_eq!(status, 401, "{answer}");
    answered(&answer);
    let unreadable = other.get(&user("jeju"), login.session.id()).await.map(drop).unwrap_err();
    answered(&everything(&unreadable));

    for reason in [RevokeReason::Admin, RevokeReason::Logout] {
        let login = log_in(&manager).await;
        secrets.add_token(reason.as_str(), &login.access_token);
        assert!(
            manager.revoke(&user("jeju"), login.session.id(), reason).await.unwrap().was_live()
        );
        expect(reason.as_str(), Some(&login.access_token), 401).await;
    }
    manager.replace_keys(KeySet::new(SigningKey::hs256("k4", OTHER_SECRET).unwrap())).unwrap();
    expect("a removed key", Some(&token), 401).await;
    manager.revoke(&user("jeju"), Target::All, RevokeReason::Suspended).await.unwrap();
    drop((manager, layer));
    drop(worker);

    let (text, answers) = (log_without_user_agents(&log), answers.take());
    secrets.assert_none_in("the log", &text);
    secrets.assert_none_in("an answer", &answers);
    // The log must contain events of this library, events of other crates, and short session ids.
    // Otherwise, the search above would prove nothing.
    let short = login.session.id().short();
    for part in [" tower_session_auth: ", "tower_http::trace", "the session store", short] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(answers.contains("session_revoked") && answers.contains("store_unavailable"));
}

#[tokio::test]
async fn handler_without_a_layer_logs_no_secret() {
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
    secrets.assert_none_in("the log", &log_without_user_agents(&log));
}
