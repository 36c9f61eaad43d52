//! What can be wrong: with a request ([`AuthError`]), with a verb of the manager ([`SessionError`]), with a
//! configuration ([`ConfigError`]).

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::id::RandomError;
use crate::reason::EndReason;
use crate::store::{StoreError, StoreErrorKind};

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
    /// The store cannot tell: nothing is known about the session, and the client should keep its token and try again.
    StoreUnavailable,
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
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// The HTTP status: 400, 401 or 503.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::MissingToken
            | Self::InvalidToken
            | Self::TokenExpired
            | Self::SessionExpired
            | Self::SessionRevoked => StatusCode::UNAUTHORIZED,
            Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
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
            AuthErrorKind::StoreUnavailable => "Session store unavailable",
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
            (AuthErrorKind::StoreUnavailable, _) => f.write_str("session cannot be checked"),
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
            | StoreErrorKind::WriteRefused
            | StoreErrorKind::Unsupported => AuthErrorKind::StoreUnavailable,
        };
        Self::with_source(kind, error)
    }
}

/// Why a verb of the [`SessionManager`](crate::SessionManager) did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store cannot answer or takes no writes: answer 503, and never claim that the verb was done.
    #[error("the session store did not do it")]
    Store(#[from] StoreError),
    /// The session's content is larger than a record may be.
    #[error("session content of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size, in bytes of JSON.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field of the session breaks its limit.
    #[error("{field} is longer than {limit} bytes")]
    FieldTooLong {
        /// The field's name.
        field: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The application's own data or claims could not be written as JSON.
    #[error("session content cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The application's own claims may not stand in a token: not an object, or a name that is taken.
    #[error("custom claims are not usable: {0}")]
    Claims(&'static str),
    /// The token came out longer than a request may carry (8 KiB).
    #[error("access token of {size} bytes is over the limit of {limit}")]
    TokenTooLong {
        /// Its size, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The key did not sign.
    #[error("the access token could not be signed")]
    Sign(#[source] SignError),
    /// The operating system gave no random bytes.
    #[error("no session id could be made")]
    Random(#[from] RandomError),
}

/// The cryptography behind a signing key refused.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] pub(crate) jsonwebtoken::errors::Error);

/// Why a configuration cannot work. Found by `build()`, before the first request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting without a default was not given.
    #[error("`{0}` is not set")]
    Missing(&'static str),
    /// A setting's value cannot work.
    #[error("`{setting}` {rule}")]
    OutOfRange {
        /// The setting's name.
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A key cannot be used.
    #[error("a key cannot be used")]
    Key(#[source] KeyError),
    /// Two keys of one set have the same `kid`.
    #[error("two keys share the kid {0:?}")]
    DuplicateKid(String),
    /// No cryptography is compiled in, or two and nobody chose.
    ///
    /// jsonwebtoken says so by a panic, which is caught: its message still goes to the panic hook, and under
    /// `panic = "abort"` the process ends. Either way at start-up, never on a request.
    #[error(
        "jsonwebtoken has no single crypto backend in this build: turn on the feature `aws-lc-rs` or `rust-crypto` of \
         tower-session-auth, or exactly one backend of jsonwebtoken"
    )]
    CryptoBackend,
    /// A key did not do at start-up what it is for: sign, verify its own signature, refuse a forged one.
    #[error("key {kid:?} failed its self-test: {failure}")]
    SelfTest {
        /// Which key.
        kid: String,
        /// What went wrong.
        failure: &'static str,
    },
    /// The store's settings cannot work. The text never holds the URL, which may hold a password.
    #[error("the session store's settings cannot work: {0}")]
    Store(&'static str),
}

impl From<KeyError> for ConfigError {
    // A key that could not even be looked at says nothing against the key.
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::CryptoBackend => Self::CryptoBackend,
            error => Self::Key(error),
        }
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A `kid` is 1 to 64 bytes of visible ASCII.
    #[error("a kid is 1 to 64 bytes of visible ASCII")]
    Kid,
    /// RFC 7518 section 3.2: at least as long as the hash.
    #[error("an HS256 secret is at least 32 bytes long")]
    SecretTooShort,
    /// The secret is one that stands in tutorials, says that it is to be replaced, or is a short text over and over.
    #[error("this HS256 secret is publicly known or has no entropy")]
    SecretKnown,
    /// The secret is the text of a key file: a public key must never become an HMAC key.
    #[error("this HS256 secret is the text of a PEM file")]
    SecretIsPem,
    /// The PEM text holds no key of this kind: another algorithm or curve, a public key for a private one or the
    /// reverse, a certificate, a password-protected key, or anything in front of `-----BEGIN`.
    #[error("the PEM text holds no such key for this algorithm")]
    Pem,
    /// RFC 7518 section 3.3: an RSA key is at least 2048 bits long.
    #[error("an RSA key is at least 2048 bits long")]
    RsaTooShort,
    /// No cryptography is compiled in, or two and nobody chose: see [`ConfigError::CryptoBackend`].
    #[error("jsonwebtoken has no single crypto backend in this build")]
    CryptoBackend,
}
