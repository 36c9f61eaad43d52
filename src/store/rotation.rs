//! What a store keeps and does so that refresh tokens can be exchanged.
//!
//! A store keeps no refresh token, and nothing that one could be made from: a number, and a random text that goes into
//! each token's MAC beside a key that the store never sees.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Activity, Record};
use crate::clock::Timestamp;
use crate::id::{RandomError, is_plain, random_text};

/// Random text that goes into the MAC of all refresh tokens of one session. By itself it is worth nothing. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(Arc<str>);

impl Salt {
    /// The most bytes of a salt.
    pub const MAX_LEN: usize = 64;

    /// 256 random bits, in 43 characters.
    pub(crate) fn random() -> Result<Self, RandomError> {
        Ok(Self(random_text::<32>()?.into()))
    }

    /// Parses what [`as_str`](Self::as_str) gave: 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        is_plain(raw, Self::MAX_LEN).then(|| Self(raw.into()))
    }

    /// The text, for a store to keep.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// How far the refresh tokens of a session have come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The number of the one refresh token that is good: 0 when the session is created, one more with every exchange.
    pub counter: u64,
    /// Since when.
    pub since: Timestamp,
    /// Never changes while the session lives.
    pub salt: Salt,
}

impl Rotation {
    /// A rotation as a store keeps it.
    #[must_use]
    pub fn new(counter: u64, since: Timestamp, salt: Salt) -> Self {
        Self { counter, since, salt }
    }
}

/// A refresh token whose MAC is good, on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotate {
    /// The salt that its MAC was checked with.
    pub salt: Salt,
    /// Its number.
    pub counter: u64,
    /// For how long the one before the present one is no theft.
    pub grace: Duration,
    /// For how long it is no theft while the present one is unused. Zero: never.
    pub retry: Duration,
}

impl Rotate {
    /// An exchange of the refresh token with this number, with [`retry`](Self::retry) of zero.
    #[must_use]
    pub fn new(salt: Salt, counter: u64, grace: Duration) -> Self {
        Self { salt, counter, grace, retry: Duration::ZERO }
    }
}

/// What came of [`rotate`](super::SessionStore::rotate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all six")]
pub enum Rotated {
    /// The next number is the good one now. The session as it is then, and its true activity.
    Next(Record, Activity),
    /// The next number was the good one already, and not for long: nothing was changed.
    Again(Record, Activity),
    /// The next number was the good one already, for longer than [`Rotate::grace`] and not longer than
    /// [`Rotate::retry`], and no use of it was recorded: nothing was changed.
    Retried(Record, Activity),
    /// The token was replaced before: the session lived until now, and has ended with the reason
    /// [`RefreshReuse`](crate::reason::EndReason::RefreshReuse).
    Reused,
    /// The session knows no such token: its number is still to come, or the salt is another one. Nothing was changed.
    Unknown,
    /// The session has ended; nothing was changed.
    Gone,
}
