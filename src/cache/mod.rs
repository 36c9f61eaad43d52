//! The near cache of this process: the session behind each verified token, kept in memory.
//!
//! An entry holds what a request needs: the claims and the session. The key of an entry is the
//! whole text of a *verified* token. A request uses the entry while the entry's validity
//! ([`Validity`](crate::coherence::Validity)) holds. When the validity no longer holds, the next
//! request loads the session from the store again, and a new entry replaces the old entry. The
//! cache never removes an entry because of its age.
//!
//! A hit costs one hash, one lookup that compares the whole token, and a few comparisons. A hit
//! makes no store call and no allocation. The checks of the validity take no lock.

mod contents;
mod entries;
mod entry;
mod load_error;
mod session;
mod single_flight;
mod status;
mod weight;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::entries::Entries;
use self::entry::KeyRef;
pub(crate) use self::entry::{CacheEntry, Ended, Key, Live};
pub(crate) use self::load_error::LoadError;
pub use self::session::Session;
use self::single_flight::SingleFlight;
pub use self::status::{NearCacheState, NearCacheStats};
pub(crate) use self::weight::{Capacity, DataSize};
use crate::coherence::{CacheCounters, Stamp, Tick};
use crate::id::{SessionId, UserId};
use crate::session::StoredContent;
use crate::store::Tracker;

/// The near cache of one manager.
pub(crate) struct NearCache<D> {
    /// [`Capacity`] limits the size. The cache evicts a token that was used once before a token
    /// that was used often.
    entries: Entries<D>,
    single_flight: SingleFlight<D>,
    tracker: Arc<dyn Tracker>,
    // Copied from the tracker, so that a hit needs no dynamic call.
    lease: Duration,
    counters: Arc<CacheCounters>,
}

impl<D> NearCache<D> {
    pub(crate) fn new(
        capacity: Capacity,
        data_size: DataSize<D>,
        tracker: Arc<dyn Tracker>,
    ) -> Self {
        let entries = Entries::new(capacity, data_size);
        let (lease, counters) = (tracker.lease(), Arc::clone(tracker.counters()));
        Self { entries, single_flight: SingleFlight::default(), tracker, lease, counters }
    }

    /// Returns the entry of a token. The token was verified for the audience with this number.
    pub(crate) fn find(&self, audience: u32, token: &[u8]) -> Option<CacheEntry<D>> {
        self.entries.find(&KeyRef { audience, token })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<CacheEntry<D>> {
        self.entries.get(key)
    }

    pub(crate) fn insert(&self, key: Key, known: CacheEntry<D>) {
        self.entries.insert(key, known);
    }

    /// Returns the content that `payload` decodes to. All tokens of a session share one content,
    /// unless the content is small.
    ///
    /// # Errors
    ///
    /// Returns the error of `decode`.
    pub(crate) fn content<E>(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: Bytes,
        decode: impl FnOnce(Bytes) -> Result<StoredContent<D>, E>,
    ) -> Result<Arc<StoredContent<D>>, E> {
        self.entries.content(user, id, payload, decode)
    }

    /// Returns a stamp of the user's sessions. The caller must take the stamp before it sends a
    /// read. Returns `None` while no invalidation connection is trusted: without such a connection,
    /// this process would not learn of a change.
    pub(crate) fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp> {
        self.tracker.stamp(user, now)
    }

    pub(crate) fn tracker(&self) -> &Arc<dyn Tracker> {
        &self.tracker
    }

    /// Returns how long requests can use cached entries after the last answered heartbeat was sent.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    pub(crate) fn counters(&self) -> &CacheCounters {
        &self.counters
    }

    pub(crate) fn single_flight(&self) -> &SingleFlight<D> {
        &self.single_flight
    }

    pub(crate) fn status(&self) -> NearCacheStats {
        status::of(&*self.tracker, self.entries.len(), self.entries.weight())
    }
}
