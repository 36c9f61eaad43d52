//! Errors of a session store.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why an operation of a store failed.
///
/// `Display` names the kind only. [`source`](StdError::source) returns the driver's error, which
/// can contain host names: log it, but never send it to a client. `Debug` shows the text of
/// `Display`. If one of this library's own stores made the error, `Debug` also shows the cause,
/// because these causes contain no address.
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of a store error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, does not answer in time, or rejects this client. The library
    /// therefore knows nothing about the session.
    Unavailable,
    /// The connection was lost during a write, or a connection that serves only this call did not
    /// answer in time. It is unknown whether the store has executed the operation. This error does
    /// not say whether the next call will succeed.
    Interrupted,
    /// The store answers, but is not the primary: it is a replica, or a primary that was demoted.
    /// Its data can be old, so the library uses none of its answers about sessions.
    NotPrimary,
    /// The store answers, but accepts no writes at the moment: it is out of memory, it is
    /// read-only, or its disk is full.
    WriteRefused,
    /// The store answers, but the record is not a session that this version can read.
    Unreadable,
    /// The store answers, but this library cannot use it: the store's version is too old, or this
    /// client lacks a permission.
    Unsupported,
}

impl StoreErrorKind {
    /// Returns the kind in stable `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::NotPrimary => "not_primary",
            Self::WriteRefused => "write_refused",
            Self::Unreadable => "unreadable",
            Self::Unsupported => "unsupported",
        }
    }

    /// Returns whether an error of this kind means that the store is unavailable: the store does
    /// not answer ([`Unavailable`](Self::Unavailable)), or the library does not use its answers
    /// ([`NotPrimary`](Self::NotPrimary)).
    ///
    /// An error of such a kind opens the circuit breaker, and makes a layer apply its failure
    /// policy.
    #[must_use]
    pub const fn is_away(self) -> bool {
        matches!(self, Self::Unavailable | Self::NotPrimary)
    }
}

impl StoreError {
    /// Creates an error of this kind without a source.
    #[must_use]
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Creates an error of this kind with the driver's own error as its source.
    #[must_use]
    pub fn with_source(
        kind: StoreErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(Arc::from(source.into())) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the session store does not answer",
            StoreErrorKind::Interrupted => "the connection to the session store was lost",
            StoreErrorKind::NotPrimary => "the session store is not the primary",
            StoreErrorKind::WriteRefused => "the session store accepts no writes",
            StoreErrorKind::Unreadable => "the session store holds a record that cannot be read",
            StoreErrorKind::Unsupported => "this library cannot use the session store",
        })
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self.source.as_deref().and_then(|source| source.downcast_ref::<Fault>());
        match cause {
            Some(cause) => write!(f, "{self}: {cause}"),
            None => write!(f, "{self}"),
        }
    }
}

/// What went wrong in one of this library's stores. The text contains neither an argument of a
/// command nor an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) Cow<'static, str>);

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
