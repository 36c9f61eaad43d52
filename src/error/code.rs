//! The stable codes of error responses, with the HTTP status and the default text of each.

use std::fmt;

use http::StatusCode;
use serde::{Serialize, Serializer};

/// The code of an error response: its `code` member. Clients decide by this code how to react.
///
/// The layers, the guards and the [routes](crate::routes) use these codes in their responses. An
/// application can use the same codes in its own responses, so that its clients need only one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: the request is malformed, or carries more than one token.
    InvalidRequest,
    /// 401: the request carries no token.
    MissingToken,
    /// 401: the token is not valid.
    InvalidToken,
    /// 401: the `exp` of the access token has passed.
    TokenExpired,
    /// 401: the session has expired or never existed.
    SessionExpired,
    /// 401: the session was revoked. The response has the `reason`.
    SessionRevoked,
    /// 401: the user id or the password of a login is wrong.
    InvalidCredentials,
    /// 403: the account is not active.
    AccountInactive,
    /// 403: the user's role does not permit the request.
    InsufficientScope,
    /// 401: the request needs a more recent or a stronger login (RFC 9470).
    InsufficientUserAuthentication,
    /// 403: a browser sent the request on behalf of a page of another origin.
    CrossSite,
    /// 404: there is no such resource.
    NotFound,
    /// 405: the resource has no such method.
    MethodNotAllowed,
    /// 408: the client sent the request too slowly.
    RequestTimeout,
    /// 409: the user has as many sessions as allowed.
    SessionLimit,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 415: the body is not `application/json`.
    UnsupportedMediaType,
    /// 422: the body does not have the expected shape.
    InvalidBody,
    /// 429: too many attempts. `Retry-After` says when to try again.
    RateLimited,
    /// 503: the request waited too long for other requests.
    Overloaded,
    /// 503: the session store or the user directory cannot answer.
    StoreUnavailable,
    /// 500: an error of the server. The response has the `request_id` of the log entry.
    Internal,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: &'static [Self] = &[
        Self::InvalidRequest,
        Self::MissingToken,
        Self::InvalidToken,
        Self::TokenExpired,
        Self::SessionExpired,
        Self::SessionRevoked,
        Self::InvalidCredentials,
        Self::AccountInactive,
        Self::InsufficientScope,
        Self::InsufficientUserAuthentication,
        Self::CrossSite,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::SessionLimit,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidBody,
        Self::RateLimited,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::Internal,
    ];

    /// Returns the code in stable `snake_case`, as responses and metrics contain it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::SessionExpired => "session_expired",
            Self::SessionRevoked => "session_revoked",
            Self::InvalidCredentials => "invalid_credentials",
            Self::AccountInactive => "account_inactive",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::CrossSite => "cross_site",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::SessionLimit => "session_limit",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::InvalidBody => "invalid_body",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }

    /// Returns the HTTP status of this code.
    #[must_use]
    pub const fn status(self) -> StatusCode {
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

    /// Returns the default `detail` text, which is for people and may change.
    #[must_use]
    pub const fn detail(self) -> &'static str {
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

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn list_of_all_codes_has_no_gap_and_no_text_twice() {
        let texts: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for (at, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, at, "{code} is out of order, or one before it is missing");
        }
        assert_eq!(ErrorCode::ALL.last(), Some(&ErrorCode::Internal), "the last variant");
    }
}
