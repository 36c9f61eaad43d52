//! Errors that others answer in words of their own.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::timeout::TimeoutLayer;
use tower_session_auth::routes::ContractErrorsLayer;

use crate::site::{Reply, request, send};
use crate::support::log::Log;

/// Handlers that answer as axum and tower-http do.
fn app() -> Router {
    let inner = Router::new()
        .route("/json", post(async |Json(_): Json<Vec<u8>>| "ok"))
        .route("/bytes", post(async |_: Bytes| "ok"))
        .route("/query", get(async |Query(_): Query<Vec<(String, u8)>>| "ok"))
        .route("/path/{number}", get(async |Path(_): Path<u8>| "ok"))
        .route("/slow", get(async || std::future::pending::<()>().await))
        .route(
            "/panic",
            get(async || {
                if true {
                    panic!("secret of the panic")
                }
            }),
        )
        .route(
            "/status/{status}",
            get(async |Path(status): Path<u16>| StatusCode::from_u16(status).unwrap()),
        )
        .layer(DefaultBodyLimit::max(100))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(1)));
    inner.layer(ContractErrorsLayer::new())
}

async fn json_body(path: &str, media_type: &str, body: impl Into<Body>) -> Reply {
    let mut request = request("POST", path, None, body.into());
    request.headers_mut().insert("content-type", media_type.parse().unwrap());
    send(&app(), request).await
}

#[tokio::test(start_paused = true)]
async fn what_axum_and_tower_http_answer_is_said_in_the_contracts_words() {
    let get = async |path: &str| send(&app(), request("GET", path, None, Body::empty())).await;
    let replies = [
        (json_body("/json", "application/json", "[").await, 400, "invalid_request"),
        (json_body("/json", "application/json", "{}").await, 422, "invalid_body"),
        (json_body("/json", "text/plain", "[]").await, 415, "unsupported_media_type"),
        (json_body("/bytes", "text/plain", "x".repeat(101)).await, 413, "payload_too_large"),
        (get("/query?a=x").await, 400, "invalid_request"),
        (get("/path/x").await, 400, "invalid_request"),
        (get("/path/%ff").await, 400, "invalid_request"),
        (get("/nowhere").await, 404, "not_found"),
        (get("/json").await, 405, "method_not_allowed"),
        (get("/slow").await, 408, "request_timeout"),
        (get("/panic").await, 500, "internal"),
    ];
    for (reply, status, code) in replies {
        assert_eq!(reply.said(), (status, code), "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{code}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{code}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{code}");
        let length = reply.header("content-length").map(str::to_owned);
        assert!(length.is_none_or(|length| length == reply.text.len().to_string()), "{reply:?}");
        let names: Vec<_> = reply.body.as_object().unwrap().keys().collect();
        let known = ["code", "detail", "request_id"];
        assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
    }
    let wrong_method = get("/json").await;
    assert_eq!(wrong_method.header("allow"), Some("POST"));
}

#[tokio::test(start_paused = true)]
async fn each_status_keeps_its_number_and_gets_a_code() {
    for (status, code) in [
        (400, "invalid_request"),
        (401, "missing_token"),
        (403, "insufficient_scope"),
        (404, "not_found"),
        (409, "invalid_request"),
        (418, "invalid_request"),
        (422, "invalid_body"),
        (429, "rate_limited"),
        (431, "invalid_request"),
        (500, "internal"),
        (501, "internal"),
        (502, "internal"),
        (503, "overloaded"),
        (504, "internal"),
    ] {
        let path = format!("/status/{status}");
        let reply = send(&app(), request("GET", &path, None, Body::empty())).await;
        assert_eq!(reply.said(), (status, code));
        assert_eq!(reply.header("retry-after").is_some(), [429, 503].contains(&status), "{status}");
        assert_eq!(
            reply.header("www-authenticate").is_some(),
            [401, 403].contains(&status),
            "{status}"
        );
        assert_eq!(reply.body["request_id"].is_string(), code == "internal", "{status}");
    }
    for status in [200, 204, 304] {
        let path = format!("/status/{status}");
        let reply = send(&app(), request("GET", &path, None, Body::empty())).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_5xx_has_an_id_that_the_log_has_and_nothing_else_of_its_cause() {
    let log = Log::default();
    let _guard = log.capture();
    for path in ["/panic", "/status/500"] {
        let reply = send(&app(), request("GET", path, None, Body::empty())).await;
        let id = reply.body["request_id"].as_str().unwrap();
        assert!(log.text().contains(id), "{path}");
        assert!(!reply.text.contains("secret"), "{path}");
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<String> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.to_owned()).unwrap()
}

async fn through(response: Response<String>) -> Response<String> {
    let mut response = Some(response);
    let service =
        ServiceBuilder::new().layer(ContractErrorsLayer::new()).service_fn(move |_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(response.take().unwrap()))
        });
    service.oneshot(Request::new(())).await.unwrap()
}

#[tokio::test]
async fn answers_that_say_something_themselves_stay_as_they_are() {
    for (status, media_type) in [
        (404, "application/json"),
        (404, "application/json; charset=utf-8"),
        (500, "application/problem+json"),
        (404, "text/html; charset=utf-8"),
        (200, "text/plain"),
        (302, "text/plain"),
    ] {
        let response = through(answer(status, &[("content-type", media_type)], "own words")).await;
        assert_eq!(response.body(), "own words", "{status} {media_type}");
        assert_eq!(response.headers().len(), 1, "{status} {media_type}");
    }
}

#[tokio::test]
async fn headers_that_mean_something_stay_and_those_of_the_old_body_go() {
    let headers = [
        ("content-type", "TEXT/Plain ; charset=utf-8"),
        ("content-length", "9"),
        ("content-encoding", "gzip"),
        ("etag", "\"x\""),
        ("www-authenticate", "Basic realm=\"x\""),
        ("x-request-id", "7"),
    ];
    let response = through(answer(401, &headers, "own words")).await;
    assert_eq!(response.body(), r#"{"detail":"Not authenticated","code":"missing_token"}"#);
    let headers = response.headers();
    for gone in ["content-length", "content-encoding", "etag"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["www-authenticate"], "Basic realm=\"x\"");
    assert_eq!(headers["x-request-id"], "7");
    let response = through(answer(503, &[("retry-after", "30")], "")).await;
    assert_eq!(response.headers()["retry-after"], "30");
}

#[tokio::test]
async fn it_goes_around_any_service_whose_body_is_made_from_text() {
    async fn not_found(_: Request<()>) -> Result<Response<Full<Bytes>>, &'static str> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok(response)
    }
    let service = ContractErrorsLayer::new().layer(service_fn(not_found));
    let body =
        service.oneshot(Request::new(())).await.unwrap().into_body().collect().await.unwrap();
    let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(body, json!({"detail": "Not found", "code": "not_found"}));

    // Errors are the service's own affair, panics before there is a future are not.
    let fails = service_fn(async |_: Request<()>| Err::<Response<String>, _>("broken"));
    let service = ContractErrorsLayer::new().layer(fails);
    assert_eq!(service.oneshot(Request::new(())).await.unwrap_err(), "broken");
    let panics =
        service_fn(|_: Request<()>| -> std::future::Ready<Result<Response<String>, Infallible>> {
            panic!("before there is a future")
        });
    let service = ContractErrorsLayer::new().layer(panics);
    assert_eq!(service.oneshot(Request::new(())).await.unwrap().status(), 500);
}
