//! The end of sessions by request, and who knows of it.

use crate::id::SessionId;

/// Which of a user's sessions are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle all three")]
pub enum Revoke {
    /// This one, as [`delete`](super::SessionStore::delete) does.
    One(SessionId),
    /// All, as [`delete_all`](super::SessionStore::delete_all) does.
    All,
    /// All but this one. Where it is no living session of the user, all.
    AllBut(SessionId),
}

/// What came of a [`Revoke`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The sessions that lived until now.
    pub sessions: Vec<SessionId>,
    /// Whether the replicas of the store have it as well.
    pub replicas: Replicas,
}

impl Revoked {
    /// These sessions lived until now, and the replicas know it or not.
    #[must_use]
    pub fn new(sessions: Vec<SessionId>, replicas: Replicas) -> Self {
        Self { sessions, replicas }
    }
}

/// Whether the replicas of a store have a revocation.
///
/// One that only the primary has is lost when that fails and a replica takes its place: the sessions then live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all three")]
pub enum Replicas {
    /// The store does not wait for replicas.
    NotAsked,
    /// So many have it, and that is enough.
    Reached(u32),
    /// Only so many said in time that they have it. The sessions have ended all the same, on the primary.
    Missed(u32),
}
