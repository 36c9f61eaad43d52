//! The manager's side of the near cache: its state, and invalidations by the manager.

use std::time::Duration;

use super::SessionManager;
use crate::cache::{NearCache, NearCacheStats};
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::session::SessionData;

impl<D: SessionData> SessionManager<D> {
    /// Returns the state of the near cache. Does no I/O.
    ///
    /// The key of a cache entry contains the whole token. The entry contains the data that the
    /// check of a request needs: the verified claims and the session. The entry is valid while all
    /// of these conditions hold:
    ///
    /// - The token was verified with the keys and rules that the manager uses now, and the token's
    ///   `exp` has not passed.
    /// - No session of the user has changed after the read of this session was sent to the store.
    /// - The last answered heartbeat was sent at most one lease ago. The lease is 500 ms by
    ///   default, and a lease has five heartbeats.
    /// - The session's deadlines and
    ///   [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after) have not passed.
    ///
    /// If the store answers that a session is not live, the answer is cached in the same way, for
    /// at most 5 seconds.
    ///
    /// A login, logout or update of a user invalidates the cache entries of all of that user's
    /// sessions. A service account that opens and closes thousands of sessions therefore gains
    /// little from the near cache.
    #[must_use]
    pub fn near_cache(&self) -> NearCacheStats {
        self.shared
            .near
            .as_ref()
            .map_or(NearCacheStats::off(self.shared.started), NearCache::status)
    }

    /// Returns the heartbeat interval; `None` without a near cache.
    pub(crate) fn heartbeat_interval(&self) -> Option<Duration> {
        self.shared.near.as_ref().map(|near| near.tracker().heartbeat_interval())
    }

    /// Invalidates the cache entries of a user, after this process changed the user's sessions or
    /// may have changed them. From Redis 7 on, the server's invalidation arrives after the answer
    /// to the write. Without this call, the process could still use the old entry after its own
    /// write.
    pub(crate) fn invalidate(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().invalidate(user);
        }
    }

    /// Remembers that this session was revoked. The check of a request uses this while the store is
    /// unavailable.
    pub(crate) fn remember_revoked(&self, user: &UserId, id: &SessionId, reason: RevokeReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}
