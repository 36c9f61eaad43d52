//! Revocations, and whether the replicas of the store have them.

use crate::id::SessionId;

/// Which sessions of a user to revoke. A session id converts to [`One`](Self::One).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle all three")]
pub enum Target {
    /// This session. An id of another user's session names none.
    One(SessionId),
    /// All sessions.
    All,
    /// All sessions except this one. If it is not a live session of the user, all sessions.
    AllExcept(SessionId),
}

impl From<SessionId> for Target {
    fn from(id: SessionId) -> Self {
        Self::One(id)
    }
}

impl From<&SessionId> for Target {
    fn from(id: &SessionId) -> Self {
        Self::One(id.clone())
    }
}

/// The result of a revocation.
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

    /// Returns whether a session was live until now.
    #[must_use]
    pub fn was_live(&self) -> bool {
        !self.sessions.is_empty()
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
