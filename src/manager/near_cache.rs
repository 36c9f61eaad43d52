//! The manager's side of the near cache: its settings, its state, and invalidations by the manager.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{SessionManager, SessionManagerBuilder};
use crate::cache::{Capacity, DataSize, NearCache, NearCacheStats};
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::session::SessionData;

/// The default capacity of the near cache.
pub(crate) const CAPACITY: Capacity = Capacity { tokens: 65_536, bytes: 64 << 20 };

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets how many tokens the near cache holds at most, each with its session. 65,536 by default,
    /// 1 to 16,777,216. The limit of [`near_cache_bytes`](Self::near_cache_bytes) applies as well.
    ///
    /// The near cache saves the round trip of a request: see [`SessionManager::near_cache`]. It
    /// needs a store that reports changes, which is [`RedisStore`](crate::store::RedisStore), and a
    /// running [`Worker`](crate::worker::Worker). An evicted entry costs its next request a round
    /// trip. The most used entries stay.
    pub fn near_cache_capacity(mut self, tokens: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).tokens = tokens;
        self
    }

    /// Sets how many bytes of memory the near cache takes at most, approximately. 64 MiB by
    /// default, 64 KiB to 1 TiB.
    ///
    /// Each entry counts with its size: the token, its claims and the session. The content of a
    /// session counts once for all of its tokens. The size of decoded data is an estimate, see
    /// [`near_cache_data_size`](Self::near_cache_data_size). A session with one token and without
    /// data counts with about 2.5 KiB.
    ///
    /// The cache consists of shards: four per processor, rounded up to a power of two, but fewer if
    /// a shard were smaller than 1 MiB. A cache of less than 1 MiB is one shard. A session whose
    /// content is larger than a shard is not cached.
    pub fn near_cache_bytes(mut self, bytes: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).bytes = bytes;
        self
    }

    /// Sets how many bytes a session's data take in memory: `size` receives the data and the length
    /// of their JSON in the store. By default 8 times that length.
    ///
    /// The default suits strings, and structs that hold strings. It is too small for a
    /// [`serde_json::Value`] with many small objects, which takes up to 100 times its JSON, and too
    /// large for numbers in structs. `size` is called when a session is read from the store, not
    /// for each request.
    ///
    /// Call this after [`data`](SessionManagerBuilder::data), which sets the type of the data.
    ///
    /// ```
    /// use tower_session_auth::SessionManager;
    ///
    /// let builder = SessionManager::builder()
    ///     .data::<serde_json::Value>()
    ///     .near_cache_data_size(|_data, json| 50 * json);
    /// # let _ = builder;
    /// ```
    pub fn near_cache_data_size(
        mut self,
        size: impl Fn(&D, usize) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.data_size = DataSize::new(size);
        self
    }

    /// Sets the largest size of the application's data in one session, in bytes of JSON. 16 KiB by
    /// default, 64 bytes to 16 MiB.
    ///
    /// [`create`](SessionManager::create) refuses larger data. [`update`](SessionManager::update)
    /// and [`update_all`](SessionManager::update_all) refuse them if the data grow. Larger data
    /// that are stored already stay readable, and changes that do not let them grow succeed.
    ///
    /// Each process that serves the user reads and decodes the session: keep large data in a
    /// database.
    pub fn session_data_limit(mut self, bytes: usize) -> Self {
        self.settings.session_data_limit = bytes;
        self
    }

    /// Switches the near cache off: the manager asks the store for each request.
    pub fn without_near_cache(mut self) -> Self {
        self.settings.near_cache = None;
        self
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Returns the state of the near cache. No I/O.
    ///
    /// A cache entry holds what a request needs, verified claims and session, under the whole
    /// token. It is valid while all of these conditions hold:
    ///
    /// - The present policy verified the token, and its `exp` has not passed.
    /// - No session of the user has changed since before the session was read from the store.
    /// - The last answered heartbeat was sent at most one lease ago (500 ms by default; five
    ///   heartbeats per lease).
    /// - The session's deadlines and [`revalidate_after`](SessionManagerBuilder::revalidate_after)
    ///   have not passed.
    ///
    /// "No such session" is cached in the same way, for 5 seconds at most.
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
    /// may have changed them. Since Redis 7 the server's own invalidation arrives after the answer,
    /// so this is what lets a process see its own write.
    pub(crate) fn invalidate(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().invalidate(user);
        }
    }

    /// Remembers that this session was revoked, for requests while the store is unavailable.
    pub(crate) fn remember_revoked(&self, user: &UserId, id: &SessionId, reason: EndReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}

/// The number of the present policy.
#[derive(Debug)]
pub(crate) struct PolicyNumber(AtomicU64);

impl PolicyNumber {
    /// `number` is the policy's number without an audience.
    pub(crate) fn new(number: u64) -> Self {
        Self(number.into())
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }

    /// Returns the number together with a layer's audience: `Policy::number` without loading the
    /// policy.
    pub(crate) fn with(&self, audience: u32) -> u64 {
        self.0.load(Ordering::Acquire) | u64::from(audience)
    }
}
