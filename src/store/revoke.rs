//! Revocations, and whether the replicas of the store have them.

use crate::id::SessionId;

/// The sessions of a user to revoke. A session id converts to [`One`](Self::One).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle all three")]
pub enum Target {
    /// The session with this id. If it belongs to another user, no session is revoked.
    One(SessionId),
    /// All sessions.
    All,
    /// All sessions except the one with this id. If no live session of the user has this id, all
    /// sessions are revoked.
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
    /// The sessions that this revocation ended. Each of them was live before.
    pub sessions: Vec<SessionId>,
    /// Whether the replicas of the store have received the revocation.
    pub replicas: Replicas,
}

impl Revoked {
    /// Creates a result from the sessions that were live and the state of the replicas.
    #[must_use]
    pub fn new(sessions: Vec<SessionId>, replicas: Replicas) -> Self {
        Self { sessions, replicas }
    }

    /// Returns whether the revocation found a live session.
    #[must_use]
    pub fn was_live(&self) -> bool {
        !self.sessions.is_empty()
    }
}

/// Whether the replicas of a store have received a revocation.
///
/// If only the primary has received the revocation and a failover promotes a replica, the
/// revocation is lost. In that case, the sessions are live again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all three")]
pub enum Replicas {
    /// The store does not wait for replicas.
    NotAsked,
    /// The number of replicas that confirmed the revocation. It is at least the required number.
    Reached(u32),
    /// The number of replicas that confirmed the revocation in time. It is less than the required
    /// number. The sessions are nevertheless revoked on the primary.
    Missed(u32),
}
