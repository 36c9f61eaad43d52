//! The large contents of cached sessions: one content for all tokens of a session.
//!
//! If a client rotates refresh tokens, its session has several tokens. The content of the session
//! can be large, so its tokens share one content. One of the tokens owns the content. Only the
//! weight of the owner's cache entry includes the content, so the content is counted once. When the
//! owner's entry is removed from the cache, the content and the entries of the session's other
//! tokens are removed too. So this table holds only contents that a cached token owns.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::entry::{EntryAddress, Key, Live};
use crate::id::{SessionId, UserId};
use crate::session::StoredContent;

/// The number of tables (shards). Each has its own lock. A power of two.
const SHARDS: usize = 16;

/// The minimum size of a payload whose content is shared, in bytes.
///
/// A smaller content is copied for each token. Sharing it would save nothing: its place in the
/// table would take about as much memory as the copy, and most sessions have only one token.
/// Sharing would also make a miss 2 to 4 % slower.
pub(super) const SHARED_FROM: usize = 512;

/// Returns whether the tokens of a session share the content of this payload.
pub(super) fn is_shared(payload: &Bytes) -> bool {
    payload.len() >= SHARED_FROM
}

/// The large contents of all cached sessions.
pub(super) struct Contents<D> {
    shards: [Mutex<Table<D>>; SHARDS],
    hasher: RandomState,
}

/// Contents are boxed to keep the slots small. A growing table moves its slots, and small slots use
/// fewer cache lines.
type Table<D> = HashTable<Slot<D>>;

/// A content and its hash.
type Slot<D> = (u64, Box<Content<D>>);

/// The place of one session's content: its table, and its hash in that table.
pub(super) struct Place<'a, D> {
    shard: &'a Mutex<Table<D>>,
    hash: u64,
}

/// The content of a session, and the cache entries that share it.
pub(super) struct Content<D> {
    user: UserId,
    id: SessionId,
    stored: Arc<StoredContent<D>>,
    /// The token that owns the content.
    owner: Key,
    entries: Entries,
}

/// The cache entries that share the content. Each entry is listed with its address and its token.
/// While a new entry of the owner replaces the owner's old entry, both entries are listed.
struct Entries {
    /// Most sessions have one token, so one entry needs no allocation.
    first: Option<(EntryAddress, Key)>,
    others: HashMap<EntryAddress, Key, RandomState>,
}

/// What [`Place::add`] did.
pub(super) enum Added<D> {
    /// The token owns the content. The caller must remove the entries of `replaced` from the cache.
    Owner { replaced: Option<Box<Content<D>>> },
    /// Another token owns the content.
    Sharer,
    /// Two requests decoded the same payload at the same time, and the table already holds the
    /// other request's copy. Nothing was added.
    Duplicate,
}

impl<D> Contents<D> {
    pub(super) fn new() -> Self {
        Self { shards: Default::default(), hasher: RandomState::default() }
    }

    /// Returns the place of a session's content.
    pub(super) fn place(&self, user: &UserId, id: &SessionId) -> Place<'_, D> {
        let hash = self.hasher.hash_one((user, id));
        let [first, ..] = &self.shards;
        // A table uses the low bits and the highest seven bits of the hash. So the shard is chosen
        // by other bits.
        let shard = (hash >> 32) as usize % SHARDS;
        Place { shard: self.shards.get(shard).unwrap_or(first), hash }
    }

    /// Removes an entry that is no longer cached for this token. If the content has no owner
    /// afterwards, removes the content too and returns it.
    pub(super) fn take(&self, token: &Key, live: &Arc<Live<D>>) -> Option<Box<Content<D>>> {
        self.place(&live.state.user, &live.state.id).take(token, live)
    }

    /// Removes and returns all contents.
    #[cfg(test)]
    pub(super) fn drain(&self) -> impl Iterator<Item = Content<D>> {
        let shards = self.shards.iter().map(|shard| std::mem::take(&mut *shard.lock().unwrap()));
        shards.flat_map(|table| table.into_iter().map(|(_, content)| *content))
    }
}

