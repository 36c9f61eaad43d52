//! The entries of the near cache, bounded in number and in bytes.
//!
//! There are two kinds. One is for a token: its claims, its session, and until when both may be used. The other is for
//! the content of a session, which all tokens of that session share: a session has many tokens where refresh tokens
//! bring further ones, and its content may be large.
//!
//! Each entry is weighed for the bytes that it takes. The content has an entry and a weight of its own, so it is weighed
//! once, however many tokens share it, and as long as one of them does: when the content is evicted, or replaced, the
//! tokens that share it are removed with it. When its last token is evicted, the content is removed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;
use quick_cache::Lifecycle;
use quick_cache::sync::Cache;

use super::known::{Key, Known, Lookup, SessionLookup};
use super::weight::{Capacity, DataSize, Weights};
use crate::id::{SessionId, UserId};
use crate::session::{Session, StoredContent};

/// What the cache holds.
pub(super) enum Entry<D> {
    /// What is known about a token.
    Token(Known<D>),
    /// The content of a session.
    Content(Arc<Content<D>>),
}

/// The content of a session, and the tokens that share it.
pub(super) struct Content<D> {
    stored: Arc<StoredContent<D>>,
    pub(super) weight: u64,
    /// How many entries each token has here: for a moment two, while one replaces the other. `None` when this content
    /// is in the cache no more.
    tokens: Mutex<Option<HashMap<Key, u32, RandomState>>>,
}

/// What left the cache.
type Evicted<D> = Vec<(Key, Entry<D>)>;

/// Collects what leaves the cache, so that it is dropped when no shard is locked.
#[derive(Clone, Copy, Debug)]
struct Collector;

/// The entries of a near cache.
pub(super) struct Entries<D> {
    cache: Cache<Key, Entry<D>, Weights, RandomState, Collector>,
    contents: AtomicUsize,
    data_size: DataSize<D>,
}

impl<D> Entries<D> {
    pub(super) fn new(capacity: Capacity, data_size: DataSize<D>) -> Self {
        let (weights, options) = Weights::new(capacity);
        let cache = Cache::with_options(options, weights, RandomState::default(), Collector);
        Self { cache, contents: AtomicUsize::new(0), data_size }
    }

    pub(super) fn find(&self, token: &Lookup<'_>) -> Option<Known<D>> {
        known(self.cache.get(token))
    }

    pub(super) fn get(&self, token: &Key) -> Option<Known<D>> {
        known(self.cache.get(token))
    }

    /// The content that `payload` decodes to: the one that is cached for this session, if it is of the same payload, or
    /// a new one.
    pub(super) fn content<E>(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: Bytes,
        decode: impl FnOnce(Bytes) -> Result<StoredContent<D>, E>,
    ) -> Result<Arc<StoredContent<D>>, E> {
        let lookup = SessionLookup::new(user, id);
        let shared = |entry: Option<Entry<D>>, payload: &Bytes| match entry? {
            Entry::Content(content) if content.stored.payload == *payload => {
                Some(Arc::clone(&content.stored))
            }
            _ => None,
        };
        // A use, so that content which is read again and again stays.
        if let Some(stored) = shared(self.cache.get(&lookup), &payload) {
            return Ok(stored);
        }
        let stored = Arc::new(decode(payload)?);
        // Another request may have been faster; its content has tokens already.
        if let Some(stored) = shared(self.cache.peek(&lookup), &stored.payload) {
            return Ok(stored);
        }
        let weight = self.data_size.weigh(&stored);
        let content = Content::new(Arc::clone(&stored), weight);
        self.contents.fetch_add(1, Ordering::Relaxed);
        self.put(Key::of_session(user, id), Entry::Content(Arc::new(content)));
        Ok(stored)
    }

    /// Caches what is known about a token; but not a session whose content is not cached any more.
    pub(super) fn insert(&self, token: Key, known: Known<D>) {
        let Known::Lives(session) = &known else { return self.put(token, Entry::Token(known)) };
        let Some(content) = self.content_of(session) else { return };
        if !content.add(&token) {
            return;
        }
        self.put(token.clone(), Entry::Token(known));
        // Whatever removes the content removes the tokens that it finds after it is marked; this one may have come later.
        if content.is_evicted() {
            self.remove(&token, &content);
        }
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.cache.len().saturating_sub(self.contents.load(Ordering::Relaxed))
    }

