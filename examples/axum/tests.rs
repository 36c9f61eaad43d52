//! The contract of the routes, without a socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::app::App;
use crate::config::{Config, Store};
use crate::peer::{Connection, TrustedProxies};
use crate::serve::{self, Limits};

const SECRET: &str = "only-for-tests-Zq3vT8xKpL2mWc7RdYh9";

async fn app_with(variables: &[(&str, &str)]) -> App {
    let config = config(variables).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (app, worker) = App::new(&config).await.unwrap();
    drop(worker);
    app
}

async fn app() -> App {
    app_with(&[("JWT_SECRET", SECRET)]).await
}

fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    Config::read(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("not JSON: {body:?}"));
    assert_eq!(parts.headers[CONTENT_TYPE], "application/json");
    assert_eq!(parts.headers[CACHE_CONTROL], "no-store");
    assert_eq!(parts.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn get(router: &Router, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
    send(router, request.body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, token: &str) -> Answer {
    let request = Request::post(path).header(AUTHORIZATION, format!("Bearer {token}"));
    send(router, request.body(Body::empty()).unwrap()).await
}

async fn try_login(router: &Router, body: impl Into<Body>) -> Answer {
    let request = Request::post("/api/auth/login").header(CONTENT_TYPE, "application/json");
    send(router, request.body(body.into()).unwrap()).await
}

async fn login(router: &Router, user: &str, password: &str) -> String {
    let answer =
        try_login(router, json!({"user_id": user, "password": password}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_login_opens_what_a_logout_closes() {
    let app = app().await;
    let router = app.router(Limits::default());
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 200);
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let expected = json!({
        "user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user",
        "access_token": token, "token_type": "bearer", "expires_in": 3600,
    });
    assert_eq!(answer.body, expected);

    assert_eq!(get(&router, "/api/data", &token).await.status, 200);
    let me = json!({"user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user"});
    for path in ["/api/auth/me", "/auth/me"] {
        assert_eq!(get(&router, path, &token).await.body, me, "{path}");
    }

    for _ in 0..2 {
        // Idempotent: the second one finds nothing left to end.
        let answer = post(&router, "/auth/logout", &token).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::OK, json!({"message": "Successfully logged out"}))
        );
    }
    for path in ["/api/data", "/api/session/me", "/api/auth/me"] {
        let answer = get(&router, path, &token).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.body["code"], "session_revoked", "{path}");
        assert_eq!(answer.body["reason"], "logout", "{path}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], r#"Bearer error="invalid_token""#, "{path}");
    }
}

#[tokio::test]
async fn the_session_is_shown_as_the_store_has_it() {
    let app = app().await;
    let router = app.router(Limits::default());
    let mut request = Request::post("/api/auth/login").header(CONTENT_TYPE, "application/json");
    request = request.extension(Connection(SocketAddr::from(([192, 0, 2, 7], 50_000))));
    let body = json!({"email": "JEJU@test.com", "password": "password123"}).to_string();
    let answer = send(&router, request.body(Body::from(body)).unwrap()).await;
    let token = answer.body["access_token"].as_str().unwrap();

    let shown = get(&router, "/api/session/me", token).await.body;
    assert_eq!(shown["user_id"], "jeju");
    assert_eq!(shown["ip_address"], "192.0.2.7");
    assert!((3598..=3600).contains(&shown["ttl"].as_u64().unwrap()), "{shown}");
    for time in ["created_at", "last_activity"] {
        let text = shown[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{text}");
    }
    let fields = [
        "user_id",
        "user_name",
        "email",
        "role",
        "created_at",
        "last_activity",
        "ttl",
        "ip_address",
    ];
    assert_eq!(shown.as_object().unwrap().len(), fields.len());
    assert!(fields.iter().all(|field| shown.get(field).is_some()));
}

#[tokio::test]
async fn who_may_not_log_in_learns_no_reason() {
    let app = app().await;
    let router = app.router(Limits::default());
    let long = "x".repeat(2000);
    let refused = [
        json!({"user_id": "jeju", "password": "wrong"}),
        json!({"user_id": "jeju", "password": "password123\0"}),
        json!({"user_id": "jeju", "password": long}),
        json!({"user_id": "nobody", "password": "password123"}),
        json!({"user_id": "suspended", "password": "password123"}),
        json!({"user_id": "", "password": ""}),
        json!({"email": "nobody@test.com", "password": "password123"}),
    ];
    for body in refused {
        let answer = try_login(&router, body.to_string()).await;
        assert_eq!(answer.status, 401, "{body}");
        let expected =
            json!({"detail": "Incorrect user id or password", "code": "invalid_credentials"});
        assert_eq!(answer.body, expected, "{body}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer", "{body}");
    }
}

#[tokio::test]
async fn a_user_who_is_switched_off_is_403_while_the_session_lives() {
    let app = app().await;
    let router = app.router(Limits::default());
    let token = login(&router, "jeju", "password123").await;
    app.users.by_id("jeju").unwrap().switch_off();
    let answer = get(&router, "/api/auth/me", &token).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body, json!({"detail": "Account is not active", "code": "account_inactive"}));
}

#[tokio::test]
async fn bodies_that_are_wrong_are_told_so() {
    let app = app().await;
    let router = app.router(Limits::default());
    let large = format!(r#"{{"user_id":"jeju","password":"{}"}}"#, "x".repeat(16 * 1024));
    let cases: [(&str, u16, &str); 13] = [
        ("{", 400, "invalid_request"),
        ("", 400, "invalid_request"),
        ("\u{feff}{}", 400, "invalid_request"),
        (r#"{"user_id":"jeju","password":"x"} x"#, 400, "invalid_request"),
        ("[]", 422, "invalid_body"),
        (r#"["jeju", null, "password123"]"#, 422, "invalid_body"),
        ("null", 422, "invalid_body"),
        ("{}", 422, "invalid_body"),
        (r#"{"user_id":"jeju"}"#, 422, "invalid_body"),
        (r#"{"user_id":7,"password":"x"}"#, 422, "invalid_body"),
        (r#"{"user_id":"jeju","email":"jeju@test.com","password":"x"}"#, 422, "invalid_body"),
        (r#"{"user_id":"jeju","user_id":"jeju","password":"x"}"#, 422, "invalid_body"),
        (&large, 413, "payload_too_large"),
    ];
    for (body, status, code) in cases {
        let answer = try_login(&router, body.to_owned()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (status, &json!(code)),
            "{body:.80}"
        );
    }
    for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = Request::post("/auth/login");
        if let Some(media_type) = media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let answer = send(&router, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, 415, "{media_type:?}");
        assert_eq!(
            answer.body,
            json!({"detail": "Expected application/json", "code": "unsupported_media_type"})
        );
    }
    let request =
        Request::post("/auth/login").header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    assert_eq!(
        send(&router, request.body(Body::from("{}")).unwrap()).await.status,
        422,
        "it is JSON"
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_contracts_words() {
    let app = app().await;
    let router = app.router(Limits::default());
    let answer = get(&router, "/nowhere", "x").await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let request =
        Request::builder().method(Method::DELETE).uri("/health").body(Body::empty()).unwrap();
    let answer = send(&router, request).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.body["code"], "method_not_allowed");
    assert!(answer.headers[ALLOW].to_str().unwrap().contains("GET"));
    for path in ["/api/data", "/api/session/me", "/api/auth/me"] {
        let answer = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            answer.body,
            json!({"detail": "Not authenticated", "code": "missing_token"}),
            "{path}"
        );
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer", "{path}");
    }
    let answer = send(&router, Request::post("/auth/logout").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body["code"], "missing_token");
}

#[tokio::test]
async fn health_tells_what_the_store_is() {
    let app = app().await;
    let router = app.router(Limits::default());
    for path in ["/health", "/api/auth/health", "/auth/health"] {
        let answer = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body["status"], "healthy");
        assert_eq!(answer.body["store"]["kind"], "memory");
        assert_eq!(answer.body["store"]["connected"], true);
    }
    let answer = send(&router, Request::get("/health/live").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn without_redis_it_is_alive_and_not_ready() {
    // Nothing listens on port 1.
    let app =
        app_with(&[("JWT_SECRET", SECRET), ("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", "1")]).await;
    let router = app.router(Limits::default());
    let answer = send(&router, Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("degraded"))
    );
    assert_eq!(answer.body["store"]["connected"], false);
    let answer = send(&router, Request::get("/health/live").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        json!({"detail": "Session store unavailable", "code": "store_unavailable"})
    );
    assert_eq!(answer.headers[RETRY_AFTER], "1");
    assert!(!answer.headers.contains_key(WWW_AUTHENTICATE));
}

#[tokio::test]
async fn a_client_that_is_in_two_places_is_where_its_trusted_proxies_say() {
    let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8::1").unwrap();
    let cases = [
        (
            "203.0.113.9",
            &["198.51.100.1"][..],
            "203.0.113.9",
            "an untrusted peer may say what it likes",
        ),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1", "a proxy tells its client"),
        (
            "10.0.0.1",
            &["6.6.6.6, 198.51.100.1, 10.0.0.2"],
            "198.51.100.1",
            "the nearest that is no proxy",
        ),
        ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1", "several fields are one list"),
        ("10.0.0.1", &["nonsense"], "10.0.0.1", "what cannot be read ends the chain"),
        ("10.0.0.1", &[], "10.0.0.1", "no header"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1", "a mapped address is the address"),
        ("2001:db8::1", &["2001:db8::2"], "2001:db8::2", "IPv6"),
    ];
    for (peer, forwarded, client, what) in cases {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let found = proxies.client(peer.parse().unwrap(), &headers);
        assert_eq!(found.to_string(), client, "{what}");
    }
    assert!(TrustedProxies::parse("10.0.0.0/40").is_err());
}

#[tokio::test]
async fn the_environment_is_read_whole_or_refused() {
    let config_of = |variables: &[(&str, &str)]| config(variables).map(drop);
    for (name, value) in [
        ("BIND_ADDR", "here"),
        ("SESSION_TTL", "1h"),
        ("SESSION_TTL", "-1"),
        ("ACCESS_TOKEN_TTL", "1.5"),
        ("TRUSTED_PROXIES", "proxy"),
        ("REDIS_URL", "http://user:hunter2@127.0.0.1/"),
        ("REDIS_URL", "redis+sentinel://:hunter2@127.0.0.1:26379/mymaster"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:7000,redis://127.0.0.1:7001"),
        ("REDIS_URL", "rediss://:hunter2@127.0.0.1:6379"),
        ("REDIS_URL", "not a url"),
    ] {
        let wrong = config_of(&[(name, value)]).unwrap_err();
        assert!(wrong.contains(name), "{name}={value}: {wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
    assert!(config_of(&[("SESSION_PREFIX", "a b"), ("REDIS_HOST", "127.0.0.1")]).is_err());
    // A secret that was meant to be set and came out empty is no reason for a random one.
    for secret in ["short", ""] {
        let config = config(&[("JWT_SECRET", secret)]).unwrap();
        let wrong = App::new(&config).await.map(drop).unwrap_err();
        assert!(wrong.contains("JWT_SECRET") && wrong.contains("32 bytes"), "{wrong}");
    }
    for (variables, name) in [
        (&[("SESSION_TTL", "0")][..], "SESSION_TTL"),
        (
            &[("SESSION_TTL", "60"), ("SESSION_REFRESH_THRESHOLD", "61")],
            "SESSION_REFRESH_THRESHOLD",
        ),
        (&[("SESSION_MAX_LIFETIME", "0")], "SESSION_MAX_LIFETIME"),
        (&[("ACCESS_TOKEN_TTL", "0")], "ACCESS_TOKEN_TTL"),
    ] {
        let config = config(variables).unwrap();
        let wrong = App::new(&config).await.map(drop).unwrap_err();
        assert!(wrong.contains(name), "the variable is named, not the setting: {wrong}");
    }
    assert!(config_of(&[("REDIS_URL", "redis://:with,comma@127.0.0.1:6379")]).is_ok());

    let config =
        config(&[("SESSION_TTL", "60"), ("BIND_ADDR", "127.0.0.1:0"), ("REDIS_URL", "")]).unwrap();
    assert!(matches!(config.store, Store::Memory), "an empty variable is unset");
    assert_eq!(config.idle_ttl, Duration::from_secs(60));
    assert_eq!(config.refresh_threshold, Duration::from_secs(15));
    assert!(App::new(&config).await.is_ok(), "the refresh threshold follows a short idle TTL");
    let defaults = Config::read(|_| None).unwrap();
    assert_eq!(defaults.bind.to_string(), "127.0.0.1:8000");
    assert_eq!(defaults.lifetime, Duration::from_secs(86_400));
    assert_eq!(defaults.refresh_threshold, Duration::from_secs(900));
}

#[tokio::test(start_paused = true)]
async fn logins_that_wait_too_long_for_their_turn_are_told_that_it_is_busy() {
    let app = app().await;
    let router = app.router(Limits::default());
    let turns = app.passwords.take_all_turns();
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, json!({"detail": "Too busy, try again", "code": "overloaded"}));
    assert_eq!(answer.headers[RETRY_AFTER], "1");
    drop(turns);
}

#[tokio::test]
async fn what_a_protected_route_can_do_is_not_told_to_strangers() {
    let app = app().await;
    let router = app.router(Limits::default());
    for path in ["/api/data", "/api/session/me"] {
        let request = Request::builder().method(Method::DELETE).uri(path);
        let answer = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{path}");
        let token = login(&router, "jeju", "password123").await;
        let request = Request::builder().method(Method::DELETE).uri(path);
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let answer = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (405, &json!("method_not_allowed"))
        );
        assert!(answer.headers.contains_key(ALLOW), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let address = serving(Limits { write: IMPATIENT, ..Limits::default() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // Written until the server no longer takes it, and then until it closes the connection.
    let refused = tokio::time::timeout(Duration::from_secs(60), async {
        while stream.write_all(&request).await.is_ok() {}
    });
    assert!(refused.await.is_ok(), "the server does not wait for ever");
}

/// A server with little patience on a free port; it ends with the test's runtime.
async fn serving(limits: Limits) -> SocketAddr {
    let router = app().await.router(limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server under test")]
    tokio::spawn(serve::serve(listener, router, limits, std::future::pending()));
    address
}

/// All that the server says to these bytes until it closes the connection.
async fn conversation(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    let closed =
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    closed.expect("the server does not wait for ever").unwrap();
    String::from_utf8(answer).unwrap()
}

const IMPATIENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn headers_that_never_end_and_connections_that_say_nothing_are_closed() {
    let address = serving(Limits { header_read: IMPATIENT, ..Limits::default() }).await;
    for sent in ["", "GET /hea", "GET /health HTTP/1.1\r\nhost: x\r\n"] {
        let answer = conversation(address, sent.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    }
    // Kept open after an answer, it is closed as well.
    let answer = conversation(address, b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_408() {
    let address = serving(Limits { body_read: IMPATIENT, ..Limits::default() }).await;
    let sent = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"user_id\"";
    let answer = conversation(address, sent).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.ends_with(r#"{"detail":"Request timed out","code":"request_timeout"}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_408() {
    let address = serving(Limits { handler: IMPATIENT, ..Limits::default() }).await;
    let sent = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let answer = conversation(address, sent).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_free_place() {
    let address = serving(Limits { connections: 1, ..Limits::default() }).await;
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET").await.unwrap();
    // Let the server take the first one in, so that the second finds no place.
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(request).await.unwrap();
    let mut byte = [0];
    let waited = tokio::time::timeout(IMPATIENT, second.read(&mut byte)).await;
    assert!(waited.is_err(), "the second is not served beside the first");
    drop(first);
    let served = tokio::time::timeout(Duration::from_secs(20), second.read(&mut byte)).await;
    assert_eq!(served.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn headers_that_are_too_large_are_431() {
    let address = serving(Limits::default()).await;
    let sent =
        format!("GET /health HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "c".repeat(200_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before all of it is written.
    let written = stream.write_all(sent.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431") || written.is_err() || read.is_err(), "{answer}");
    assert!(!answer.contains("200 OK"), "{answer}");
}