impl<D> Place<'_, D> {
    /// Returns the cached content of a session if it was decoded from this payload.
    pub(super) fn find(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: &Bytes,
    ) -> Option<Arc<StoredContent<D>>> {
        let table = self.lock();
        let (_, content) = table.find(self.hash, |(_, content)| content.is_of(user, id))?;
        (content.stored.payload == *payload).then(|| Arc::clone(&content.stored))
    }

    /// Adds the entry that the caller is about to cache for this token.
    pub(super) fn add(&self, token: &Key, live: &Arc<Live<D>>) -> Added<D> {
        let mut table = self.lock();
        let is_of = |(_, content): &Slot<D>| content.is_of(&live.state.user, &live.state.id);
        match table.find_mut(self.hash, is_of) {
            Some((_, content)) if content.is_shared_by(live) => {
                content.entries.insert(live.address(), token.clone());
                if content.owner == *token {
                    Added::Owner { replaced: None }
                } else {
                    Added::Sharer
                }
            }
            Some((_, content)) if content.stored.payload == live.state.stored.payload => {
                Added::Duplicate
            }
            Some((_, content)) => {
                let new = Box::new(Content::new(token, live));
                Added::Owner { replaced: Some(std::mem::replace(content, new)) }
            }
            None => {
                let slot = (self.hash, Box::new(Content::new(token, live)));
                table.insert_unique(self.hash, slot, |(hash, _)| *hash);
                Added::Owner { replaced: None }
            }
        }
    }

    fn take(&self, token: &Key, live: &Arc<Live<D>>) -> Option<Box<Content<D>>> {
        let mut table = self.lock();
        let is_of = |(_, content): &Slot<D>| content.is_of(&live.state.user, &live.state.id);
        let mut found = table.find_entry(self.hash, is_of).ok()?;
        let (_, content) = found.get_mut();
        content.entries.remove(live.address())?;
        let is_owned = content.owner != *token || content.entries.contain(token);
        if is_owned { None } else { Some(found.remove().0.1) }
    }

    /// Returns whether this entry was added and its content is still in the table.
    pub(super) fn has(&self, live: &Arc<Live<D>>) -> bool {
        let is_of = |(_, content): &Slot<D>| content.is_of(&live.state.user, &live.state.id);
        self.lock()
            .find(self.hash, is_of)
            .is_some_and(|(_, content)| content.entries.has(live.address()))
    }

    fn lock(&self) -> MutexGuard<'_, Table<D>> {
        // No code that runs under this lock panics, and no table is ever left half-written. So a
        // poisoned lock is safe to use.
        self.shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Content<D> {
    fn new(token: &Key, live: &Arc<Live<D>>) -> Self {
        Self {
            user: live.state.user.clone(),
            id: live.state.id.clone(),
            stored: Arc::clone(&live.state.stored),
            owner: token.clone(),
            entries: Entries {
                first: Some((live.address(), token.clone())),
                others: HashMap::default(),
            },
        }
    }

    fn is_of(&self, user: &UserId, id: &SessionId) -> bool {
        self.id == *id && self.user == *user
    }

    fn is_shared_by(&self, live: &Arc<Live<D>>) -> bool {
        Arc::ptr_eq(&self.stored, &live.state.stored)
    }

    /// Returns the cache entries that share the content: the address and the token of each.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (EntryAddress, Key)> {
        let Entries { first, others } = self.entries;
        first.into_iter().chain(others)
    }
}

impl Entries {
    fn insert(&mut self, entry: EntryAddress, token: Key) {
        match &self.first {
            Some((first, _)) if *first != entry => drop(self.others.insert(entry, token)),
            _ => self.first = Some((entry, token)),
        }
    }

    fn remove(&mut self, entry: EntryAddress) -> Option<Key> {
        match self.first.take_if(|(first, _)| *first == entry) {
            Some((_, token)) => Some(token),
            None => self.others.remove(&entry),
        }
    }

    fn has(&self, entry: EntryAddress) -> bool {
        self.first.as_ref().is_some_and(|(first, _)| *first == entry)
            || self.others.contains_key(&entry)
    }

    fn contain(&self, token: &Key) -> bool {
        self.first.iter().map(|(_, key)| key).chain(self.others.values()).any(|key| key == token)
    }
}
