//! The contract of the routes; this file is what the tests share.

mod environment;
mod routes;
mod sockets;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::app::App;
use crate::config::Config;

pub(crate) const SECRET: &str = "only-for-tests-Zq3vT8xKpL2mWc7RdYh9";

pub(crate) async fn app_with(variables: &[(&str, &str)]) -> App {
    let config = config(variables).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (app, worker) = App::new(&config).await.unwrap();
    drop(worker);
    app
}

pub(crate) async fn app() -> App {
    app_with(&[("JWT_SECRET", SECRET)]).await
}

pub(crate) fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    Config::read(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("not JSON: {body:?}"));
    assert_eq!(parts.headers[CONTENT_TYPE], "application/json");
    assert_eq!(parts.headers[CACHE_CONTROL], "no-store");
    assert_eq!(parts.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(router: &Router, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
    send(router, request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn post(router: &Router, path: &str, token: &str) -> Answer {
    let request = Request::post(path).header(AUTHORIZATION, format!("Bearer {token}"));
    send(router, request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn try_login(router: &Router, body: impl Into<Body>) -> Answer {
    let request = Request::post("/api/auth/login").header(CONTENT_TYPE, "application/json");
    send(router, request.body(body.into()).unwrap()).await
}

pub(crate) async fn login(router: &Router, user: &str, password: &str) -> String {
    let answer =
        try_login(router, json!({"user_id": user, "password": password}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["access_token"].as_str().unwrap().to_owned()
}
