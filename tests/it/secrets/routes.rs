//! The routes, while all log levels are enabled. A token that is in a cookie or a body is not
//! logged, not printed, and not in any other part of a response.

use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, Request};
use tower::{Layer as _, ServiceExt as _};
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tower_session_auth::directory::BoxError;
use tower_session_auth::routes::{
    AccessCookie, Credentials, LoginName, Password, RefreshDelivery, Routes, Verdict,
};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::telemetry::events::LoginRefusal;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{KeySet, NewSession, SessionManager, UserId};

use crate::secrets::Secrets;
use crate::support::log::Log;
use crate::support::{START, builder, key};

struct Desk;

impl Credentials for Desk {
    async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
        Ok(match login {
            LoginName::UserId(id) => Some(id.clone()),
            _ => None,
        })
    }

    async fn verify(&self, user: Option<&UserId>, _: &Password) -> Result<Verdict, BoxError> {
        Ok(match user {
            Some(user) => Verdict::Accepted(NewSession::new(user.clone())),
            None => Verdict::Refused(LoginRefusal::Credentials),
        })
    }
}

/// The parts of a response that an application without special care could print.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: serde_json::Value,
}

async fn call(router: &axum::Router, path: &str, cookie: &str, body: &str, site: &str) -> Answer {
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().include_headers(false))
        .on_response(DefaultOnResponse::new().include_headers(true));
    let request = Request::post(path).header("sec-fetch-site", site).header(COOKIE, cookie);
    let request = request.header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = trace.layer(router.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = axum::body::to_bytes(Body::new(response.into_body()), 1 << 16).await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap() }
}

/// Adds a refresh token, its parts, and the end of each part.
fn add(secrets: &mut Secrets, token: &str) {
    secrets.add("refresh token", token);
    for part in token.split('.').filter(|part| part.len() > 16) {
        secrets.add("part of a refresh token", part);
        secrets.add("end of a part", &part[part.len() - 12..]);
    }
}

fn refresh_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let pair = cookies.filter_map(|cookie| cookie.split(';').next());
    pair.filter_map(|pair| pair.strip_prefix("__Secure-refresh_token=")).map(str::to_owned).next()
}

fn site() -> SessionManager {
    let clock = TokioClock::new(START);
    let manager = builder().clock(clock).store(MemoryStore::with_clock(clock));
    manager.refresh_keys(KeySet::new(key())).build().unwrap().0
}

const LOGIN: &str = r#"{"user_id":"jeju","password":"correct-horse-battery-staple"}"#;

#[tokio::test(start_paused = true)]
async fn no_token_cookie_is_logged_or_printed_whether_accepted_or_refused() {
    let log = Log::default();
    let _guard = log.capture();
    let mut secrets = Secrets::new();
    let manager = site();
    let routes = Routes::builder(manager.clone(), Desk).access_cookie(AccessCookie::new());
    let routes = routes.build().unwrap();
    let router = routes.standard();
    let mut shown = String::new();

    let first = call(&router, "/auth/login", "", LOGIN, "same-origin").await;
    let token = refresh_cookie(&first.headers).unwrap();
    add(&mut secrets, &token);
    secrets.add_token("access token", first.body["access_token"].as_str().unwrap());
    let cookie = format!("__Secure-refresh_token={token}");
    let forged = altered(&cookie);
    let next = call(&router, "/auth/refresh", &cookie, "", "same-origin").await;
    let successor = refresh_cookie(&next.headers).unwrap();
    add(&mut secrets, &successor);
    secrets.add_token("next access token", next.body["access_token"].as_str().unwrap());
    let mut expect = async |path: &str, cookie: &str, site: &str, status: u16| {
        let answer = call(&router, path, cookie, "", site).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        shown.push_str(&format!("{:?} {}\n", answer.headers, answer.body));
    };
    expect("/auth/refresh", &forged, "none", 401).await;
    expect("/auth/refresh", &cookie, "cross-site", 403).await;
    expect("/auth/refresh", &format!("{forged}; {forged}"), "same-origin", 401).await;
    expect(&format!("/auth/refresh?refresh_token={}", "x"), "", "none", 401).await;
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    expect("/auth/refresh", &cookie, "same-origin", 401).await;
    let successor = format!("__Secure-refresh_token={successor}");
    expect("/auth/refresh", &successor, "same-origin", 401).await;
    expect("/auth/logout", &successor, "same-origin", 200).await;

    shown.push_str(&format!("{:?} {:?} {routes:?}", first.headers, next.headers));
    secrets.assert_none_in("an answer", &shown);
    let log = log.text();
    assert!(log.contains("set-cookie") && log.contains("Sensitive"), "headers are logged: {log}");
    assert!(log.contains("cross-site"), "a refusal is logged: {log}");
    secrets.assert_none_in("the log", &log);
}

/// Returns the token with its last character replaced by another one.
fn altered(token: &str) -> String {
    let last = if token.ends_with('A') { 'E' } else { 'A' };
    format!("{}{last}", &token[..token.len() - 1])
}

#[tokio::test(start_paused = true)]
async fn refresh_token_in_a_body_is_neither_logged_nor_shown_in_a_refusal() {
    let log = Log::default();
    let _guard = log.capture();
    let mut secrets = Secrets::new();
    let routes = Routes::builder(site(), Desk).refresh_delivery(RefreshDelivery::Body);
    let router = routes.build().unwrap().standard();
    let first = call(&router, "/auth/login", "", LOGIN, "none").await;
    let token = first.body["refresh_token"].as_str().unwrap();
    add(&mut secrets, token);
    let body = |token: &str| serde_json::json!({"refresh_token": token}).to_string();
    let forged = altered(token);
    for (body, status) in [
        (body(token), 200),
        (body(&forged), 401),
        (format!(r#"{{"refresh_token":["{token}"]}}"#), 422),
        (format!(r#"{{"{token}":1}}"#), 422),
        (format!(r#"{{"refresh_token":"{token}"#), 400),
    ] {
        let answer = call(&router, "/auth/refresh", "", &body, "none").await;
        assert_eq!(answer.status, status);
        if status != 200 {
            secrets.assert_none_in("a refusal", &answer.body.to_string());
        }
    }
    secrets.assert_none_in("the log", &log.text());
}
