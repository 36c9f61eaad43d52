//! JSON bodies, with the contract's answers to those that are none.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::error::Category;
use tokio::time::timeout;

use super::code::Code;
use super::problem::Problem;

/// The largest body, in bytes.
pub(super) const LIMIT: usize = 16 * 1024;

const SHAPE: &str = "the body is not a JSON object with each field once";

/// A body that says it is JSON: 415, 413, 408 or 400 when there is none.
pub(super) async fn json(
    headers: &HeaderMap,
    body: Body,
    patience: Duration,
) -> Result<Bytes, Problem> {
    if !says_json(headers) {
        return Err(Code::UnsupportedMediaType.into());
    }
    read(body, patience).await
}

/// A body that says it is JSON, or none at all, which need not say anything.
pub(super) async fn json_if_any(
    headers: &HeaderMap,
    body: Body,
    patience: Duration,
) -> Result<Option<Bytes>, Problem> {
    let says_json = says_json(headers);
    if !says_json && body.size_hint().lower() > 0 {
        return Err(Code::UnsupportedMediaType.into());
    }
    let body = read(body, patience).await?;
    match (body.is_empty(), says_json) {
        (true, _) => Ok(None),
        // As some clients write that there is none.
        (false, true) if body.trim_ascii() == b"null" => Ok(None),
        (false, true) => Ok(Some(body)),
        (false, false) => Err(Code::UnsupportedMediaType.into()),
    }
}

/// A body of at most [`LIMIT`] bytes, whatever it says it is; `None` where none can be read.
pub(super) async fn any(body: Body, patience: Duration) -> Option<Bytes> {
    read(body, patience).await.ok()
}

fn says_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

async fn read(body: Body, patience: Duration) -> Result<Bytes, Problem> {
    // One that says how long it is need not be read to be refused.
    if body.size_hint().lower() > LIMIT as u64 {
        return Err(Code::PayloadTooLarge.into());
    }
    match timeout(patience, Limited::new(body, LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(unreadable(&*error)),
        Err(_) => Err(Code::RequestTimeout.into()),
    }
}

/// Also when an outer layer has a smaller limit, or less patience.
fn unreadable(error: &(dyn StdError + 'static)) -> Problem {
    let mut link = Some(error);
    while let Some(error) = link {
        if error.is::<LengthLimitError>() {
            return Code::PayloadTooLarge.into();
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return Code::RequestTimeout.into();
        }
        link = error.source();
    }
    Code::InvalidRequest.into()
}

/// A JSON object: 400 or 422 when it is none.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // serde_json does not look into strings that nobody asks for.
    let text = str::from_utf8(body).map_err(|_| Problem::from(Code::InvalidRequest))?;
    let value = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => Problem::invalid_body(SHAPE),
        Category::Syntax | Category::Eof | Category::Io => Code::InvalidRequest.into(),
    })?;
    // serde would also take an array with the fields in their order.
    if body.trim_ascii_start().starts_with(b"{") {
        Ok(value)
    } else {
        Err(Problem::invalid_body(SHAPE))
    }
}
