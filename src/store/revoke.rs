//! Revocations, and whether the replicas of the store have them.

use crate::id::SessionId;

/// Which sessions of a user to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle all three")]
pub enum Revoke {
    /// This session, as [`delete`](super::SessionStore::delete) does.
    One(SessionId),
    /// All sessions, as [`delete_all`](super::SessionStore::delete_all) does.
    All,
    /// All sessions except this one. If it is not a live session of the user, all sessions.
    AllBut(SessionId),
}

/// The result of a [`Revoke`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The sessions that were live and are revoked now.
    pub sessions: Vec<SessionId>,
    /// Whether the replicas of the store have the revocation.
    pub replicas: Replicas,
}

impl Revoked {
    /// A result with the sessions that were live, and the state of the replicas.
    #[must_use]
    pub fn new(sessions: Vec<SessionId>, replicas: Replicas) -> Self {
        Self { sessions, replicas }
    }
}

/// Whether the replicas of a store have a revocation.
///
/// If only the primary has it, a failover to a replica loses it, and the sessions are live again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all three")]
pub enum Replicas {
    /// The store does not wait for replicas.
    NotAsked,
    /// This many replicas have it, which is as many as required.
    Reached(u32),
    /// Only this many replicas confirmed it in time. The sessions are revoked on the primary all
    /// the same.
    Missed(u32),
}
