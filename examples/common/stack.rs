//! The layers around a whole server. They do not depend on how its routes are served.

use std::convert::Infallible;
use std::fmt::Display;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_session_auth::routes::ContractErrorsLayer;

use super::logging;
use super::serve::Limits;

/// The headers of responses that do not set them: a browser must not store the response, guess its
/// type, send a referrer, or run anything from it.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// Puts the layers around a server's routes. From the outside to the inside:
///
/// - the log
/// - the headers
/// - the conversion of panics, and of errors of layers and libraries, to the format of the HTTP API
/// - a time limit
pub(crate) fn around<S, B>(
    service: S,
    limits: Limits,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Body<Data = Bytes, Error = impl Into<BoxError>> + Send + 'static>,
    Error = Infallible,
    Future = impl Send,
> + Clone
+ Send
+ 'static
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError> + Display>
        + From<String>
        + Default
        + Send
        + 'static,
{
    let [cache, sniff, referrer, policy] =
        HEADERS.map(|(name, value)| SetResponseHeaderLayer::if_not_present(name, value));
    ServiceBuilder::new()
        .layer(
            // `on_response` logs a 5xx already.
            TraceLayer::new_for_http()
                .make_span_with(logging::span::<Incoming>)
                .on_response(logging::answered)
                .on_failure(()),
        )
        .layer((cache, sniff, referrer, policy))
        .layer(ContractErrorsLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.handler))
        .service(service)
}