    /// The weight of all entries, in bytes.
    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }

    /// The cached content of a session, if this session has that very content.
    fn content_of(&self, session: &Session<D>) -> Option<Arc<Content<D>>> {
        let lookup = SessionLookup::new(session.user_id(), session.id());
        match self.cache.peek(&lookup)? {
            Entry::Content(content) if content.is_of(session) => Some(content),
            _ => None,
        }
    }

    fn put(&self, key: Key, entry: Entry<D>) {
        let mut evicted = Evicted::new();
        self.cache.insert_with_lifecycle(key, entry, &mut evicted);
        for (key, entry) in evicted {
            match entry {
                Entry::Token(Known::Lives(session)) => {
                    if let Some(content) = self.content_of(&session)
                        && content.take(&key)
                    {
                        self.remove_content(&session);
                    }
                }
                Entry::Token(Known::Ended(_)) => {}
                Entry::Content(content) => self.has_left(&content),
            }
        }
    }

    /// Removes the content of a session, whose last token was evicted. It would take memory and serve nothing.
    fn remove_content(&self, session: &Session<D>) {
        let lookup = SessionLookup::new(session.user_id(), session.id());
        let is_unused = |entry: &Entry<D>| match entry {
            Entry::Content(content) => content.is_of(session) && content.is_unused(),
            Entry::Token(_) => false,
        };
        if let Some((_, Entry::Content(content))) = self.cache.remove_if(&lookup, is_unused) {
            self.has_left(&content);
        }
    }

    /// Removes the tokens that share a content which is in the cache no more.
    fn has_left(&self, content: &Content<D>) {
        self.contents.fetch_sub(1, Ordering::Relaxed);
        for token in content.evict() {
            self.remove(&token, content);
        }
    }

    /// Removes a token that shares this content.
    fn remove(&self, token: &Key, content: &Content<D>) {
        let shares = |entry: &Entry<D>| match entry {
            Entry::Token(Known::Lives(session)) => content.is_of(session),
            _ => false,
        };
        drop(self.cache.remove_if(token, shares));
    }
}

fn known<D>(entry: Option<Entry<D>>) -> Option<Known<D>> {
    match entry? {
        Entry::Token(known) => Some(known),
        Entry::Content(_) => None,
    }
}

impl<D> Content<D> {
    fn new(stored: Arc<StoredContent<D>>, weight: u64) -> Self {
        Self { stored, weight, tokens: Mutex::new(Some(HashMap::default())) }
    }

    fn is_of(&self, session: &Session<D>) -> bool {
        Arc::ptr_eq(&self.stored, &session.state().stored)
    }

    /// Counts an entry of a token; `false` if this content is in the cache no more.
    fn add(&self, token: &Key) -> bool {
        let mut tokens = self.lock();
        let Some(tokens) = tokens.as_mut() else { return false };
        *tokens.entry(token.clone()).or_default() += 1;
        true
    }

    /// Takes back what [`add`](Self::add) has counted. Returns whether no token is left.
    fn take(&self, token: &Key) -> bool {
        let mut tokens = self.lock();
        let Some(tokens) = tokens.as_mut() else { return false };
        if let Some(count) = tokens.get_mut(token) {
            *count -= 1;
            if *count == 0 {
                tokens.remove(token);
            }
        }
        tokens.is_empty()
    }

    /// Whether no token shares this content.
    fn is_unused(&self) -> bool {
        self.lock().as_ref().is_none_or(HashMap::is_empty)
    }

    /// Marks this content as one that is in the cache no more, and returns the tokens that shared it.
    fn evict(&self) -> impl Iterator<Item = Key> {
        self.lock().take().into_iter().flat_map(HashMap::into_keys)
    }

    fn is_evicted(&self) -> bool {
        self.lock().is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<Key, u32, RandomState>>> {
        // Nothing in here panics, and a table is never left half-written.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Lifecycle<Key, Entry<D>> for Collector {
    type RequestState = Evicted<D>;

    fn on_evict(&self, evicted: &mut Evicted<D>, key: Key, entry: Entry<D>) {
        evicted.push((key, entry));
    }
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Entry<D> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Token(known) => Self::Token(known.clone()),
            Self::Content(content) => Self::Content(Arc::clone(content)),
        }
    }
}

#[cfg(test)]
mod tests;
