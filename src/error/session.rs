//! Errors of the manager's operations.

use std::fmt;
use std::time::Duration;

use super::StoreError;
use crate::id::RandomError;

/// Why an operation of the [`SessionManager`](crate::SessionManager) failed.
///
/// `Debug` shows the text of `Display` and its cause, because Rust prints the `Debug` text of an
/// error that `main` returns. `Debug` omits the error of a driver or of the application's
/// directory, because such an error can contain host names.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store cannot answer or accepts no writes. Respond with 503, and never report success.
    #[error("an operation of the session store failed")]
    Store(#[from] StoreError),
    /// The session has expired or was revoked.
    #[error("the session has expired or was revoked")]
    Gone,
    /// Other writers changed the session at each of several attempts. Nothing was written.
    #[error("nothing was written: other writers changed the session at each attempt")]
    Contended,
    /// The user has reached the session limit, and the manager is set to reject further sessions.
    #[error("the user has reached the session limit")]
    LimitReached,
    /// All of the user's sessions were revoked or changed while this login was in progress. The
    /// login must start again.
    #[error("the user's sessions were revoked or changed during the login: start the login again")]
    LoginSuperseded,
    /// The user directory does not know the user, or says that the account is not active.
    #[error("the account is unknown to the user directory, or not active")]
    AccountInactive,
    /// The user directory cannot answer. Respond with 503.
    #[error("the user directory gave no usable answer")]
    Directory(#[source] DirectoryError),
    /// The cursor was not made by this manager, or belongs to a store of another kind.
    #[error("invalid cursor: it was not made by this manager for this session store")]
    Cursor,
    /// A setting of a new session is out of range.
    #[error("`{setting}` {rule}")]
    OutOfRange {
        /// The name of the setting.
        setting: &'static str,
        /// What the value must be.
        rule: &'static str,
    },
    /// The application set an idle TTL for a new session that is longer than the session's
    /// lifetime. That lifetime is the manager's, unless the session has its own. If the application
    /// sets no idle TTL for the session, the session gets the manager's idle TTL, cut to the
    /// lifetime, and there is no error.
    #[error(
        "`idle_ttl` ({idle_ttl:?}) is longer than `lifetime` ({lifetime:?}), which ends the \
         session first: set a `lifetime` of at least the `idle_ttl`, or a shorter `idle_ttl`"
    )]
    IdleTtlAboveLifetime {
        /// The idle TTL that was set.
        idle_ttl: Duration,
        /// The lifetime.
        lifetime: Duration,
    },
    /// The application's data are larger than
    /// [`session_data_limit`](crate::manager::SessionManagerBuilder::session_data_limit). If the
    /// data that are already stored exceed this limit, an update may keep or reduce their size. In
    /// that case, this error means that the new data are larger than the stored data.
    #[error(
        "session data of {size} bytes of JSON is over the limit of {limit} bytes: store less, or \
         raise `session_data_limit` of the manager's builder"
    )]
    TooLarge {
        /// The size of the data, in bytes of JSON.
        size: usize,
        /// The limit, in bytes of JSON.
        limit: usize,
    },
    /// A field of the session is longer than its limit.
    #[error("{field} is longer than {limit} bytes")]
    FieldTooLong {
        /// The name of the field.
        field: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The application's own data or claims could not be written as JSON.
    #[error("session content cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The application's own claims cannot be put into a token: they are not an object, or use a
    /// reserved name.
    #[error("cannot put the custom claims into a token: {0}")]
    Claims(&'static str),
    /// The token is longer than a request may carry (8 KiB).
    #[error(
        "the access token has {size} bytes, more than the limit of {limit}: use smaller custom \
         claims"
    )]
    TokenTooLong {
        /// The size of the token, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The key failed to sign.
    #[error("cannot sign a token or compute a MAC")]
    Sign(#[source] SignError),
    /// The operating system gave no random bytes.
    #[error("cannot generate a random value")]
    Random(#[from] RandomError),
}

impl fmt::Debug for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(cause) => write!(f, "{self}: {cause:?}"),
            Self::Directory(cause) => write!(f, "{self}: {cause}"),
            Self::Encode(cause) => write!(f, "{self}: {cause}"),
            Self::Sign(cause) => write!(f, "{self}: {cause:?}"),
            Self::Random(cause) => write!(f, "{self}: {cause:?}"),
            _ => write!(f, "{self}"),
        }
    }
}

/// Why the user directory did not answer.
///
/// `Debug` shows the variant only. [`source`](std::error::Error::source) returns the directory's
/// own error, which can contain host names: log it, but never send it to a client.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The directory did not answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// The circuit breaker of the directory is open, because the directory did not answer a moment
    /// ago. The circuit breaker soon permits a call to the directory again.
    #[error("it was not asked, because its circuit breaker is open")]
    CircuitOpen,
    /// The directory returned an error.
    #[error("its call failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Debug for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "TimedOut",
            Self::CircuitOpen => "CircuitOpen",
            Self::Failed(_) => "Failed(..)",
        })
    }
}

/// Why the cryptography of a signing key failed. `Debug` shows the text of `Display` and its cause.
#[derive(thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] pub(crate) jsonwebtoken::errors::Error);

impl fmt::Debug for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.0)
    }
}
