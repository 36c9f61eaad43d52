//! Every answer that is not the one asked for: `{"detail": …, "code": …}`.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tower_session_auth::{AuthError, AuthErrorKind, SessionError};

use crate::logging;

/// An answer in the contract's words.
#[derive(Debug)]
pub(crate) struct Problem(Box<Kind>);

#[derive(Debug)]
enum Kind {
    /// The library's own answer.
    Auth(AuthError),
    /// One of this server.
    Plain { status: StatusCode, code: &'static str, detail: String, request_id: Option<String> },
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Kind::Plain { status, code, detail: detail.into(), request_id: None }))
    }

    pub(crate) fn from_auth_error(error: AuthError) -> Self {
        Self(Box::new(Kind::Auth(error)))
    }

    pub(crate) fn auth(kind: AuthErrorKind) -> Self {
        Self::from_auth_error(AuthError::from(kind))
    }

    pub(crate) fn invalid_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", "Malformed request")
    }

    pub(crate) fn invalid_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
    }

    pub(crate) fn invalid_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", "Incorrect user id or password")
    }

    pub(crate) fn account_inactive() -> Self {
        Self::new(StatusCode::FORBIDDEN, "account_inactive", "Account is not active")
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Expected application/json",
        )
    }

    pub(crate) fn payload_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Body too large")
    }

    pub(crate) fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request timed out")
    }

    pub(crate) fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy, try again")
    }

    /// A verb of the manager that failed: nearly always the store.
    pub(crate) fn from_session_error(error: &SessionError) -> Self {
        match error {
            SessionError::Store(error) => {
                tracing::warn!(error = logging::chain(error), "the session store did not do it");
                Self::auth(AuthErrorKind::StoreUnavailable)
            }
            error => Self::internal(error),
        }
    }

    /// Tells the client nothing but an id, which the log has too.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self::internal_for(&logging::chain(error))
    }

    pub(crate) fn internal_for(what: &str) -> Self {
        let request_id = logging::request_id();
        tracing::error!(request_id, error = what, "internal error");
        Self(Box::new(Kind::Plain {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            detail: "Internal error".to_owned(),
            request_id: Some(request_id),
        }))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, detail, request_id) = match *self.0 {
            Kind::Auth(error) => return error.into_response(),
            Kind::Plain { status, code, detail, request_id } => (status, code, detail, request_id),
        };
        let body = Body { detail: &detail, code, request_id: request_id.as_deref() };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // Who got the password wrong showed no token.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

pub(crate) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found")
}

/// What a handler's panic is to its client.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The panic's own message is in the log already, where the panic hook put it.
    Problem::internal_for("a handler panicked").into_response()
}

/// axum adds `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
}

/// Whatever a library below answers in words of its own is said again in the contract's.
pub(crate) async fn in_the_contracts_words(response: Response) -> Response {
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    let status = response.status();
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match status {
        StatusCode::NOT_FOUND => not_found().await,
        StatusCode::REQUEST_TIMEOUT => Problem::request_timeout(),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::payload_too_large(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::unsupported_media_type(),
        StatusCode::SERVICE_UNAVAILABLE => Problem::overloaded(),
        status if status.is_client_error() => Problem::invalid_request(),
        status => Problem::internal_for(status.as_str()),
    }
    .into_response()
}
