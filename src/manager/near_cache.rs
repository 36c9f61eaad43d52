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
    /// - The token was verified with the keys and rules that the manager uses now, and the
    ///   token's `exp` has not passed.
    /// - No session of the user has changed since this process sent the read of this session to
    ///   the store.
    /// - The last answered heartbeat was sent at most one lease ago. The lease is 500 ms by
    ///   default. The store sends five heartbeats per lease.
    /// - The session's deadlines have not passed.
    /// - Neither the read of the session nor the directory's answer is older than
    ///   [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after).
    ///
    /// If the store answers that a session is not live, the near cache stores this answer as an
    /// entry too. The entry is valid under the same conditions, for at most 5 seconds.
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

    /// Invalidates the cache entries of a user. Call this method after this process has changed the
    /// user's sessions, or may have changed them. From Redis 7 on, the server's invalidation
    /// arrives after the answer to the write. Without this call, the process could still use the
    /// old entry after its own write.
    pub(crate) fn invalidate(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().invalidate(user);
        }
    }

    /// Remembers in this process that the session was revoked, with the reason. While the store is
    /// unavailable, the check of a request rejects each request of this session.
    pub(crate) fn remember_revoked(&self, user: &UserId, id: &SessionId, reason: RevokeReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}
