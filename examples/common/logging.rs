//! The log: requests without their headers, and errors with all that is behind them.

use std::error::Error;
use std::io::IsTerminal as _;
use std::time::Duration;

use http::{Request, Response};
use tower_session_auth::AuthError;
use tracing::Span;
use tracing_subscriber::EnvFilter;

/// `RUST_LOG`, or `info`.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for people: a log that goes to a file or a collector has none.
    let colours = std::io::stdout().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).init();
}

/// One span a request: method, and path without its query. No header, so no token.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
    tracing::info_span!("request", method = %request.method(), path = short(request.uri().path()))
}

/// One line a request: status, time, and why it was refused.
pub(crate) fn answered<B>(response: &Response<B>, latency: Duration, _: &Span) {
    let refused = response.extensions().get::<AuthError>().map(|error| error.kind().code());
    tracing::info!(status = response.status().as_u16(), refused, ?latency, "answered");
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
