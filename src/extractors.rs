//! The session as an argument of an axum handler.
//!
//! ```
//! use tower_session_auth::{Caller, Session};
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

use crate::error::AuthError;
use crate::session::{Session, SessionData};
use crate::steps::attach::{self, Caller};

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut response: Response = self.to_response::<Body>();
        response.extensions_mut().insert(self);
        response
    }
}

/// The session that the layer let in. Without one (optional mode) the request is 401 `missing_token`; let in on its token
/// alone, 503; without the layer it is 500, and the log says what is missing.
impl<D: SessionData, St: Send + Sync> FromRequestParts<St> for Session<D> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Self::Rejection> {
        attach::require::<D>(&parts.extensions).cloned()
    }
}

/// Who sent the request, also on a token alone.
impl<D: SessionData, St: Send + Sync> FromRequestParts<St> for Caller<D> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &St) -> Result<Self, Self::Rejection> {
        Self::of(&parts.extensions)
    }
}

/// The same, or `None` if the layer is in optional mode and the request showed no token.
impl<D: SessionData, St: Send + Sync> OptionalFromRequestParts<St> for Caller<D> {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &St,
    ) -> Result<Option<Self>, Self::Rejection> {
        Self::find(&parts.extensions)
    }
}

/// The session, or `None` if the layer is in optional mode and the request showed no token.
impl<D: SessionData, St: Send + Sync> OptionalFromRequestParts<St> for Session<D> {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &St,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(attach::find::<D>(&parts.extensions)?.cloned())
    }
}
