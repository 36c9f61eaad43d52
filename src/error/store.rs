//! Why a store did not do what it was asked.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a store did not do what it was asked.
///
/// `Display` names the kind only; [`source`](StdError::source) carries the driver's error, which may name hosts: log it,
/// never send it. `Debug` reads like `Display`, with the cause where that is one of this library's own stores, whose texts
/// hold no address.
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of trouble a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, does not answer in time, or refuses this client. Nothing is known about the session.
    Unavailable,
    /// The connection was lost under a write, or one that nothing else uses was given up: it may have been done or not.
    /// That says nothing about the next call.
    Interrupted,
    /// It answers, and is not the primary: a replica, or a primary that was demoted. What it has may be old, so nothing
    /// that it says of a session counts.
    NotPrimary,
    /// It answers, but takes no writes now: out of memory, read-only, disk full.
    WriteRefused,
    /// It answers, and what it has under this name is not a session that this version can read.
    Unreadable,
    /// It answers, and is nothing that this library can work with: a version too old, a missing permission.
    Unsupported,
}

impl StoreErrorKind {
    /// The kind in stable `snake_case`, for logs and metrics.
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

    /// Whether the store cannot be asked at all: it does not answer, or its answers do not count. These kinds open the
    /// circuit breaker and a layer's failure policy.
    #[must_use]
    pub const fn is_away(self) -> bool {
        matches!(self, Self::Unavailable | Self::NotPrimary)
    }
}

impl StoreError {
    /// An error of this kind without a source.
    #[must_use]
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of this kind with the driver's own error behind it.
    #[must_use]
    pub fn with_source(
        kind: StoreErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(Arc::from(source.into())) }
    }

    /// What kind of trouble it is.
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
            StoreErrorKind::WriteRefused => "the session store takes no writes",
            StoreErrorKind::Unreadable => "the session store holds a record that cannot be read",
            StoreErrorKind::Unsupported => "the session store is not one that can be used",
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

/// What went wrong in a store of this library, in words that hold neither an argument of a command nor an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) Cow<'static, str>);

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
