//! Why a request was rejected.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::{ErrorCode, StepUp, StoreError, StoreErrorKind};
use crate::reason::RevokeReason;

/// Why a request was rejected.
///
/// The layer turns the error into a response, and puts it into the extensions of that response, so
/// that outer layers can count and log the reasons. Neither `Display` nor `Debug` shows any part of
/// the token.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    reason: Option<RevokeReason>,
    step_up: Option<Arc<StepUp>>,
    request_id: Option<Arc<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of a rejection. Suitable as a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The request carries more than one token, such as two `Authorization` fields, or two cookies
    /// with the same name. The layer does not choose one of the tokens, because a proxy in front of
    /// the layer could choose a different one.
    InvalidRequest,
    /// The request carries no token.
    MissingToken,
    /// The token is invalid: its shape, algorithm, signature, type, issuer or audience is wrong, or
    /// its `nbf` or `iat` is in the future.
    InvalidToken,
    /// The token is valid, except that its `exp` has passed.
    TokenExpired,
    /// The token is valid, but its session has expired or never existed.
    SessionExpired,
    /// The token is valid, but its session was revoked, and the store still knows the reason.
    SessionRevoked,
    /// The session is live, but the user's account is not active. The status is 403, because a new
    /// login does not help.
    AccountInactive,
    /// A browser sent the request on behalf of a page of another origin. A
    /// [`SameOriginLayer`](crate::same_origin::SameOriginLayer) rejected the request.
    CrossSite,
    /// The session is live, but the user's role does not permit the request. A
    /// [`RequireRole`](crate::middleware::guards::RequireRole) rejected the request.
    InsufficientScope,
    /// The session is live, but the request needs a more recent or a stronger login (RFC 9470).
    /// [`AuthError::step_up`] returns the required login.
    InsufficientUserAuthentication,
    /// The store cannot answer, so the library does not know whether the session is live. The
    /// client should keep its token and try again.
    StoreUnavailable,
    /// The request reached its deadline. Before that, it waited for calls of other requests, or for
    /// several slow answers. The library knows neither whether the session is live nor whether the
    /// store is available. The client should keep its token and try again.
    Overloaded,
    /// The session is live, but the user directory gave no usable answer, so the library does not
    /// know whether the account is active. Clients get the same response as for
    /// [`StoreUnavailable`](Self::StoreUnavailable).
    DirectoryUnavailable,
    /// The refresh token is valid, but the server could not make the next tokens. This is an error
    /// of the server. The log contains its cause.
    Unsigned,
    /// A guard or a handler needs a session, but no layer has checked the request. The guard or the
    /// handler must be inside a [`SessionAuthLayer`](crate::SessionAuthLayer) with the same data
    /// type. This is an error of the application, not of the client.
    NoLayer,
}

impl AuthErrorKind {
    /// Returns the stable code that clients and metrics see.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::InvalidRequest => ErrorCode::InvalidRequest,
            Self::MissingToken => ErrorCode::MissingToken,
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::TokenExpired => ErrorCode::TokenExpired,
            Self::SessionExpired => ErrorCode::SessionExpired,
            Self::SessionRevoked => ErrorCode::SessionRevoked,
            Self::AccountInactive => ErrorCode::AccountInactive,
            Self::CrossSite => ErrorCode::CrossSite,
            Self::InsufficientScope => ErrorCode::InsufficientScope,
            Self::InsufficientUserAuthentication => ErrorCode::InsufficientUserAuthentication,
            Self::StoreUnavailable | Self::DirectoryUnavailable => ErrorCode::StoreUnavailable,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::Unsigned | Self::NoLayer => ErrorCode::Internal,
        }
    }

    /// Returns the HTTP status: 400, 401, 403, 500 or 503.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.code().status()
    }

    /// Returns whether the token is valid, but its session has expired or was revoked.
    pub(crate) const fn is_of_ended_session(self) -> bool {
        matches!(self, Self::SessionExpired | Self::SessionRevoked)
    }
}

impl AuthError {
    pub(crate) fn new(kind: AuthErrorKind) -> Self {
        Self { kind, reason: None, step_up: None, request_id: None, source: None }
    }

