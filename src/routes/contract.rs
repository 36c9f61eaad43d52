//! Whatever a library below answers in words of its own, in the contract's.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::Service;
use tower_layer::Layer;

use super::problem::Problem;

/// Says errors that the services inside answer with nothing, or as `text/plain`, as `{"detail": …, "code": …}`; a panic
/// is 500 `internal`.
///
/// axum's extractors, its 404 and 405, and tower-http's time-outs and limits answer like that. The status and other
/// headers (`Allow`, `Retry-After`) stay as they are; what is JSON, HTML or of any other type stays as it is. A 5xx gets
/// a `request_id`, which the log has too, so that nothing of its cause need be told to clients. A 401 or 403 loses its
/// `Allow`.
///
/// For every response body that can be made from a `String`. The routes of this module have it inside; put it around
/// your whole server as well, just inside of the request log.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_session_auth::routes::ContractErrorsLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new().layer(ContractErrorsLayer::new()).service(service_fn(async |_: Request<()>| {
///     let mut response = Response::new("length limit exceeded".to_owned());
///     *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
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
    /// The layer; there is nothing to set.
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
    ResBody: From<String>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ContractErrorsFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // Whatever state a panic left behind, it is the inner service's own, as with every panic in a task.
        let call = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        ContractErrorsFuture { call: call.ok() }
    }
}

pin_project! {
    /// The response of a [`ContractErrors`].
    ///
    /// # Cancel safety
    ///
    /// As the inner service's future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ContractErrorsFuture<F> {
        // `None` where the inner service panicked before there was a future.
        #[pin]
        call: Option<F>,
    }
}

impl<F, ResBody, E> Future for ContractErrorsFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = self.project().call.as_pin_mut() else {
            return Poll::Ready(Ok(panicked()));
        };
        match catch_unwind(AssertUnwindSafe(|| call.poll(context))) {
            Ok(poll) => poll.map_ok(in_the_contracts_words),
            Err(_) => Poll::Ready(Ok(panicked())),
        }
    }
}

/// The panic's own message is in the log already, where the panic hook put it.
fn panicked<B: From<String>>() -> Response<B> {
    let mut response = Problem::internal_because("a handler panicked").to_response();
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn in_the_contracts_words<B: From<String>>(mut response: Response<B>) -> Response<B> {
    let status = response.status();
    // axum adds it outside of the layers around a route: who is not let in would learn what is there.
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        response.headers_mut().remove(ALLOW);
    }
    let error = status.is_client_error() || status.is_server_error();
    if !error || !is_plain(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    drop(body);
    let (problem, body) = Problem::of_status(status).to_response().into_parts();
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
    for name in [WWW_AUTHENTICATE, RETRY_AFTER] {
        if let (Some(value), false) =
            (problem.headers.get(&name), parts.headers.contains_key(&name))
        {
            parts.headers.insert(name, value.clone());
        }
    }
    parts.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Response::from_parts(parts, body)
}

/// Nothing, or text for nobody in particular.
fn is_plain(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/plain")
}
