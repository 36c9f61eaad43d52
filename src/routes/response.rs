//! Builds JSON responses from response body types.

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::error_response::Problem;

/// The result of a handler.
pub(super) type Answer = Result<Response, Problem>;

/// Returns 200 with this body.
pub(super) fn ok(shape: &impl Serialize) -> Answer {
    json(StatusCode::OK, shape)
}

/// Returns this status with this body as JSON. Fails with 500 `internal` if the body cannot be
/// serialized.
pub(super) fn json(status: StatusCode, shape: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(shape).map_err(|error| Problem::internal(&error))?;
    let mut response = (status, body).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// Forbids caches to store the answer, and browsers to guess its type.
pub(super) fn seal(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
