//! Why a request was not let in.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::{StoreError, StoreErrorKind};
use crate::reason::EndReason;

/// Why a request was not let in.
///
/// The layer turns it into a response, and puts it into that response's extensions, so that outer layers can count and
/// log reasons. Neither `Display` nor `Debug` holds anything of the token.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    reason: Option<EndReason>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of refusal it is; fit for a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// More than one `Authorization` field: which of them counts would depend on which hop is asked.
    InvalidRequest,
    /// No bearer token.
    MissingToken,
    /// The token is not one of ours: shape, algorithm, signature, issuer, audience, type, a time still to come.
    InvalidToken,
    /// The token is one of ours, and its `exp` has passed.
    TokenExpired,
    /// The token is good, its session has expired or never existed.
    SessionExpired,
    /// The token is good, its session was ended for a reason that is still known.
    SessionRevoked,
    /// The session lives, its user's account is not active.
    AccountInactive,
    /// The session lives and the user's role is not one that may do this.
    InsufficientScope,
    /// The session lives, and this needs a login that is more recent or stronger (RFC 9470).
    InsufficientUserAuthentication,
    /// The store cannot tell: nothing is known about the session, and the client should keep its token and try again.
    StoreUnavailable,
    /// The session lives, and the user directory cannot tell whether the account is active. To clients it is the same
    /// as [`StoreUnavailable`](Self::StoreUnavailable).
    DirectoryUnavailable,
}

impl AuthErrorKind {
    /// The stable code that clients and metrics see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::SessionExpired => "session_expired",
            Self::SessionRevoked => "session_revoked",
            Self::AccountInactive => "account_inactive",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::StoreUnavailable | Self::DirectoryUnavailable => "store_unavailable",
        }
    }

    /// The HTTP status: 400, 401, 403 or 503.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::MissingToken
            | Self::InvalidToken
            | Self::TokenExpired
            | Self::SessionExpired
            | Self::SessionRevoked
            | Self::InsufficientUserAuthentication => StatusCode::UNAUTHORIZED,
            Self::AccountInactive | Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::StoreUnavailable | Self::DirectoryUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl AuthError {
    pub(crate) fn new(kind: AuthErrorKind) -> Self {
        Self { kind, reason: None, source: None }
    }

    pub(crate) fn with_source(
        kind: AuthErrorKind,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { kind, reason: None, source: Some(Arc::new(source)) }
    }

    pub(crate) fn revoked(reason: EndReason) -> Self {
        Self { kind: AuthErrorKind::SessionRevoked, reason: Some(reason), source: None }
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// Why the session was ended: known exactly when the kind is [`SessionRevoked`](AuthErrorKind::SessionRevoked).
    #[must_use]
    pub fn reason(&self) -> Option<EndReason> {
        self.reason
    }

    /// The text for a human that the default response carries.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.kind {
            AuthErrorKind::InvalidRequest => "Malformed request",
            AuthErrorKind::MissingToken => "Not authenticated",
            AuthErrorKind::InvalidToken => "Could not validate credentials",
            AuthErrorKind::TokenExpired => "Token expired",
            AuthErrorKind::SessionExpired => "Session expired, please login again",
            AuthErrorKind::SessionRevoked => match self.reason {
                Some(reason) => return Cow::Owned(format!("Session was ended: {reason}")),
                None => "Session was ended",
            },
            AuthErrorKind::AccountInactive => "Account is not active",
            AuthErrorKind::InsufficientScope => "Not enough permissions",
            AuthErrorKind::InsufficientUserAuthentication => {
                "A more recent or stronger login is required"
            }
            AuthErrorKind::StoreUnavailable | AuthErrorKind::DirectoryUnavailable => {
                "Session store unavailable"
            }
        })
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.reason) {
            (AuthErrorKind::InvalidRequest, _) => f.write_str("more than one authorization header"),
            (AuthErrorKind::MissingToken, _) => f.write_str("no bearer token"),
            (AuthErrorKind::InvalidToken, _) => f.write_str("invalid access token"),
            (AuthErrorKind::TokenExpired, _) => f.write_str("expired access token"),
            (AuthErrorKind::SessionExpired, _) => f.write_str("no live session"),
            (AuthErrorKind::SessionRevoked, Some(reason)) => {
                write!(f, "session was ended: {reason}")
            }
            (AuthErrorKind::SessionRevoked, None) => f.write_str("session was ended"),
            (AuthErrorKind::AccountInactive, _) => f.write_str("account is not active"),
            (AuthErrorKind::InsufficientScope, _) => f.write_str("role is not sufficient"),
            (AuthErrorKind::InsufficientUserAuthentication, _) => {
                f.write_str("login is not recent or strong enough")
            }
            (AuthErrorKind::StoreUnavailable, _) => f.write_str("session cannot be checked"),
            (AuthErrorKind::DirectoryUnavailable, _) => f.write_str("account cannot be checked"),
        }
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// For an application's own answers in the same words. A [`SessionRevoked`](AuthErrorKind::SessionRevoked) made like
/// this has no reason.
impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<StoreError> for AuthError {
    // A record that cannot be read is no session (and nobody can repair it by waiting): 401. All else is 503.
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Unreadable => AuthErrorKind::SessionExpired,
            StoreErrorKind::Unavailable
            | StoreErrorKind::Interrupted
            | StoreErrorKind::WriteRefused
            | StoreErrorKind::Unsupported => AuthErrorKind::StoreUnavailable,
        };
        Self::with_source(kind, error)
    }
}
