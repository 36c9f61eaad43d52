//! The stable error codes, with the HTTP status and the default text of each.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Says in stable words what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemCode)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    InvalidRequest,
    MissingToken,
    InvalidToken,
    TokenExpired,
    SessionExpired,
    SessionRevoked,
    InvalidCredentials,
    AccountInactive,
    InsufficientScope,
    /// Of an application's own routes, behind a guard that asks for a recent or strong login.
    #[expect(dead_code, reason = "part of the contract; no route of this crate answers it")]
    InsufficientUserAuthentication,
    CrossSite,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    SessionLimit,
    PayloadTooLarge,
    UnsupportedMediaType,
    InvalidBody,
    RateLimited,
    Overloaded,
    StoreUnavailable,
    Internal,
}

impl Code {
    /// Returns the HTTP status of this code.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::MissingToken
            | Self::InvalidToken
            | Self::TokenExpired
            | Self::SessionExpired
            | Self::SessionRevoked
            | Self::InvalidCredentials
            | Self::InsufficientUserAuthentication => StatusCode::UNAUTHORIZED,
            Self::AccountInactive | Self::InsufficientScope | Self::CrossSite => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::SessionLimit => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidBody => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the default `detail` text, which is for people.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Malformed request",
            Self::MissingToken => "Not authenticated",
            Self::InvalidToken => "Could not validate credentials",
            Self::TokenExpired => "Token expired",
            Self::SessionExpired => "Session expired, please login again",
            Self::SessionRevoked => "Session was ended",
            Self::InvalidCredentials => "Incorrect user id or password",
            Self::AccountInactive => "Account is not active",
            Self::InsufficientScope => "Not enough permissions",
            Self::InsufficientUserAuthentication => "A more recent or stronger login is required",
            Self::CrossSite => "Cross-site request refused",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "Request timed out",
            Self::SessionLimit => "Too many sessions for this user",
            Self::PayloadTooLarge => "Body too large",
            Self::UnsupportedMediaType => "Expected application/json",
            Self::InvalidBody => "The request does not have the expected shape",
            Self::RateLimited => "Too many attempts",
            Self::Overloaded => "Too busy, try again",
            Self::StoreUnavailable => "Session store unavailable",
            Self::Internal => "Internal error",
        }
    }
}
