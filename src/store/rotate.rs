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
    /// The counter of the presented token.
    pub counter: u64,
    /// The grace period: how long after a rotation the replaced token is still accepted. If the
    /// grace period is zero, the replaced token is treated as reuse at once, unless
    /// [`retry`](Self::retry) applies.
    pub grace: Duration,
    /// How long after a rotation the replaced token is still accepted while the current token is
    /// unused. Zero turns this off.
    pub retry: Duration,
}

impl Rotate {
    /// Creates a rotation of the refresh token with this counter. [`retry`](Self::retry) is zero.
    #[must_use]
    pub fn new(salt: Salt, counter: u64, grace: Duration) -> Self {
        Self { salt, counter, grace, retry: Duration::ZERO }
    }
}

/// The result of [`rotate`](super::SessionStore::rotate). The store compares the presented token's
/// counter with the session's counter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all six")]
pub enum Rotated {
    /// The token was the current one. The session's counter and its revision each increased by one.
    /// A rotation also updates the session's activity: the last activity is now, and the idle
    /// deadline moved forward to `min(now + idle_ttl, absolute deadline)`. Contains the record
    /// after the change, and the true activity.
    Next(Record, Activity),
    /// The token was the previous one, and it was replaced at most [`Rotate::grace`] ago. This
    /// result also occurs if the clock was set back after the rotation. With a grace period of
    /// zero, this result does not occur. Nothing was changed.
    Again(Record, Activity),
    /// The token was the previous one. It was replaced more than [`Rotate::grace`] ago, but at most
    /// [`Rotate::retry`] ago. No touch has recorded the current counter as its
    /// [`rotation`](super::Touch::rotation), so the client may not have received the current token.
    /// Nothing was changed.
    Retried(Record, Activity),
    /// The token is not the current one: a rotation has replaced it. Neither `Again` nor `Retried`
    /// applies. The session was live before this call. The store has revoked the session, as
    /// [`revoke`](super::SessionStore::revoke) does, with the reason
    /// [`RefreshReuse`](crate::reason::RevokeReason::RefreshReuse).
    Reused,
    /// The token does not belong to the session's record: the token's counter is greater than the
    /// session's, the salt differs, or the session was created without a salt. Nothing was changed.
    Unknown,
    /// The session is not live. Nothing was changed.
    Gone,
}