    pub(crate) fn with_source(
        kind: AuthErrorKind,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::new(kind) }
    }

    pub(crate) fn revoked(reason: RevokeReason) -> Self {
        Self { reason: Some(reason), ..Self::new(AuthErrorKind::SessionRevoked) }
    }

    pub(crate) fn needs(step_up: StepUp) -> Self {
        let kind = AuthErrorKind::InsufficientUserAuthentication;
        Self { step_up: Some(Arc::new(step_up)), ..Self::new(kind) }
    }

    pub(crate) fn no_layer(request_id: String) -> Self {
        Self { request_id: Some(request_id.into()), ..Self::new(AuthErrorKind::NoLayer) }
    }

    pub(crate) fn unsigned(request_id: String) -> Self {
        Self { request_id: Some(request_id.into()), ..Self::new(AuthErrorKind::Unsigned) }
    }

    /// Returns the kind of the rejection.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// Returns the reason of the revocation. Only an error of the kind
    /// [`SessionRevoked`](AuthErrorKind::SessionRevoked) has a reason.
    #[must_use]
    pub fn reason(&self) -> Option<RevokeReason> {
        self.reason
    }

    /// Returns the login that the guard requires. Only an error of the kind
    /// [`InsufficientUserAuthentication`](AuthErrorKind::InsufficientUserAuthentication) has such a
    /// requirement.
    #[must_use]
    pub fn step_up(&self) -> Option<&StepUp> {
        self.step_up.as_deref()
    }

    /// Returns the id of this rejection in the log. Only an error of the kind
    /// [`Unsigned`](AuthErrorKind::Unsigned) or [`NoLayer`](AuthErrorKind::NoLayer) has an id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the text for humans in the default response.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        match self.reason {
            Some(reason) => Cow::Owned(format!("{}: {reason}", self.kind.code().detail())),
            None => Cow::Borrowed(self.kind.code().detail()),
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.reason) {
            (AuthErrorKind::InvalidRequest, _) => f.write_str("more than one token"),
            (AuthErrorKind::MissingToken, _) => f.write_str("no token"),
            (AuthErrorKind::InvalidToken, _) => f.write_str("invalid token"),
            (AuthErrorKind::TokenExpired, _) => f.write_str("expired access token"),
            (AuthErrorKind::SessionExpired, _) => f.write_str("no live session"),
            (AuthErrorKind::SessionRevoked, Some(reason)) => {
                write!(f, "session was revoked: {reason}")
            }
            (AuthErrorKind::SessionRevoked, None) => f.write_str("session was revoked"),
            (AuthErrorKind::AccountInactive, _) => f.write_str("account is not active"),
            (AuthErrorKind::CrossSite, _) => f.write_str("cross-site request"),
            (AuthErrorKind::InsufficientScope, _) => f.write_str("role is not sufficient"),
            (AuthErrorKind::InsufficientUserAuthentication, _) => {
                f.write_str("login is not recent or strong enough")
            }
            (AuthErrorKind::StoreUnavailable, _) => f.write_str("session cannot be checked"),
            (AuthErrorKind::Overloaded, _) => f.write_str("session was not checked in time"),
            (AuthErrorKind::DirectoryUnavailable, _) => f.write_str("account cannot be checked"),
            (AuthErrorKind::Unsigned, _) => f.write_str("new tokens cannot be issued"),
            (AuthErrorKind::NoLayer, _) => f.write_str("no layer has checked the request"),
        }
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .field("step_up", &self.step_up)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Makes an error for an application's own responses. The error has only a kind: it has no reason
/// and no [`StepUp`].
impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<StoreError> for AuthError {
    // A record that cannot be read is treated as a missing session (401). A 503 would tell the
    // client to wait, but waiting does not repair the record. All other kinds of store errors
    // become 503.
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Unreadable => AuthErrorKind::SessionExpired,
            StoreErrorKind::Unavailable
            | StoreErrorKind::Interrupted
            | StoreErrorKind::NotPrimary
            | StoreErrorKind::WriteRefused
            | StoreErrorKind::Unsupported => AuthErrorKind::StoreUnavailable,
        };
        Self::with_source(kind, error)
    }
}
