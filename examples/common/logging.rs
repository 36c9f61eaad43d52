//! The log: requests without their headers, and errors with their causes.

use std::error::Error;
use std::io::IsTerminal as _;
use std::time::Duration;

use http::{Request, Response};
use tower_session_auth::AuthError;
use tracing::Span;
use tracing_subscriber::EnvFilter;

/// Starts the log with the filter of `RUST_LOG`. Default: `info`.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Colors only in a terminal, not in a log that goes to a file or a collector.
    let colours = std::io::stdout().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).init();
}

/// Returns the span of a request: its method, and its path without the query. It holds no header,
/// so no token.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
    tracing::info_span!("request", method = %request.method(), path = short(request.uri().path()))
}

/// Logs one line per request: status, duration, and the code if it was refused.
pub(crate) fn answered<B>(response: &Response<B>, latency: Duration, _: &Span) {
    let refused =
        response.extensions().get::<AuthError>().map(|error| error.kind().code().as_str());
    tracing::info!(status = response.status().as_u16(), refused, ?latency, "answered");
}

/// Cuts text of a client to 200 characters.
fn short(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// Returns the text of an error and of its causes, on one line.
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
