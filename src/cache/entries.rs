//! The entries of the near cache, bounded in number and in bytes.
//!
//! An entry holds the claims, the session and the validity of one token. The weight of an entry is
//! an estimate of the bytes that the entry takes in memory. All tokens of a session share one
//! [content](super::contents), unless the content is small. One token owns the content, and the
//! weight of its entry includes the content.

use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, Weighter};

use super::contents::{Added, Content, Contents, is_shared};
use super::entry::{CacheEntry, Ended, EntryAddress, Key, KeyRef, Live};
use super::weight::{Capacity, DataSize, Weights};
use crate::id::{SessionId, UserId};
use crate::session::StoredContent;

/// A value in the cache.
pub(super) enum Entry<D> {
    /// What is known about a token that owns no content.
    CacheEntry(CacheEntry<D>),
    /// The live entry of a token that owns the session's content or has a small content of its own.
    Owner(Arc<Live<D>>),
}

/// The entries that left the cache.
type Evicted<D> = Vec<(Key, Entry<D>)>;

/// Collects evicted entries, so that they are dropped after the shard's lock is released.
#[derive(Clone, Copy, Debug)]
struct Collector;

/// The entries of a near cache.
pub(super) struct Entries<D> {
    cache: Cache<Key, Entry<D>, Weights, RandomState, Collector>,
    contents: Contents<D>,
    data_size: DataSize<D>,
}

impl<D> Entries<D> {
    pub(super) fn new(capacity: Capacity, data_size: DataSize<D>) -> Self {
        let (weights, options) = Weights::new(capacity);
        let cache = Cache::with_options(options, weights, RandomState::default(), Collector);
        Self { cache, contents: Contents::new(), data_size }
    }

    pub(super) fn find(&self, token: &KeyRef<'_>) -> Option<CacheEntry<D>> {
        self.cache.get(token).map(Entry::into_known)
    }

    pub(super) fn get(&self, token: &Key) -> Option<CacheEntry<D>> {
        self.cache.get(token).map(Entry::into_known)
    }

    /// Returns the content that `payload` decodes to: the cached content of this session if it was
    /// decoded from the same payload, else a new one.
    pub(super) fn content<E>(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: Bytes,
        decode: impl FnOnce(Bytes) -> Result<StoredContent<D>, E>,
    ) -> Result<Arc<StoredContent<D>>, E> {
        if is_shared(&payload)
            && let Some(stored) = self.contents.place(user, id).find(user, id, &payload)
        {
            return Ok(stored);
        }
        let mut stored = decode(payload)?;
        stored.weight = self.data_size.weigh(&stored);
        Ok(Arc::new(stored))
    }

    /// Caches what is known about a token.
    ///
    /// If the session's content has changed, this token becomes the owner of the new content, and
    /// the entries that share the old content are removed.
    pub(super) fn insert(&self, token: Key, known: CacheEntry<D>) {
        let CacheEntry::Live(live) = known else {
            return self.put(token, Entry::CacheEntry(known));
        };
        if !is_shared(&live.state.stored.payload) {
            return self.put(token, Entry::Owner(live));
        }
        let place = self.contents.place(&live.state.user, &live.state.id);
        let entry = match place.add(&token, &live) {
            Added::Owner { replaced } => {
                self.remove_all(replaced);
                Entry::Owner(Arc::clone(&live))
            }
            Added::Sharer => Entry::CacheEntry(CacheEntry::Live(Arc::clone(&live))),
            // Do not cache a second copy. The token's next request shares the copy that is in the
            // table.
            Added::Duplicate => return,
        };
        self.put(token.clone(), entry);
        // Check again: between `add` and `put`, another thread may have removed the content and the
        // entries that were then in the cache. That thread could not remove this entry, because
        // this entry was not yet in the cache.
        if !place.has(&live) {
            self.remove(&token, live.address());
        }
    }

    /// Number of cached tokens.
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    /// Total weight of all entries, in bytes.
    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }

    fn put(&self, key: Key, entry: Entry<D>) {
        let mut evicted = Evicted::new();
        self.cache.insert_with_lifecycle(key, entry, &mut evicted);
        for (key, entry) in evicted {
            if let CacheEntry::Live(live) = entry.into_known()
                && is_shared(&live.state.stored.payload)
            {
                self.remove_all(self.contents.take(&key, &live));
            }
        }
    }

    /// Removes the entries that share a content that is no longer cached.
    fn remove_all(&self, content: Option<Box<Content<D>>>) {
        for (entry, token) in content.into_iter().flat_map(|content| content.into_entries()) {
            self.remove(&token, entry);
        }
    }

    /// Removes the entry of a token, if the entry has this address. A newer entry of the same token
    /// stays.
    fn remove(&self, token: &Key, address: EntryAddress) {
        let is_this = |entry: &Entry<D>| entry.live().is_some_and(|live| live.address() == address);
        drop(self.cache.remove_if(token, is_this));
    }
}

impl<D> Entry<D> {
    fn into_known(self) -> CacheEntry<D> {
        match self {
            Self::CacheEntry(known) => known,
            Self::Owner(live) => CacheEntry::Live(live),
        }
    }

    fn live(&self) -> Option<&Arc<Live<D>>> {
        match self {
            Self::CacheEntry(CacheEntry::Live(live)) | Self::Owner(live) => Some(live),
            Self::CacheEntry(CacheEntry::Ended(_)) => None,
        }
    }
}

impl<D> Weighter<Key, Entry<D>> for Weights {
    fn weight(&self, key: &Key, entry: &Entry<D>) -> u64 {
        match entry {
            Entry::CacheEntry(CacheEntry::Live(live)) => self.entry(key, live.own_size()),
            Entry::CacheEntry(CacheEntry::Ended(ended)) => {
                self.entry(key, size_of::<Ended>() + ended.claims.heap_size())
            }
            Entry::Owner(live) => self.entry(key, live.own_size()) + live.state.stored.weight,
        }
    }
}

impl<D> Lifecycle<Key, Entry<D>> for Collector {
    type RequestState = Evicted<D>;

    fn on_evict(&self, evicted: &mut Evicted<D>, key: Key, entry: Entry<D>) {
        evicted.push((key, entry));
    }
}

// Implemented by hand, because a derive would require `D: Clone`.
impl<D> Clone for Entry<D> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::CacheEntry(known) => Self::CacheEntry(known.clone()),
            Self::Owner(live) => Self::Owner(Arc::clone(live)),
        }
    }
}

#[cfg(test)]
mod tests;
