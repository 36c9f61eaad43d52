//! Converts error answers of axum and tower-http to the JSON of the contract.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use bytes::Buf as _;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::Service;
use tower_layer::Layer;

use super::error_response::Problem;

/// Converts error answers of axum and tower-http to `{"detail": …, "code": …}`. A panic of the
/// inner service becomes 500 `internal`.
///
/// The layer converts an answer if both of these conditions hold. The first condition is the
/// status: 400, 404, 405, 408, 413, 415, 422, 500 or 504. The second condition is that the answer
/// is of one of these two kinds:
///
/// - an answer **without a body**, as axum's router and tower-http's timeouts send it;
/// - a `text/plain` answer of at most 64 KiB with **a text of axum's extractors or of tower-http**.
///
/// An answer to a `HEAD` request never has a body, so the layer decides by its headers. It converts
/// the answer in two cases: `Content-Length` is 0, or both `Content-Length` and `Content-Type` are
/// absent. In these two cases the answer to the same request with `GET` has no body either. The
/// layer does not convert any other answer to `HEAD`, because the application may have written the
/// body of the answer to `GET`.
///
/// The layer does not convert any other answer:
/// - A `text/plain` answer with another text: a handler or layer of the application wrote it.
/// - An answer of another type than `text/plain`, such as JSON or HTML: this layer does not read
///   the body.
/// - An answer with another status, such as a 401 or a 403 of an application's own layer: this
///   layer does not know the meaning of such an answer.
///
/// If an error answer of your own should have a code, write it as JSON.
///
/// A converted answer keeps its status and its other headers, such as `Retry-After`. A converted
/// answer with a 5xx status does not tell the client the cause. It has a `request_id`, which is
/// also in the log.
///
/// The layer removes the `Allow` header from every 401 and 403. If a route does not have the method
/// of a request, axum adds this header outside of the layers around the route. The 401 or 403 of
/// such a layer would then tell a client without access which methods the path has.
///
/// The response body can be any body type that implements `From<String>`. The routes of this module
/// already contain this layer. Put it around your whole server as well, directly inside the layer
/// that logs requests. If an answer is successful, the layer only checks its status.
///
/// ```
/// use http::header::{CONTENT_TYPE, HeaderValue};
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_session_auth::routes::ContractErrorsLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // As tower-http's limit for bodies answers.
/// let service = ServiceBuilder::new().layer(ContractErrorsLayer::new()).service(service_fn(async |_: Request<()>| {
///     let mut response = Response::new("length limit exceeded".to_owned());
///     *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
///     response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
///     Ok::<_, std::convert::Infallible>(response)
/// }));
/// let response = service.oneshot(Request::new(())).await?;
/// assert_eq!(response.body(), r#"{"detail":"Body too large","code":"payload_too_large"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ContractErrorsLayer;

impl ContractErrorsLayer {
    /// Creates the layer. It has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for ContractErrorsLayer {
    type Service = ContractErrors<S>;

    fn layer(&self, inner: S) -> ContractErrors<S> {
        ContractErrors { inner }
    }
}

/// A service behind a [`ContractErrorsLayer`].
#[derive(Clone, Copy, Debug)]
pub struct ContractErrors<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ContractErrors<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: HttpBody + From<String>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ContractErrorsFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let is_head = request.method() == Method::HEAD;
        // After a panic, the inner service can be in a bad state. The same is true for a panic that
        // ends a task. This layer has no state that a panic can break.
        let call = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        ContractErrorsFuture { call: call.ok(), is_head, read: None }
    }
}

pin_project! {
    /// The future of a [`ContractErrors`].
    ///
    /// # Cancel safety
    ///
    /// The same as for the future of the inner service.
    #[must_use = "futures do nothing unless polled"]
    pub struct ContractErrorsFuture<F, B> {
        // `None` if the inner service panicked before it returned a future.
        #[pin]
        call: Option<F>,
        is_head: bool,
        // The answer whose text is being read.
        read: Option<Box<PlainText<B>>>,
    }
}

/// A `text/plain` answer. Its text shows whether axum or tower-http wrote it.
struct PlainText<B> {
    parts: Parts,
    body: Pin<Box<B>>,
    text: Vec<u8>,
}

impl<F, B, E> Future for ContractErrorsFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody + From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.read.is_none() {
            let Some(call) = this.call.as_mut().as_pin_mut() else {
                return Poll::Ready(Ok(panicked()));
            };
            match catch_unwind(AssertUnwindSafe(|| call.poll(context))) {
                Err(_) => return Poll::Ready(Ok(panicked())),
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
                Ok(Poll::Ready(Ok(response))) => match judge(response, *this.is_head) {
                    Judged::Answer(response) => return Poll::Ready(Ok(response)),
                    Judged::PlainText(text) => *this.read = Some(text),
                },
            }
        }
        match this.read {
            Some(read) => read.poll(context).map(Ok),
            None => Poll::Pending,
        }
    }
}

impl<F, B> fmt::Debug for ContractErrorsFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContractErrorsFuture").finish_non_exhaustive()
    }
}

