//! `ContractErrorsLayer` changes the errors of axum and tower-http to the error format of the
//! routes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::routing::{get, post};
use axum::{Extension, Form};
use axum::{Json, Router};
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, SizeHint};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;
use tower_session_auth::routes::ContractErrorsLayer;

use crate::routes::site::{Reply, request, send};
use crate::support::log::Log;

/// Returns handlers that fail with errors of axum and tower-http, behind the layer.
fn app() -> Router {
    let inner = Router::new()
        .route("/json", post(async |Json(_): Json<Vec<u8>>| "ok"))
        .route("/bytes", post(async |_: Bytes| "ok"))
        .route("/query", get(async |Query(_): Query<Vec<(String, u8)>>| "ok"))
        .route("/path/{number}", get(async |Path(_): Path<u8>| "ok"))
        .route("/form", post(async |Form(_): Form<Vec<(String, u8)>>| "ok"))
        .route("/text", post(async |_: String| "ok"))
        .route("/extension", get(async |_: Extension<u8>| "ok"))
        .route("/paths/{one}", get(async |_: Path<(u8, u8)>| "ok"))
        .route("/no-path", get(async |_: Path<u8>| "ok"))
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
async fn axum_and_tower_http_errors_are_rewritten_to_the_contract_format() {
    let get = async |path: &str| send(&app(), request("GET", path, None, Body::empty())).await;
    let replies = [
        (json_body("/json", "application/json", "[").await, 400, "invalid_request"),
        (json_body("/json", "application/json", "{}").await, 422, "invalid_body"),
        (json_body("/json", "text/plain", "[]").await, 415, "unsupported_media_type"),
        (json_body("/bytes", "text/plain", "x".repeat(101)).await, 413, "payload_too_large"),
        (json_body("/form", "text/plain", "a=1").await, 415, "unsupported_media_type"),
        (json_body("/form", "application/x-www-form-urlencoded", "a=x").await, 422, "invalid_body"),
        (json_body("/text", "text/plain", &b"\xff"[..]).await, 400, "invalid_request"),
        (get("/extension").await, 500, "internal"),
        (get("/paths/1").await, 500, "internal"),
        (get("/no-path").await, 500, "internal"),
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
async fn empty_error_response_gets_a_code_for_known_statuses_only() {
    for (status, code) in [
        (400, "invalid_request"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (408, "request_timeout"),
        (413, "payload_too_large"),
        (415, "unsupported_media_type"),
        (422, "invalid_body"),
        (500, "internal"),
        (504, "internal"),
    ] {
        let path = format!("/status/{status}");
        let reply = send(&app(), request("GET", &path, None, Body::empty())).await;
        assert_eq!(reply.said(), (status, code));
        for name in ["retry-after", "www-authenticate"] {
            assert_eq!(reply.header(name), None, "{status}: {name}");
        }
        assert_eq!(reply.body["request_id"].is_string(), code == "internal", "{status}");
    }
    // The application defines the meaning of these statuses. The layer therefore adds nothing to
    // them.
    for status in [401, 402, 403, 406, 409, 418, 421, 429, 431, 451, 501, 502, 503] {
        let path = format!("/status/{status}");
        let reply = send(&app(), request("GET", &path, None, Body::empty())).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""));
        for name in ["retry-after", "www-authenticate", "content-type"] {
            assert_eq!(reply.header(name), None, "{status}: {name}");
        }
    }
    for status in [200, 204, 304] {
        let path = format!("/status/{status}");
        let reply = send(&app(), request("GET", &path, None, Body::empty())).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""));
    }
}

#[tokio::test(start_paused = true)]
async fn internal_error_returns_a_logged_request_id_and_hides_its_cause() {
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
    through_for("GET", response).await
}

async fn through_for(method: &str, response: Response<String>) -> Response<String> {
    let mut response = Some(response);
    let service =
        ServiceBuilder::new().layer(ContractErrorsLayer::new()).service_fn(move |_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(response.take().unwrap()))
        });
    service.oneshot(Request::builder().method(method).body(()).unwrap()).await.unwrap()
}

const TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");

#[tokio::test]
async fn text_is_rewritten_up_to_64_kib_and_only_with_a_known_prefix() {
    let known = "Failed to deserialize form";
    let longest = format!("{known}{}", "x".repeat(64 * 1024 - known.len()));
    for (words, is_known) in [
        (longest.clone(), true),
        (longest + "x", false),
        (format!("{known}: x"), true),
        (format!("the shop said: {known}"), false),
        (format!(" {known}"), false),
    ] {
        let response = through(answer(400, &[TEXT], &words)).await;
        let is_changed = response.headers()["content-type"] == "application/json";
        assert_eq!(is_changed, is_known, "{words:.60}");
        assert_eq!(*response.body() != words, is_known, "{words:.60}");
    }
}

