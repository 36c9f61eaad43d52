//! Why a request was not let in.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::{StepUp, StoreError, StoreErrorKind};
use crate::reason::EndReason;

/// Why a request was not let in.
///
/// The layer turns it into a response, and puts it into that response's extensions, so that outer layers can count and
/// log reasons. Neither `Display` nor `Debug` holds anything of the token.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    reason: Option<EndReason>,
    step_up: Option<Arc<StepUp>>,
    request_id: Option<Arc<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of refusal it is; fit for a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// More than one token, as in two `Authorization` fields, or two cookies of one name: which of them counts would
    /// depend on which hop is asked.
    InvalidRequest,
    /// No token.
    MissingToken,
    /// The token is not one of ours: shape, algorithm, signature, issuer, audience, type, a time still to come.
    InvalidToken,
    /// The token is one of ours, and its `exp` has passed.
    TokenExpired,
    /// The token is good, its session has expired or never existed.
    SessionExpired,
    /// The token is good, its session was ended for a reason that is still known.
    SessionRevoked,
    /// The session lives, its user's account is not active. No other login helps: 403.
    AccountInactive,
    /// A browser made the request for a page of another origin: a
    /// [`SameOriginLayer`](crate::SameOriginLayer) refused.
    CrossSite,
    /// The session lives and the user's role is not one that may do this: a
    /// [`RequireRole`](crate::guards::RequireRole) refused.
    InsufficientScope,
    /// The session lives, and this needs a login that is more recent or stronger (RFC 9470);
    /// [`AuthError::step_up`] says which.
    InsufficientUserAuthentication,
    /// The store cannot tell: nothing is known about the session, and the client should keep its token and try again.
    StoreUnavailable,
    /// The request ran out of time while it waited for other requests, or for several slow answers: nothing is known
    /// about the session, and the store is not known to be away. The client should keep its token and try again.
    Overloaded,
    /// The session lives, and the user directory cannot tell whether the account is active. To clients it is the same
    /// as [`StoreUnavailable`](Self::StoreUnavailable).
    DirectoryUnavailable,
    /// The refresh token is good, and the next tokens could not be made: an error of the server, which the log explains.
    Unsigned,
    /// No layer has checked the request: a guard or a handler stands outside of every
    /// [`SessionAuthLayer`](crate::SessionAuthLayer) with its data type. An error of the application, not of the client.
    NoLayer,
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
            Self::CrossSite => "cross_site",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::StoreUnavailable | Self::DirectoryUnavailable => "store_unavailable",
            Self::Overloaded => "overloaded",
            Self::Unsigned | Self::NoLayer => "internal",
        }
    }

    /// The HTTP status: 400, 401, 403, 500 or 503.
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
            Self::AccountInactive | Self::CrossSite | Self::InsufficientScope => {
                StatusCode::FORBIDDEN
            }
            Self::StoreUnavailable | Self::Overloaded | Self::DirectoryUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Unsigned | Self::NoLayer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the token is good and its session has ended.
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

    pub(crate) fn revoked(reason: EndReason) -> Self {
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

    /// Which login would do, where a guard said so: only ever on
    /// [`InsufficientUserAuthentication`](AuthErrorKind::InsufficientUserAuthentication).
    #[must_use]
    pub fn step_up(&self) -> Option<&StepUp> {
        self.step_up.as_deref()
    }

    /// What finds this refusal in the log: only ever on [`Unsigned`](AuthErrorKind::Unsigned) and
    /// [`NoLayer`](AuthErrorKind::NoLayer).
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
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
            AuthErrorKind::CrossSite => "Cross-site request refused",
            AuthErrorKind::InsufficientScope => "Not enough permissions",
            AuthErrorKind::InsufficientUserAuthentication => {
                "A more recent or stronger login is required"
            }
            AuthErrorKind::StoreUnavailable | AuthErrorKind::DirectoryUnavailable => {
                "Session store unavailable"
            }
            AuthErrorKind::Overloaded => "Too busy, try again",
            AuthErrorKind::Unsigned | AuthErrorKind::NoLayer => "Internal error",
        })
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
                write!(f, "session was ended: {reason}")
            }
            (AuthErrorKind::SessionRevoked, None) => f.write_str("session was ended"),
            (AuthErrorKind::AccountInactive, _) => f.write_str("account is not active"),
            (AuthErrorKind::CrossSite, _) => f.write_str("cross-site request"),
            (AuthErrorKind::InsufficientScope, _) => f.write_str("role is not sufficient"),
            (AuthErrorKind::InsufficientUserAuthentication, _) => {
                f.write_str("login is not recent or strong enough")
            }
            (AuthErrorKind::StoreUnavailable, _) => f.write_str("session cannot be checked"),
            (AuthErrorKind::Overloaded, _) => f.write_str("session was not checked in time"),
            (AuthErrorKind::DirectoryUnavailable, _) => f.write_str("account cannot be checked"),
            (AuthErrorKind::Unsigned, _) => f.write_str("no new tokens could be made"),
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

/// For an application's own answers in the same words. One made like this has nothing but its kind: no reason, no
/// [`StepUp`].
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
            | StoreErrorKind::NotPrimary
            | StoreErrorKind::WriteRefused
            | StoreErrorKind::Unsupported => AuthErrorKind::StoreUnavailable,
        };
        Self::with_source(kind, error)
    }
}
