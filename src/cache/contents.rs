//! The contents of cached sessions: one content for all tokens of a session.
//!
//! A session has several tokens when the client rotates refresh tokens, and its content may be
//! large. So one token owns the content: the weight of its cache entry includes the content, and
//! the content counts once. When the owner leaves the cache, the content leaves too, and so do the
//! entries of the session's other tokens. This table holds only contents that a cached token owns.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::entry::Key;
use crate::id::{SessionId, UserId};
use crate::session::{Session, SessionAddress, StoredContent};

/// Number of tables (shards). Each has its own lock. A power of two.
const SHARDS: usize = 16;

/// The contents of all cached sessions.
pub(super) struct Contents<D> {
    shards: [Mutex<Table<D>>; SHARDS],
    hasher: RandomState,
}

type Name = (UserId, SessionId);

type Table<D> = HashMap<Name, Content<D>, RandomState>;

/// The content of a session, and the cache entries that share it.
pub(super) struct Content<D> {
    stored: Arc<StoredContent<D>>,
    /// The token that owns the content.
    owner: Key,
    /// Maps the session value in each cache entry to the token of that entry. The owner has two for
    /// a moment, while a new entry replaces its old one.
    entries: HashMap<SessionAddress, Key, RandomState>,
}

/// What [`Contents::add`] did.
pub(super) enum Added<D> {
    /// The token owns the content. The caller removes the entries of `replaced` from the cache.
    Owner { replaced: Option<Content<D>> },
    /// Another token owns the content.
    Sharer,
    /// Two requests decoded the same payload at the same time, and the table already holds the
    /// other copy. Nothing was added.
    Duplicate,
}

impl<D> Contents<D> {
    pub(super) fn new() -> Self {
        Self { shards: Default::default(), hasher: RandomState::default() }
    }

    /// Returns the cached content of a session if it was decoded from this payload.
    pub(super) fn find(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: &Bytes,
    ) -> Option<Arc<StoredContent<D>>> {
        let name = (user.clone(), id.clone());
        let table = self.lock(&name);
        let content = table.get(&name).filter(|content| content.stored.payload == *payload)?;
        Some(Arc::clone(&content.stored))
    }

    /// Adds the session that the caller is about to cache for this token.
    pub(super) fn add(&self, token: &Key, session: &Session<D>) -> Added<D> {
        let name = name(session);
        let mut table = self.lock(&name);
        match table.get_mut(&name) {
            Some(content) if content.is_of(session) => {
                content.entries.insert(session.address(), token.clone());
                if content.owner == *token {
                    Added::Owner { replaced: None }
                } else {
                    Added::Sharer
                }
            }
            Some(content) if content.stored.payload == session.state().stored.payload => {
                Added::Duplicate
            }
            _ => Added::Owner { replaced: table.insert(name, Content::new(token, session)) },
        }
    }

    /// Removes a session that is no longer cached for this token. If the content has no owner after
    /// that, removes the content too and returns it.
    pub(super) fn take(&self, token: &Key, session: &Session<D>) -> Option<Content<D>> {
        let name = name(session);
        let mut table = self.lock(&name);
        let content = table.get_mut(&name)?;
        content.entries.remove(&session.address())?;
        let is_owned =
            content.owner != *token || content.entries.values().any(|other| other == token);
        if is_owned { None } else { table.remove(&name) }
    }

    /// Whether this session value (by address) was added and its content is still in the table.
    pub(super) fn has(&self, session: &Session<D>) -> bool {
        let name = name(session);
        self.lock(&name)
            .get(&name)
            .is_some_and(|content| content.entries.contains_key(&session.address()))
    }

    /// Removes and returns all contents.
    #[cfg(test)]
    pub(super) fn drain(&self) -> impl Iterator<Item = Content<D>> {
        let shards = self.shards.iter().map(|shard| std::mem::take(&mut *shard.lock().unwrap()));
        shards.flat_map(HashMap::into_values)
    }

    fn lock(&self, name: &Name) -> MutexGuard<'_, Table<D>> {
        let [first, ..] = &self.shards;
        let shard = self.hasher.hash_one(name) as usize % SHARDS;
        // No code that runs under this lock panics, and no table is ever left half-written, so a
        // poisoned lock is safe to use.
        self.shards.get(shard).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Content<D> {
    fn new(token: &Key, session: &Session<D>) -> Self {
        Self {
            stored: Arc::clone(&session.state().stored),
            owner: token.clone(),
            entries: HashMap::from_iter([(session.address(), token.clone())]),
        }
    }

    fn is_of(&self, session: &Session<D>) -> bool {
        Arc::ptr_eq(&self.stored, &session.state().stored)
    }

    /// The cache entries that share the content: the session value and the token of each.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (SessionAddress, Key)> {
        self.entries.into_iter()
    }
}

fn name<D>(session: &Session<D>) -> Name {
    (session.user_id().clone(), session.id().clone())
}
