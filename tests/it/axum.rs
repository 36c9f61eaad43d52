//! The layer in an axum application, and the session as an argument of its handlers.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_http::cors::CorsLayer;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{
    AuthError, AuthErrorKind, KeySet, NewSession, RevokeReason, Session, SessionAuthLayer,
    SessionManager, SigningKey,
};

use crate::support::log::Log;
use crate::support::{AUDIENCE, ISSUER, START, builder, key, login, manager, user};

const ORIGIN: &str = "https://app.test";

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Cart {
    items: Vec<u32>,
}

#[derive(Deserialize, Serialize)]
struct Tenant {
    tenant: u64,
    plan: String,
}

async fn whoami(session: Session) -> String {
    session.user_id().to_string()
}

async fn maybe(session: Option<Session>) -> String {
    session.map_or_else(|| "nobody".to_owned(), |session| session.user_id().to_string())
}

async fn cart(session: Session<Cart>) -> String {
    format!("{} has {:?}", session.user_id(), session.data().items)
}

fn carts() -> (SessionManager<Cart>, Worker) {
    let builder =
        SessionManager::builder().data::<Cart>().keys(key()).issuer(ISSUER).audience(AUDIENCE);
    builder.store(MemoryStore::new()).build().unwrap()
}

async fn cart_token(manager: &SessionManager<Cart>) -> String {
    let new = NewSession::new(user("jeju")).data(Cart { items: vec![1, 2] });
    manager.create(new).await.unwrap().access_token
}

fn request(path: &str, token: Option<&str>) -> Request<Body> {
    let request = Request::get(path);
    let request = match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(Body::empty()).unwrap()
}

async fn send(app: &Router, request: Request<Body>) -> Response<String> {
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
}

async fn ask(app: &Router, path: &str, token: Option<&str>) -> (u16, String) {
    let response = send(app, request(path, token)).await;
    (response.status().as_u16(), response.into_body())
}

fn code(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["code"].as_str().unwrap().to_owned()
}

/// Imports everything at once, as a small application may do. If a public name of this library were
/// also a public name of another imported crate, the use of that name would be ambiguous. Then this
/// file would not compile (E0659).
#[expect(unused_imports, reason = "the names are imported to find ambiguous ones, not to be used")]
mod all_at_once {
    use axum::*;
    use http::*;
    use hyper::*;
    use tower::*;
    use tower_session_auth::*;

    // Names of the other crates, which must stay unambiguous.
    use axum::Router as _Router;
    use http::StatusCode as _StatusCode;
    use hyper::server as _server;
    use tower::ServiceExt as _;

    // The modules of this library.
    use self::auth_layer as _auth_layer;
    use self::clock as _clock;
    use self::directory as _directory;
    use self::error as _error;
    use self::guide as _guide;
    use self::manager as _manager;
    use self::rate_limit as _rate_limit;
    use self::routes as _routes;
    use self::session as _session;
    use self::store as _store;
    use self::telemetry as _telemetry;
    use self::testing as _testing;
    use self::token as _token;
    use self::worker as _worker;

    // The other names of this library.
    use self::{
        AuthError as _, AuthErrorKind as _, FailurePolicy as _, KeySet as _, Login as _,
        NewSession as _, RedisStore as _, RevokeReason as _, Session as _, SessionAuthLayer as _,
        SessionId as _, SessionManager as _, SigningKey as _, Target as _, TokenSource as _,
        UserId as _, extractors as _, guards as _, same_origin as _,
    };
}

/// Fails when a public name of the library is missing from the imports above.
#[test]
fn each_public_module_and_name_is_among_the_imports() {
    let (library, tests) = (include_str!("../../src/lib.rs"), include_str!("axum.rs"));
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let modules: Vec<_> = modules.map(|module| module.trim_end_matches(';')).collect();
    assert!(modules.len() > 10, "{modules:?}");
    for module in modules {
        let imported = format!("use self::{module} as _{module};");
        assert!(tests.contains(&imported), "{module}");
    }
    let reexports = library.split("\npub use ").skip(1).filter_map(|text| text.split(';').next());
    let names = reexports.flat_map(|path| {
        let list = path.split_once('{').map(|(_, list)| list.trim_end_matches('}'));
        let last = || path.rsplit("::").next().unwrap();
        list.unwrap_or_else(last).split(',').map(str::trim).filter(|name| !name.is_empty())
    });
    // In `name as other`, the public name is `other`.
    let names: Vec<_> = names.map(|name| name.rsplit(' ').next().unwrap()).collect();
    assert!((15..=20).contains(&names.len()), "the root has about 15 names: {names:?}");
    let (_, imports) = tests.split_once("use self::{").unwrap();
    let (imports, _) = imports.split_once("};").unwrap();
    let imports: Vec<_> = imports.split(',').map(str::trim).collect();
    for name in names {
        assert!(imports.contains(&&*format!("{name} as _")), "{name}");
    }
}

