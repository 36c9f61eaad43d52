//! The log: requests without their headers, and errors with all that is behind them.

use std::error::Error;
use std::io::IsTerminal as _;

use axum::http::{Request, Response};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultOnBodyChunk, DefaultOnEos, DefaultOnRequest, TraceLayer};
use tower_session_auth::{AuthError, SessionId};
use tracing::Span;
use tracing_subscriber::EnvFilter;

/// `RUST_LOG`, or `info`.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for people: a log that goes to a file or a collector has none.
    let colours = std::io::stdout().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).init();
}

type MakeSpan = fn(&Request<axum::body::Body>) -> Span;
type OnResponse = fn(&Response<axum::body::Body>, std::time::Duration, &Span);
type Requests = TraceLayer<
    SharedClassifier<ServerErrorsAsFailures>,
    MakeSpan,
    DefaultOnRequest,
    OnResponse,
    DefaultOnBodyChunk,
    DefaultOnEos,
    (),
>;

/// One line a request: method, path without its query, status, time, and why it was refused. No header, so no token.
pub(crate) fn requests() -> Requests {
    let make_span: MakeSpan = |request| tracing::info_span!("request", method = %request.method(), path = short(request.uri().path()));
    let on_response: OnResponse = |response, latency, _| {
        let refused = response.extensions().get::<AuthError>().map(|error| error.kind().code());
        tracing::info!(status = response.status().as_u16(), refused, ?latency, "answered");
    };
    // A 5xx has its line already.
    TraceLayer::new_for_http().make_span_with(make_span).on_response(on_response).on_failure(())
}

/// What a client sends, cut to what a log line can bear.
fn short(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// An error and what is behind it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut link = error.source();
    while let Some(error) = link {
        text.push_str(": ");
        text.push_str(&error.to_string());
        link = error.source();
    }
    text.escape_debug().to_string()
}

/// An id to find a line in the log by.
pub(crate) fn request_id() -> String {
    SessionId::random().map(|id| id.as_str().to_owned()).unwrap_or_default()
}
