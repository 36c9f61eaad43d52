//! What can be wrong with a verb of the manager.

use std::fmt;
use std::time::Duration;

use super::StoreError;
use crate::id::RandomError;

/// Why a verb of the [`SessionManager`](crate::SessionManager) did not do what it was asked.
///
/// `Debug` reads like `Display` with its cause, as a `main` that returns the error prints it. Of a store's or a
/// directory's own error, which may name hosts, it shows nothing.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store cannot answer or takes no writes: answer 503, and never claim that the verb was done.
    #[error("the session store did not do it")]
    Store(#[from] StoreError),
    /// The session has ended.
    #[error("the session has ended")]
    Gone,
    /// The session is changed by others all the time: nothing was written after several tries.
    #[error("the session was changed by others in the meantime")]
    Contended,
    /// The user has as many sessions as allowed, and a further one is to be refused.
    #[error("the user has as many sessions as allowed")]
    LimitReached,
    /// All of the user's sessions were ended, or changed, while this login was under way: it must begin anew.
    #[error("the login was overtaken by a change of the account")]
    LoginSuperseded,
    /// The user directory does not know the user, or says that the account is not active.
    #[error("the account is not active")]
    AccountInactive,
    /// The user directory cannot tell: answer 503.
    #[error("the user directory did not answer")]
    Directory(#[source] DirectoryError),
    /// A cursor that this manager did not make, or a store of another kind.
    #[error("not a cursor of this list")]
    Cursor,
    /// A setting of a new session is outside of its range.
    #[error("{setting} {rule}")]
    OutOfRange {
        /// The setting's name.
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A new session's idle TTL was set to more than the lifetime that goes with it, the new session's own
    /// or the manager's. An idle TTL that was not set is cut instead.
    #[error(
        "`idle_ttl` ({idle_ttl:?}) is longer than `lifetime` ({lifetime:?}), which ends the session \
         first: set a `lifetime` of at least the `idle_ttl`, or a shorter `idle_ttl`"
    )]
    IdleTtlAboveLifetime {
        /// The idle TTL that was set.
        idle_ttl: Duration,
        /// The lifetime.
        lifetime: Duration,
    },
    /// The application's data are larger than
    /// [`session_data_limit`](crate::SessionManagerBuilder::session_data_limit), and larger than what is stored.
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

/// Why the user directory did not tell. `Debug` names the kind only; [`source`](std::error::Error::source) carries the
/// directory's own error, which may name hosts: log it, never send it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It did not answer in time.
    #[error("no answer in time")]
    TooLate,
    /// It failed a moment ago, and is asked again soon.
    #[error("it failed to answer a moment ago")]
    TurnedAway,
    /// It said why.
    #[error("it failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Debug for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLate => "TooLate",
            Self::TurnedAway => "TurnedAway",
            Self::Failed(_) => "Failed(..)",
        })
    }
}

/// The cryptography behind a signing key refused. `Debug` reads like `Display` with its cause.
#[derive(thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] pub(crate) jsonwebtoken::errors::Error);

impl fmt::Debug for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.0)
    }
}
