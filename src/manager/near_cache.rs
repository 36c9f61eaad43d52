//! The manager's side of the near cache: its settings, its state, and what the manager tells it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{SessionManager, SessionManagerBuilder};
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::near::{Capacity, DataSize, Near, NearCache};
use crate::reason::EndReason;
use crate::session::SessionData;

/// The near cache where nothing is said.
pub(super) const CAPACITY: Capacity = Capacity { tokens: 65_536, bytes: 64 << 20 };

impl<D: SessionData> SessionManagerBuilder<D> {
    /// How many tokens the near cache holds at most, each with its session. 65,536 by default, 1 to 16,777,216. It also
    /// holds no more than fit into [`near_cache_bytes`](Self::near_cache_bytes).
    ///
    /// The near cache is what makes a request cost no round trip: see [`SessionManager::near_cache`]. It works with a store
    /// that tells of changes, that is [`RedisStore`](crate::store::RedisStore), while the
    /// [`Worker`](crate::touch::Worker) runs. An entry that does not fit costs its next request a round trip; those that
    /// are used most stay.
    pub fn near_cache_capacity(mut self, tokens: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).tokens = tokens;
        self
    }

    /// How many bytes of memory the near cache takes at most, about. 64 MiB by default, 64 KiB to 1 TiB.
    ///
    /// Each entry counts for what it takes: the token, its claims, the session, and once for all tokens of a session its
    /// content. The size of decoded data is estimated, see [`near_cache_data_size`](Self::near_cache_data_size). A
    /// session with a token and without data counts for about 2.5 KiB.
    ///
    /// The cache consists of shards of 1 MiB at least (so small a one where it has many processors to serve, and four
    /// for each of them at most). A session whose content does not fit into a shard is not cached.
    pub fn near_cache_bytes(mut self, bytes: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).bytes = bytes;
        self
    }

    /// How many bytes a session's data take in memory: `size` gets the data and the length of their JSON in the store.
    /// By default 8 times that length.
    ///
    /// The default suits texts, and structs that hold texts. It is too little for a [`serde_json::Value`] with many small
    /// objects, which takes up to 100 times its JSON, and too much for numbers in structs. It is called when a session is
    /// read from the store, not for each request.
    ///
    /// Call it after [`data`](SessionManagerBuilder::data), which says of which type the data are.
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

    /// The largest data of the application in one session, in bytes of JSON. 16 KiB by default, 64 bytes to 16 MiB.
    ///
    /// [`create`](SessionManager::create) refuses larger data, and so do [`update`](SessionManager::update) and
    /// [`update_all`](SessionManager::update_all) where the data grow. Larger data that are stored already stay
    /// readable, and every change that does not let them grow is made.
    ///
    /// A session is read and decoded by each process that serves its user: keep what is large in a database.
    pub fn session_data_limit(mut self, bytes: usize) -> Self {
        self.settings.session_data_limit = bytes;
        self
    }

    /// Asks the store for each request, also one that tells of changes.
    pub fn without_near_cache(mut self) -> Self {
        self.settings.near_cache = None;
        self
    }
}

impl<D: SessionData> SessionManager<D> {
    /// How the near cache is doing. No I/O.
    ///
    /// What a request needs, verified claims and session, is remembered under the whole token. It is used again while all
    /// of this holds: the token was verified by the rules that count now, and its `exp` has not passed; the store has
    /// told of no change of any of the user's sessions since before it was read; it says, five times in a lease
    /// (500 ms by default), that it still tells, and last did so at most the lease ago; neither the session's deadlines nor
    /// [`revalidate_after`](SessionManagerBuilder::revalidate_after) have passed. "No such session" is remembered in
    /// the same way, for 5 seconds at most.
    ///
    /// Any login, logout or update of a user is a change of all of that user's sessions: a service account with
    /// thousands of them that come and go has little of it.
    #[must_use]
    pub fn near_cache(&self) -> NearCache {
        self.shared.near.as_ref().map_or(NearCache::off(self.shared.started), Near::status)
    }

    /// How often the store says that what is remembered still counts; `None` where nothing is remembered.
    pub(crate) fn beat(&self) -> Option<Duration> {
        self.shared.near.as_ref().map(|near| near.tracker().beat())
    }

    /// Sessions of this user were just changed from here, or nobody knows whether they were: what is remembered of them
    /// counts no more. Since Redis 7 its own word on it comes after the answer.
    pub(super) fn changed(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().changed(user);
        }
    }

    /// This session was just ended.
    pub(super) fn has_ended(&self, user: &UserId, id: &SessionId, reason: EndReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}

/// The number of the policy that counts now.
#[derive(Debug)]
pub(super) struct PolicyNumber(AtomicU64);

impl PolicyNumber {
    /// `number` is one without an audience.
    pub(super) fn new(number: u64) -> Self {
        Self(number.into())
    }

    pub(super) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }

    /// With what a layer demands beside it: `Policy::number` without the policy.
    pub(super) fn with(&self, audience: u32) -> u64 {
        self.0.load(Ordering::Acquire) | u64::from(audience)
    }
}
