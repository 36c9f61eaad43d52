//! The request to rotate a refresh token, and its result.

use std::time::Duration;

use super::record::{Activity, Record};
use super::rotation::Salt;

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
    /// live and is now revoked, as by [`revoke`](super::SessionStore::revoke), with the reason
    /// [`RefreshReuse`](crate::reason::RevokeReason::RefreshReuse).
    Reused,
    /// The session has no such token: its number is ahead of the counter, the salt differs, or the
    /// session was created without a salt. Nothing was changed.
    Unknown,
    /// The session is not live. Nothing was changed.
    Gone,
}
