//! Error answers: `{"detail": …, "code": …}`.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use utoipa::openapi::schema::{AdditionalProperties, Schema, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{AuthError, AuthErrorKind, ErrorBody, ErrorCode, SessionError, StoreErrorKind};
use crate::id::random_text;
use crate::reason::RevokeReason;
use crate::trace;

/// An error answer of the contract.
#[derive(Debug)]
pub(super) enum Problem {
    /// The answer that the layer gives to this error.
    Auth(AuthError),
    /// An answer that only these routes give.
    Plain { status: StatusCode, code: ErrorCode, detail: Cow<'static, str> },
    /// Too many attempts. The client may try again after `retry_after` seconds.
    RateLimited { retry_after: u64 },
    /// An internal error. The client gets only an id. The log has the cause under this id.
    Internal { status: StatusCode, request_id: String },
}

impl PartialSchema for ErrorBody<'_> {
    fn schema() -> RefOr<Schema> {
        let reasons = RevokeReason::ALL.iter().map(|reason| reason.as_str());
        let reason = text("The reason of the revocation. Only with `session_revoked`.")
            .enum_values(Some(reasons));
        let body = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .description(Some("An error answer."))
            .property("detail", text("What is wrong, as a text for people. Not stable."))
            .required("detail")
            .property("code", Ref::from_schema_name(ErrorCode::name()))
            .required("code")
            .property("reason", reason)
            .property(
                "request_id",
                text("The id under which the server's log has the cause. Only with `internal`."),
            )
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        RefOr::T(body.into())
    }
}

impl ToSchema for ErrorBody<'_> {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ErrorCode::name().into_owned(), ErrorCode::schema()));
    }
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let codes = Self::ALL.iter().map(|code| code.as_str());
        RefOr::T(text("The stable code of the error.").enum_values(Some(codes)).into())
    }
}

impl ToSchema for ErrorCode {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(description))
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::Plain { status: code.status(), code, detail: Cow::Borrowed(code.detail()) }
    }
}

impl Problem {
    /// Returns 422 `invalid_body` with this text. The text must not quote a secret.
    pub(super) fn invalid_body(detail: impl Into<Cow<'static, str>>) -> Self {
        let code = ErrorCode::InvalidBody;
        Self::Plain { status: code.status(), code, detail: detail.into() }
    }

    /// Returns the answer that the layer gives to an error of this kind.
    pub(super) fn auth(kind: AuthErrorKind) -> Self {
        Self::Auth(AuthError::from(kind))
    }

    /// Returns 429 with the wait, rounded up to whole seconds and at least 1. A client that waits
    /// this long does not have to wait again.
    pub(super) fn rate_limited(wait: Duration) -> Self {
        // A custom store may return any duration.
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        Self::RateLimited { retry_after: retry_after.max(1) }
    }

    pub(super) fn is_rate_limited(&self) -> bool {
        matches!(self, Self::RateLimited { .. })
    }

    /// Returns the problem for an error status that an extractor, the router or a timeout has set.
    /// The status stays the same.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => ErrorCode::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => ErrorCode::InvalidBody,
            status if status.is_server_error() => return Self::failed(status, status),
            _ => ErrorCode::InvalidRequest,
        };
        Self::Plain { status, code, detail: Cow::Borrowed(code.detail()) }
    }

    /// Returns 503 `store_unavailable` for a failure of the application's
    /// [`Credentials`](super::Credentials). Logs the error.
    pub(super) fn unavailable(error: &(dyn StdError + 'static)) -> Self {
        trace::warn!("cannot check the credentials of a login", error = trace::Chain(error));
        Self::auth(AuthErrorKind::StoreUnavailable)
    }

    /// Returns 500 `internal`. Logs the error.
    pub(super) fn internal(error: &(dyn StdError + 'static)) -> Self {
        Self::internal_because(trace::Chain(error))
    }

    /// Returns 500 `internal`. Logs `what`, which the client never sees.
    pub(super) fn internal_because(what: impl fmt::Display) -> Self {
        Self::failed(StatusCode::INTERNAL_SERVER_ERROR, what)
    }

    fn failed(status: StatusCode, what: impl fmt::Display) -> Self {
        // If no random bytes are available, the answer has an empty id, but it is still sent.
        let request_id = random_text::<9>().unwrap_or_default();
        trace::error!("internal error", request_id = request_id, error = what);
        Self::Internal { status, request_id }
    }

    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::Auth(error) => error.kind().code(),
            Self::Plain { code, .. } => *code,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Auth(error) => error.kind().status(),
            Self::Plain { status, .. } | Self::Internal { status, .. } => *status,
            Self::RateLimited { .. } => ErrorCode::RateLimited.status(),
        }
    }

    /// Makes the response: body, status, and the headers of the status.
    pub(super) fn to_response<B: From<String>>(&self) -> http::Response<B> {
        let (status, code) = (self.status(), self.code());
        let (detail, request_id) = match self {
            Self::Auth(error) => {
                let mut response = error.to_response();
                response.extensions_mut().insert(error.clone());
                return response;
            }
            Self::Plain { detail, .. } => (detail.as_ref(), None),
            Self::RateLimited { .. } => (code.detail(), None),
            Self::Internal { request_id, .. } => (code.detail(), Some(request_id.as_str())),
        };
        let mut response = ErrorBody { detail, code, reason: None, request_id }.to_response(status);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            // The challenge has no `error` attribute (RFC 6750), because a client with a wrong
            // password sent no token.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::RateLimited { retry_after } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response()
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

/// Converts the error of a manager operation, which nearly always comes from the store.
impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            // 500 and not 503: a later try cannot read the record either.
            SessionError::Store(error) if error.kind() == StoreErrorKind::Unreadable => {
                Self::internal(&error)
            }
            SessionError::Store(error) => {
                trace::warn!(
                    "an operation of the session store failed",
                    error = trace::Chain(&error)
                );
                Self::Auth(AuthError::from(error))
            }
            SessionError::Directory(error) => {
                trace::warn!(
                    "the user directory gave no usable answer",
                    error = trace::Chain(&error)
                );
                Self::auth(AuthErrorKind::DirectoryUnavailable)
            }
            SessionError::AccountInactive => Self::auth(AuthErrorKind::AccountInactive),
            SessionError::Gone => Self::auth(AuthErrorKind::SessionExpired),
            SessionError::Cursor => Self::invalid_body("`cursor` is not one of this list's"),
            SessionError::LimitReached => ErrorCode::SessionLimit.into(),
            SessionError::LoginSuperseded => ErrorCode::InvalidCredentials.into(),
            SessionError::Contended => ErrorCode::Overloaded.into(),
            error => Self::internal(&error),
        }
    }
}
