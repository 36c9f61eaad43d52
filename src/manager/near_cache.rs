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
    /// The key of a cache entry contains the whole token. The entry holds what a request needs: the
    /// verified claims and the session. The entry is valid while all of these conditions hold:
    ///
    /// - The present policy verified the token, and its `exp` has not passed.
    /// - No session of the user has changed since the read of this session was sent to the store.
    /// - The last answered heartbeat was sent at most one lease ago (500 ms by default; five
    ///   heartbeats per lease).
    /// - The session's deadlines and
    ///   [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after) have not passed.
    ///
    /// The answer that a session is not live is cached in the same way, for 5 seconds at most.
    ///
    /// A login, logout or update of a user invalidates the cache entries of all of that user's
    /// sessions. A service account with thousands of sessions that come and go therefore gains
    /// little from the cache.
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
    /// may have changed them. Since Redis 7 the server's invalidation arrives after the answer to
    /// the write. Without this call, the process could still use the old entry after its own write.
    pub(crate) fn invalidate(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().invalidate(user);
        }
    }

    /// Remembers that this session was revoked, for requests while the store is unavailable.
    pub(crate) fn remember_revoked(&self, user: &UserId, id: &SessionId, reason: RevokeReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}
