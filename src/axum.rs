//! The session as an argument of an axum handler.
//!
//! ```
//! use tower_session_auth::Session;
//!
//! async fn required(session: Session) -> String {
//!     format!("hello {}", session.user_id())
//! }
//!
//! async fn optional(session: Option<Session>) -> &'static str {
//!     if session.is_some() { "hello again" } else { "hello stranger" }
//! }
//! # let _ = (required, optional);
//! ```

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::error::{AuthError, AuthErrorKind};
use crate::id::random_text;
use crate::session::{Session, SessionData};
use crate::steps::attach::Anonymous;
use crate::trace;

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut response: Response = self.to_response::<Body>();
        response.extensions_mut().insert(self);
        response
    }
}

/// Why there is no session for a handler.
#[derive(Debug)]
pub struct SessionRejection(Reason);

#[derive(Debug)]
enum Reason {
    /// The layer is in optional mode, and this request showed no token.
    Anonymous,
    /// No layer with this `D` has seen the request: 500, with the id that the log has too.
    NoLayer { request_id: String },
}

impl SessionRejection {
    fn no_layer<D>() -> Self {
        let request_id = random_text::<9>().unwrap_or_default();
        trace::error!(
            "a handler asks for a session that no layer has checked: put `SessionAuthLayer` (with the same data type) \
             around this route",
            data_type = std::any::type_name::<D>(),
            request_id = request_id,
        );
        Self(Reason::NoLayer { request_id })
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self.0 {
            Reason::Anonymous => AuthError::new(AuthErrorKind::MissingToken).into_response(),
            Reason::NoLayer { request_id } => {
                let body = format!(
                    r#"{{"detail":"Internal error","code":"internal","request_id":"{request_id}"}}"#
                );
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
        }
    }
}

/// The session that the layer let in. Without one (optional mode) the request is 401 `missing_token`; without the layer
/// it is 500, and the log says what is missing.
impl<D: SessionData, St: Send + Sync> FromRequestParts<St> for Session<D> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Self::Rejection> {
        <Self as OptionalFromRequestParts<St>>::from_request_parts(parts, state)
            .await?
            .ok_or(SessionRejection(Reason::Anonymous))
    }
}

/// The session, if the layer is in optional mode and the request showed no token.
impl<D: SessionData, St: Send + Sync> OptionalFromRequestParts<St> for Session<D> {
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &St,
    ) -> Result<Option<Self>, Self::Rejection> {
        match (parts.extensions.get::<Self>(), parts.extensions.get::<Anonymous>()) {
            (Some(session), _) => Ok(Some(session.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => Err(SessionRejection::no_layer::<D>()),
        }
    }
}