#[tokio::test]
async fn a_handler_gets_the_session_with_its_typed_data() {
    let (manager, _worker) = carts();
    let token = cart_token(&manager).await;
    let app = Router::new().route("/", get(cart)).layer(SessionAuthLayer::new(manager));
    assert_eq!(ask(&app, "/", Some(&token)).await, (200, "jeju has [1, 2]".to_owned()));
    assert_eq!(code(&ask(&app, "/", None).await.1), "missing_token");
}

#[tokio::test]
async fn optional_layer_calls_the_handler_without_a_token_but_not_with_a_bad_one() {
    let (manager, _worker) = manager(MemoryStore::new());
    let login = login(&manager, "jeju").await;
    let token = Some(login.access_token.as_str());
    let layer = SessionAuthLayer::new(manager.clone()).optional();
    let app = Router::new().route("/maybe", get(maybe)).route("/whoami", get(whoami)).layer(layer);

    assert_eq!(ask(&app, "/maybe", token).await, (200, "jeju".to_owned()));
    assert_eq!(ask(&app, "/maybe", None).await, (200, "nobody".to_owned()));
    assert_eq!(code(&ask(&app, "/maybe", Some("a.b.c")).await.1), "invalid_token");
    assert_eq!(ask(&app, "/whoami", token).await, (200, "jeju".to_owned()));

    let revoked =
        manager.revoke(&user("jeju"), login.session.id(), RevokeReason::Admin).await.unwrap();
    assert!(revoked.was_live());
    let (status, body) = ask(&app, "/maybe", token).await;
    assert_eq!((status, code(&body).as_str()), (401, "session_revoked"));
}

#[tokio::test]
async fn a_handler_that_needs_a_session_is_401_without_a_token_on_an_optional_route() {
    let (manager, _worker) = manager(MemoryStore::new());
    let layer = SessionAuthLayer::new(manager).optional();
    let app = Router::new().route("/", get(whoami)).layer(layer);
    let response = send(&app, request("/", None)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.body(), r#"{"detail":"Not authenticated","code":"missing_token"}"#);
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error.kind(), AuthErrorKind::MissingToken);
}

/// Asserts that the answer is a 500 and that the log names the missing layer.
fn assert_no_layer(response: &Response<String>, log: &str, data_type: &str) {
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
    let mut body: Value = serde_json::from_str(response.body()).unwrap();
    let id = body.as_object_mut().unwrap().remove("request_id").unwrap();
    assert_eq!(body, json!({ "detail": "Internal error", "code": "internal" }));
    let id = id.as_str().unwrap();
    assert!(id.len() >= 8, "{id}");
    let line = log.lines().find(|line| line.contains(id)).unwrap_or(log);
    for part in ["ERROR", "tower_session_auth:", "SessionAuthLayer", data_type] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test]
async fn a_handler_without_the_layer_is_500_and_the_log_says_what_is_missing() {
    let log = Log::default();
    let _guard = log.capture();
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    // A missing layer is an error even for a handler whose session is optional.
    let app = Router::new()
        .route("/required", get(cart))
        .route("/optional", get(async |_: Option<Session<Cart>>| "let in"));
    for path in ["/required", "/optional"] {
        for token in [None, Some(token.as_str())] {
            let response = send(&app, request(path, token)).await;
            assert_no_layer(&response, &log.text(), "Cart");
        }
    }
    let two = [ask(&app, "/required", None).await, ask(&app, "/required", None).await];
    assert_ne!(two[0].1, two[1].1, "each request has an id of its own");
}

#[tokio::test]
async fn layer_with_another_data_type_than_the_handler_is_500() {
    let log = Log::default();
    let _guard = log.capture();
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let app = Router::new().route("/", get(cart)).layer(SessionAuthLayer::new(manager));
    let response = send(&app, request("/", Some(&token))).await;
    assert_no_layer(&response, &log.text(), "Cart");
    assert!(!log.text().contains(&token));
}

#[tokio::test]
async fn handler_reads_the_applications_own_claims_from_the_token() {
    async fn tenant(session: Session) -> String {
        let Tenant { tenant, plan } = session.claims().unwrap().custom().unwrap();
        format!("{plan} {tenant}")
    }
    let (manager, _worker) = manager(MemoryStore::new());
    let tenant_7 = Tenant { tenant: u64::MAX, plan: "gold".to_owned() };
    let new = NewSession::new(user("jeju")).claims(&tenant_7).unwrap();
    let login = manager.create(new).await.unwrap();
    let app = Router::new().route("/", get(tenant)).layer(SessionAuthLayer::new(manager));
    let expected = (200, "gold 18446744073709551615".to_owned());
    assert_eq!(ask(&app, "/", Some(&login.access_token)).await, expected);
    assert!(login.session.claims().is_none(), "a session from a login has no claims");
}