#[tokio::test]
async fn head_response_is_rewritten_exactly_when_the_get_response_is() {
    let words = "no such shop";
    for (headers, words, is_changed) in [
        (&[TEXT, ("content-length", "12")][..], words, false),
        (&[TEXT], words, false),
        (&[("content-length", "12")], words, false),
        (&[TEXT, ("content-length", "0")], "", true),
        (&[("content-length", "0")], "", true),
        (&[], "", true),
    ] {
        let get = through(answer(404, headers, words)).await;
        let head = through_for("HEAD", answer(404, headers, "")).await;
        for (method, response) in [("GET", get), ("HEAD", head)] {
            let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
            if is_changed {
                let is_json = response.headers()["content-type"] == "application/json";
                assert!(is_json && !names.contains(&"content-length"), "{method} {headers:?}");
            } else {
                let before: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
                assert_eq!(names, before, "{method} {headers:?}");
            }
        }
    }
    // The same test with the responses that axum itself creates for HEAD.
    let shop = Router::new().route("/shop", get(async || (StatusCode::NOT_FOUND, "no such shop")));
    let shop = ContractErrorsLayer::new().layer(shop);
    for (path, media_type) in [("/shop", TEXT.1), ("/nowhere", "application/json")] {
        for method in ["GET", "HEAD"] {
            let asked = request(method, path, None, Body::empty());
            let response = shop.clone().oneshot(asked).await.unwrap();
            assert_eq!(response.headers()["content-type"], media_type, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn content_length_is_dropped_when_invalid_utf8_is_replaced() {
    for (sent, length) in [("ä".as_bytes(), Some("2")), (b"\xe4", None)] {
        let service = service_fn(async move |_: Request<()>| {
            let mut response = Response::new(Full::new(Bytes::from_static(sent)));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert("content-type", TEXT.1.parse().unwrap());
            response.headers_mut().insert("content-length", sent.len().into());
            Ok::<_, Infallible>(response)
        });
        let response = ContractErrorsLayer::new().layer(service).oneshot(Request::new(()));
        let (parts, body) = response.await.unwrap().into_parts();
        let told = parts.headers.get("content-length").map(|value| value.to_str().unwrap());
        assert_eq!(told, length, "{sent:?}");
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(body, String::from_utf8_lossy(sent).as_bytes());
    }
}

#[tokio::test]
async fn json_html_and_non_error_responses_are_left_unchanged() {
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
async fn error_responses_of_the_application_are_left_unchanged() {
    let text = [("content-type", "text/plain; charset=utf-8")];
    let challenged = [text[0], ("www-authenticate", "Basic realm=\"x\"")];
    for (status, headers, words) in [
        (403, &text[..], "Cross-origin request detected"),
        (401, &challenged, "who are you?"),
        (400, &text, "the signature of the hook is wrong"),
        (404, &text, "no such shop"),
        (409, &text, "it was changed meanwhile"),
        (413, &text, "the picture is too large"),
        (422, &text, "Failed to do what was asked"),
        (429, &text, "slow down"),
        (500, &text, "the printer is on fire"),
        (503, &text, "back at noon"),
        // The text of an axum error. The headers that axum sends with this text are missing.
        (400, &[("content-type", "text/plain")], "Failed to deserialize form"),
        (400, &[text[0], ("content-encoding", "gzip")], "Failed to deserialize form"),
        (400, &[], "Failed to deserialize form"),
    ] {
        let response = through(answer(status, headers, words)).await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (status, words));
        assert_eq!(response.headers().len(), headers.len(), "{words}");
    }
    // The CSRF layer of tower-http refuses requests with a status and an empty body.
    let app = Router::new().route("/", post(async || "ok"));
    let app = app.layer(CsrfLayer::new()).layer(ContractErrorsLayer::new());
    let mut asked = request("POST", "/", None, Body::empty());
    asked.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    let reply = send(&app, asked).await;
    assert_eq!((reply.status, reply.code()), (403, ""), "{reply:?}");
    assert_eq!(reply.header("www-authenticate"), None);
}

#[tokio::test]
async fn rewrite_keeps_response_headers_and_drops_headers_of_the_old_body() {
    let headers = [
        ("content-type", "TEXT/Plain ; charset=UTF-8"),
        ("content-length", "21"),
        ("etag", "\"x\""),
        ("www-authenticate", "Basic realm=\"x\""),
        ("x-request-id", "7"),
        ("retry-after", "30"),
    ];
    let response = through(answer(413, &headers, "length limit exceeded")).await;
    assert_eq!(response.body(), r#"{"detail":"Body too large","code":"payload_too_large"}"#);
    let headers = response.headers();
    for gone in ["content-length", "etag"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["www-authenticate"], "Basic realm=\"x\"");
    assert_eq!(headers["x-request-id"], "7");
    assert_eq!(headers["retry-after"], "30");
}

/// A text body in pieces, which returns `Pending` before each piece.
struct Pieces(Vec<&'static str>, bool);

impl From<String> for Pieces {
    fn from(text: String) -> Self {
        Self(vec![Box::leak(text.into_boxed_str())], true)
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.1 = !self.1;
        if !self.1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(self.0.remove(0))))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[tokio::test]
async fn error_text_in_several_frames_is_read_whole() {
    let plain = "text/plain; charset=utf-8";
    for (pieces, expected) in [
        (
            vec!["Failed to par", "se the request ", "body as JSON: x"],
            r#"{"detail":"Malformed request","code":"invalid_request"}"#,
        ),
        (vec!["Failed to ", "be of use, ", "ä"], "Failed to be of use, ä"),
    ] {
        let mut body = Some(Pieces(pieces, true));
        let service = service_fn(move |_: Request<()>| {
            let mut response = Response::new(body.take().unwrap());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response.headers_mut().insert("content-type", plain.parse().unwrap());
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let response = ContractErrorsLayer::new().layer(service).oneshot(Request::new(()));
        let body = response.await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(str::from_utf8(&body).unwrap(), expected);
    }
}

#[tokio::test]
async fn layer_wraps_any_service_passes_errors_on_and_catches_panics() {
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

    // The layer returns errors of the service unchanged. If `call` panics, the layer responds with
    // status 500.
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
