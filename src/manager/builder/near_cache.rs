//! The settings of the near cache, and the limit of session data.

use super::{CAPACITY, SessionManagerBuilder};
use crate::cache::DataSize;
use crate::session::SessionData;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the maximum number of tokens in the near cache. Each token has its session. Default:
    /// 65,536. Range: 1 to 16,777,216. The limit of [`near_cache_bytes`](Self::near_cache_bytes)
    /// applies as well.
    ///
    /// The near cache saves the round trip of a request: see
    /// [`SessionManager::near_cache`](crate::SessionManager::near_cache). The near cache needs a
    /// store that reports changes, which is [`RedisStore`](crate::store::RedisStore), and a running
    /// [`Worker`](crate::worker::Worker). After the eviction of an entry, the next request with its
    /// token needs a round trip. The most used entries stay in the near cache.
    pub fn near_cache_capacity(mut self, tokens: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).tokens = tokens;
        self
    }

    /// Sets how many bytes of memory the near cache takes at most, approximately. Default: 64 MiB.
    /// Range: 64 KiB to 1 TiB.
    ///
    /// The size of an entry is the size of the token, its claims and the session. The content of a
    /// session is the JSON that the store keeps of it. If the content has 512 bytes or more, all
    /// tokens of the session share the content, and its size is counted once. If the content has
    /// less than 512 bytes, its size is counted once for each token of the session. The size of
    /// decoded data is an estimate, see [`near_cache_data_size`](Self::near_cache_data_size). A
    /// session with one token and without data takes about 2 kB.
    ///
    /// The near cache consists of shards. The number of shards starts at four per processor,
    /// rounded up to a power of two. This number is halved until each shard has at least 1 MiB and
    /// room for at least 32 tokens, or until only one shard is left. A session whose content is
    /// larger than a shard is not cached.
    pub fn near_cache_bytes(mut self, bytes: usize) -> Self {
        self.settings.near_cache.get_or_insert(CAPACITY).bytes = bytes;
        self
    }

    /// Sets the function that estimates how many bytes a session's data take in memory. `size`
    /// receives the data and the length of their JSON in the store. Default: 8 times that length.
    ///
    /// The default suits strings, and structs that hold strings. It does not suit other data:
    /// - It is too small for a [`serde_json::Value`] with many small objects, which takes up to 100
    ///   times the length of its JSON.
    /// - It is too large for numbers in structs.
    ///
    /// The near cache calls `size` when a session is read from the store, not for each request.
    ///
    /// Call this after [`data`](Self::data), which sets the type of the data.
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

    /// Sets the largest size of the application's data in one session, in bytes of JSON. Default:
    /// 16 KiB. Range: 64 bytes to 16 MiB.
    ///
    /// [`create`](crate::SessionManager::create) refuses data above the limit.
    /// [`update`](crate::SessionManager::update) and
    /// [`update_all`](crate::SessionManager::update_all) refuse data above the limit only if the
    /// new data are larger than the stored data. If the stored data are already above the limit,
    /// for example because the limit was reduced, they stay readable. A change can then keep or
    /// reduce their size.
    ///
    /// Each process that serves the user's requests reads and decodes the session. Keep large data
    /// in a database instead.
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
