//! Extractors: a session or a caller as an argument of an axum handler.
//!
//! ```
//! use tower_session_auth::auth_layer::Caller;
//! use tower_session_auth::Session;
//!
//! async fn required(session: Session) -> String {
//!     format!("hello {}", session.user_id())
//! }
//!
//! async fn optional(session: Option<Session>) -> &'static str {
//!     if session.is_some() { "hello again" } else { "hello stranger" }
//! }
//!
//! // On a route whose layer has `FailurePolicy::TokenOnly`:
//! async fn also_during_an_outage(caller: Caller) -> String {
//!     format!("hello {}", caller.user_id())
//! }
//! # let _ = (required, optional, also_during_an_outage);
//! ```

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::cache::Session;
use crate::error::AuthError;
use crate::middleware::attach::{self, Caller};
use crate::session::SessionData;

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut response: Response = self.to_response::<Body>();
        response.extensions_mut().insert(self);
        response
    }
}

/// Extracts the session of a request that the layer let pass.
///
/// Rejects these requests:
///
/// - a request without a session (optional mode): 401 `missing_token`;
/// - a request that passed on its valid token alone
///   ([`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly)): 503;
/// - every request if no layer is around the route: 500, and the log names the missing layer.
impl<D: SessionData, St: Send + Sync> FromRequestParts<St> for Session<D> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Self::Rejection> {
        attach::require::<D>(&parts.extensions).cloned()
    }
}

/// Extracts the caller. This also works for a request that passed on its valid token alone.
impl<D: SessionData, St: Send + Sync> FromRequestParts<St> for Caller<D> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Self::Rejection> {
        Self::of(&parts.extensions)
    }
}

/// Extracts the caller. The result is `None` if the layer is in optional mode and the request
/// passed without a session.
impl<D: SessionData, St: Send + Sync> OptionalFromRequestParts<St> for Caller<D> {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &St,
    ) -> Result<Option<Self>, Self::Rejection> {
        Self::find(&parts.extensions)
    }
}

/// Extracts the session. The result is `None` if the layer is in optional mode and the request
/// passed without a session. The extractor answers 503 if the request passed on its valid token
/// alone, and 500 if no layer is around the route.
impl<D: SessionData, St: Send + Sync> OptionalFromRequestParts<St> for Session<D> {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &St,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(attach::find::<D>(&parts.extensions)?.cloned())
    }
}
