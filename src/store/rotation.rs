//! The data that a store keeps to rotate refresh tokens.
//!
//! A store keeps no refresh token, and nothing from which one could be derived. It keeps a counter
//! and a random text, the salt. The salt is part of the input of each token's MAC. The key of that
//! MAC never reaches the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Activity, Record};
use crate::clock::Timestamp;
use crate::id::{RandomError, is_plain, random_text};

/// Random text that is part of the MAC input of all refresh tokens of one session. It is useless
/// without the key. Cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(Arc<str>);

impl Salt {
    /// The maximum length of a salt, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Returns a salt of 256 random bits, as 43 characters.
    pub(crate) fn random() -> Result<Self, RandomError> {
        Ok(Self(random_text::<32>()?.into()))
    }

    /// Parses the output of [`as_str`](Self::as_str): 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of
    /// `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        is_plain(raw, Self::MAX_LEN).then(|| Self(raw.into()))
    }

    /// Returns the text, for a store to keep.
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

/// The current state of a session's refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The number of the current refresh token: 0 when the session is created, one more with every
    /// rotation.
    pub counter: u64,
    /// When the counter reached this value.
    pub since: Timestamp,
    /// The salt. It never changes during the life of the session.
    pub salt: Salt,
}

impl Rotation {
    /// A rotation as a store keeps it.
    #[must_use]
    pub fn new(counter: u64, since: Timestamp, salt: Salt) -> Self {
        Self { counter, since, salt }
    }
}

/// A request to rotate a refresh token whose MAC is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotate {
    /// The salt with which the MAC was verified.
    pub salt: Salt,
    /// The number of the presented token.
    pub counter: u64,
    /// How long after a rotation the previous token does not count as reuse. Zero: it always counts
    /// as reuse, unless [`retry`](Self::retry) applies.
    pub grace: Duration,
    /// How long after a rotation the previous token does not count as reuse while the current token
    /// is unused. Zero: never.
    pub retry: Duration,
}

impl Rotate {
    /// A rotation of the refresh token with this number. [`retry`](Self::retry) is zero.
    #[must_use]
    pub fn new(salt: Salt, counter: u64, grace: Duration) -> Self {
        Self { salt, counter, grace, retry: Duration::ZERO }
    }
}

/// The result of [`rotate`](super::SessionStore::rotate). The token is compared with the counter of
/// the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all six")]
pub enum Rotated {
    /// The token was the current one. Its counter moved on by one, and the revision with it. A
    /// rotation is a use of the session: last activity is now, and the idle deadline moved forward
    /// to `min(now + idle_ttl, absolute deadline)`. Holds the record after the change, and the true
    /// activity.
    Next(Record, Activity),
    /// The token was the previous one, replaced at most [`Rotate::grace`] ago (never with a grace
    /// of zero). Nothing was changed. If the clock was set back meanwhile, the token is still
    /// accepted.
    Again(Record, Activity),
    /// The token was the previous one, replaced longer than [`Rotate::grace`] and at most
    /// [`Rotate::retry`] ago, and no touch has recorded the current counter as its
    /// [`rotation`](super::Touch::rotation). Nothing was changed.
    Retried(Record, Activity),
    /// The token was replaced before, and neither `Again` nor `Retried` applies. The session was
    /// live and is now revoked, as by [`delete`](super::SessionStore::delete), with the reason
    /// [`RefreshReuse`](crate::reason::EndReason::RefreshReuse).
    Reused,
    /// The session has no such token: its number is ahead of the counter, the salt differs, or the
    /// session was created without a salt. Nothing was changed.
    Unknown,
    /// The session is not live. Nothing was changed.
    Gone,
}