impl<B: HttpBody + From<String>> PlainText<B> {
    /// Reads the text. If the text begins like a text of axum or tower-http, converts the answer.
    /// Otherwise returns the answer unchanged.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Response<B>> {
        loop {
            let frame = match self.body.as_mut().poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            match frame.map(|frame| frame.map(|frame| frame.into_data().ok())) {
                Some(Ok(Some(mut data))) => {
                    while data.has_remaining() {
                        let piece = data.chunk();
                        self.text.extend_from_slice(piece);
                        let len = piece.len();
                        data.advance(len);
                    }
                }
                Some(Ok(None)) => {}
                // A text that cannot be read cannot be sent to the client either.
                Some(Err(_)) => return Poll::Ready(worded(self.parts.clone())),
                None => break,
            }
        }
        let text = mem::take(&mut self.text);
        let mut parts = self.parts.clone();
        if is_known(&text) {
            return Poll::Ready(worded(parts));
        }
        let text = String::from_utf8(text).unwrap_or_else(|error| {
            // Replacement characters change the text, so these headers no longer describe it.
            for name in [CONTENT_LENGTH, ETAG] {
                parts.headers.remove(name);
            }
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        Poll::Ready(Response::from_parts(parts, text.into()))
    }
}

/// Returns 500 `internal`. The panic hook has already logged the message of the panic.
fn panicked<B: From<String>>() -> Response<B> {
    let mut response = Problem::internal_because("a handler panicked").to_response();
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Maximum length, in bytes, of a text that the layer reads to find out which component wrote it. A
/// text of axum can be long, because it can quote what the client sent.
const MAX_TEXT: u64 = 64 * 1024;

/// The first decision about an answer: the answer is final, or its text must be read first.
enum Judged<B> {
    Answer(Response<B>),
    PlainText(Box<PlainText<B>>),
}

/// Decides about an answer by its status and headers. Converts an answer without a body. Returns a
/// plain text answer as [`Judged::PlainText`], because its text must be read first. Returns any
/// other answer unchanged, except that a 401 or a 403 loses its `Allow` header.
fn judge<B: HttpBody + From<String>>(mut response: Response<B>, is_head: bool) -> Judged<B> {
    let status = response.status();
    // axum adds `Allow` outside of the layers around a route. In a 401 or a 403 of such a layer,
    // `Allow` would tell a client without access which methods the path has.
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        response.headers_mut().remove(ALLOW);
    }
    if !may_be_known(status) {
        return Judged::Answer(response);
    }
    let size = response.body().size_hint().exact();
    let has_body = size != Some(0) && !response.body().is_end_stream();
    let is_empty = !has_body && (!is_head || get_is_empty(response.headers()));
    if is_empty && is_plain(response.headers()) {
        return Judged::Answer(worded(response.into_parts().0));
    }
    if is_text(response.headers()) && size.is_some_and(|length| length <= MAX_TEXT) {
        let (parts, body) = response.into_parts();
        let (body, text) = (Box::pin(body), Vec::new());
        return Judged::PlainText(Box::new(PlainText { parts, body, text }));
    }
    Judged::Answer(response)
}

/// Returns whether axum's router, its extractors, a timeout or a panic uses this status. Each such
/// status has exactly one code.
fn may_be_known(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The beginnings of the texts of axum's rejections and of tower-http's answers. A test compares
/// those texts that it can make axum and tower-http send.
const KNOWN_TEXTS: [&str; 28] = [
    "Failed to parse the request body as JSON",
    "Failed to deserialize the JSON body into the target type",
    "Expected request with `Content-Type: application/json`",
    "Failed to buffer the request body",
    "Request body didn't contain valid UTF-8",
    "Form requests must have `Content-Type: application/x-www-form-urlencoded`",
    "Failed to deserialize form",
    "Failed to deserialize query string",
    "Invalid URL: ",
    "Invalid UTF-8 in `",
    "Wrong number of path arguments",
    "Unsupported type `",
    "No paths parameters found for matched route",
    "No matched path found",
    "The matched route is not nested",
    "Missing request extension",
    "Header of type `",
    "Invalid `boundary` for `multipart/form-data` request",
    "Error parsing `multipart/form-data` request",
    "Request payload is too large",
    "Request method must be `",
    "Connection header did not include 'upgrade'",
    "`Upgrade` header did not include 'websocket'",
    "`:protocol` pseudo-header did not include 'websocket'",
    "`Sec-WebSocket-",
    "WebSocket request couldn't be upgraded",
    "length limit exceeded",
    "Service panicked",
];

fn is_known(text: &[u8]) -> bool {
    KNOWN_TEXTS.iter().any(|known| text.starts_with(known.as_bytes()))
}

/// Returns the same answer with the JSON of the contract as its body.
fn worded<B: From<String>>(mut parts: Parts) -> Response<B> {
    let (problem, body) = Problem::of_status(parts.status).to_response().into_parts();
    for name in [
        CONTENT_TYPE,
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        CONTENT_RANGE,
        TRANSFER_ENCODING,
        ETAG,
        LAST_MODIFIED,
    ] {
        parts.headers.remove(name);
    }
    for name in [CONTENT_TYPE, CACHE_CONTROL] {
        if let Some(value) = problem.headers.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    parts.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Response::from_parts(parts, body)
}

/// Returns whether the answer to the same request with `GET` has no body. The function decides by
/// the headers of the answer to `HEAD`.
fn get_is_empty(headers: &HeaderMap) -> bool {
    match headers.get(CONTENT_LENGTH) {
        Some(length) => length.as_bytes() == b"0",
        None => !headers.contains_key(CONTENT_TYPE),
    }
}

/// Returns whether an answer has no `Content-Type`, or is plain text.
fn is_plain(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/plain")
}

/// Returns whether an answer is plain text as axum and tower-http write it: in UTF-8, and not
/// compressed.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let mut parameters =
        value.as_bytes().split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
    is_plain(headers)
        && parameters.any(|parameter| parameter.eq_ignore_ascii_case(b"charset=utf-8"))
        && !headers.contains_key(CONTENT_ENCODING)
}
