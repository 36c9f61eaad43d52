//! JSON bodies, with the contract's answers to those that are none.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::Problem;

/// The largest body, in bytes.
pub(crate) const LIMIT: usize = 16 * 1024;

const SHAPE: &str = "the body is not a JSON object with each field once";

/// A JSON object as body: 415, 413, 400 or 422 when it is not.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
        if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
            return Err(Problem::unsupported_media_type());
        }
        let body =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
                BytesRejection::FailedToBufferBody(failed) if failed.status() == 413 => {
                    Problem::payload_too_large()
                }
                failed if crate::serve::is_timeout(&failed) => Problem::request_timeout(),
                _ => Problem::invalid_request(),
            })?;
        let value = serde_json::from_slice(&body).map_err(|error| match error.classify() {
            Category::Data => Problem::invalid_body(SHAPE),
            Category::Syntax | Category::Eof | Category::Io => Problem::invalid_request(),
        })?;
        // serde would also take an array with the fields in their order.
        if body.trim_ascii_start().starts_with(b"{") {
            Ok(Self(value))
        } else {
            Err(Problem::invalid_body(SHAPE))
        }
    }
}