#[tokio::test]
async fn keys_are_replaced_while_requests_are_served() {
    let (manager, _worker) = manager(MemoryStore::new());
    let app = Router::new().route("/", get(whoami)).layer(SessionAuthLayer::new(manager.clone()));
    let old = login(&manager, "old").await.access_token;
    assert_eq!(ask(&app, "/", Some(&old)).await.0, 200);

    let next = SigningKey::hs256("k2", b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4").unwrap();
    manager.replace_keys(KeySet::new(next.clone()).also_verify(key().verifying_key())).unwrap();
    let new = login(&manager, "new").await.access_token;
    assert_eq!(ask(&app, "/", Some(&old)).await, (200, "old".to_owned()));
    assert_eq!(ask(&app, "/", Some(&new)).await, (200, "new".to_owned()));

    // An invalid key set changes nothing.
    let twice = KeySet::new(next.clone()).also_verify(next.verifying_key());
    manager.replace_keys(twice).unwrap_err();
    assert_eq!(ask(&app, "/", Some(&old)).await.0, 200);

    manager.replace_keys(KeySet::new(next)).unwrap();
    let (status, body) = ask(&app, "/", Some(&old)).await;
    assert_eq!((status, code(&body).as_str()), (401, "invalid_token"));
    assert_eq!(ask(&app, "/", Some(&new)).await, (200, "new".to_owned()));
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(ORIGIN))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION])
}

fn preflight() -> Request<Body> {
    Request::builder()
        .method(Method::OPTIONS)
        .uri("/")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn cors_works_only_outside_of_the_auth_layer() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let auth = SessionAuthLayer::new(manager);
    let from_page = |token: Option<&str>| {
        let mut request = request("/", token);
        request.headers_mut().insert("origin", HeaderValue::from_static(ORIGIN));
        request
    };

    // The layer that is added last is the outermost.
    let outside = Router::new().route("/", get(whoami)).layer(auth.clone()).layer(cors());
    let response = send(&outside, preflight()).await;
    assert!(response.status().is_success(), "{}", response.status());
    assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
    for (row, token, status) in
        [("none", None, 401), ("bad", Some("a.b.c"), 401), ("good", Some(token.as_str()), 200)]
    {
        let response = send(&outside, from_page(token)).await;
        assert_eq!(response.status(), status, "{row}");
        // Without this header, the page could not distinguish a 401 from a network failure.
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN, "{row}");
    }

    // A browser sends no token with a preflight. If the CORS layer is inside of the session layer,
    // the session layer refuses the preflight, and no page works.
    let inside = Router::new().route("/", get(whoami)).layer(cors()).layer(auth);
    let response = send(&inside, preflight()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let response = send(&inside, from_page(None)).await;
    assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn unknown_routes_and_methods_are_401_without_a_token() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let app = Router::new().route("/", get(whoami)).layer(SessionAuthLayer::new(manager));
    assert_eq!(ask(&app, "/nowhere", None).await.0, 401);
    assert_eq!(ask(&app, "/nowhere", Some(&token)).await.0, 404);
    for (method, path) in [(Method::POST, "/"), (Method::HEAD, "/"), (Method::OPTIONS, "/")] {
        let request = Request::builder().method(method.clone()).uri(path);
        let response = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn an_access_token_never_outlives_its_session() {
    async fn ends(session: Session) -> String {
        let token = session.claims().unwrap().expires_at();
        assert!(token <= session.absolute_deadline(), "{token} {}", session.absolute_deadline());
        session.absolute_deadline().saturating_since(token).as_millis().to_string()
    }
    // In the middle of a second, so that `exp` is rounded.
    let clock = ManualClock::new(START.saturating_add(Duration::from_millis(750)));
    let store = MemoryStore::with_clock(clock.clone());
    for (lifetime, token_ttl, expires_in) in [(60, 3600, 60), (60, 60, 60), (60, 59, 59)] {
        let (manager, _worker) = builder()
            .clock(clock.clone())
            .store(store.clone())
            .lifetime(Duration::from_secs(lifetime))
            .access_token_ttl(Duration::from_secs(token_ttl))
            .build()
            .unwrap();
        let login = login(&manager, "jeju").await;
        assert_eq!(login.expires_in, Duration::from_secs(expires_in), "{lifetime} {token_ttl}");
        let app = Router::new().route("/", get(ends)).layer(SessionAuthLayer::new(manager));
        let early = (lifetime - expires_in) * 1_000 + 750;
        let expected = (200, early.to_string());
        assert_eq!(ask(&app, "/", Some(&login.access_token)).await, expected);
    }
}
