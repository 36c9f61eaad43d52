//! Reads JSON request bodies, and answers invalid ones as the contract says.

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

use super::error_response::Problem;
use crate::error::ErrorCode;

/// Largest request body, in bytes.
pub(super) const LIMIT: usize = 16 * 1024;

const SHAPE: &str = "the body is not a JSON object with each field once";

/// Reads a body whose `Content-Type` is JSON.
///
/// # Errors
///
/// Returns 415 for another `Content-Type`, and 413 for a body over [`LIMIT`]. Returns 408 if the
/// client takes longer than `patience` to send the body. Returns 400 if the body cannot be read.
pub(super) async fn json(
    headers: &HeaderMap,
    body: Body,
    patience: Duration,
) -> Result<Bytes, Problem> {
    if !says_json(headers) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    read(body, patience).await
}

/// Reads a body that may be absent. An absent body needs no `Content-Type`. Returns `None` for an
/// empty body and for `null`.
///
/// # Errors
///
/// As for [`json`].
pub(super) async fn json_if_any(
    headers: &HeaderMap,
    body: Body,
    patience: Duration,
) -> Result<Option<Bytes>, Problem> {
    let says_json = says_json(headers);
    if !says_json && body.size_hint().lower() > 0 {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    let body = read(body, patience).await?;
    match (body.is_empty(), says_json) {
        (true, _) => Ok(None),
        // Some clients send `null` when they have no body to send.
        (false, true) if body.trim_ascii() == b"null" => Ok(None),
        (false, true) => Ok(Some(body)),
        (false, false) => Err(ErrorCode::UnsupportedMediaType.into()),
    }
}

/// Reads a body of at most [`LIMIT`] bytes with any `Content-Type`. Returns `None` if the body
/// cannot be read, is too large or does not arrive in time.
pub(super) async fn any(body: Body, patience: Duration) -> Option<Bytes> {
    read(body, patience).await.ok()
}

fn says_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

async fn read(body: Body, patience: Duration) -> Result<Bytes, Problem> {
    // A body with a declared length over the limit is refused before it is read.
    if body.size_hint().lower() > LIMIT as u64 {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    match timeout(patience, Limited::new(body, LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(unreadable(&*error)),
        Err(_) => Err(ErrorCode::RequestTimeout.into()),
    }
}

/// Converts a read error to a problem. Also recognizes the errors of an outer layer that has a
/// smaller size limit or a shorter timeout than this function.
fn unreadable(error: &(dyn StdError + 'static)) -> Problem {
    let mut link = Some(error);
    while let Some(error) = link {
        if error.is::<LengthLimitError>() {
            return ErrorCode::PayloadTooLarge.into();
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return ErrorCode::RequestTimeout.into();
        }
        link = error.source();
    }
    ErrorCode::InvalidRequest.into()
}

/// Parses a JSON object.
///
/// # Errors
///
/// 400 if the body is not JSON in UTF-8. 422 if it is not an object with the expected members.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // serde_json does not check the UTF-8 of strings that it skips.
    let text = str::from_utf8(body).map_err(|_| Problem::from(ErrorCode::InvalidRequest))?;
    let value = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => Problem::invalid_body(SHAPE),
        Category::Syntax | Category::Eof | Category::Io => ErrorCode::InvalidRequest.into(),
    })?;
    // serde also accepts an array with the fields in order.
    if body.trim_ascii_start().starts_with(b"{") {
        Ok(value)
    } else {
        Err(Problem::invalid_body(SHAPE))
    }
}
