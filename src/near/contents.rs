//! The contents of the sessions that cached tokens belong to: one for all tokens of a session.
//!
//! A session has many tokens where refresh tokens bring further ones, and its content may be large. One of the tokens
//! owns the content: its cache entry is weighed with the content, so the content counts once. When the owner leaves the
//! cache, the content and the session's other tokens leave too. A content that no cached token belongs to is not here.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::known::Key;
use crate::id::{SessionId, UserId};
use crate::session::{Session, SessionAddress, StoredContent};

/// How many tables there are, each with a lock of its own. A power of two.
const SHARDS: usize = 16;

/// The contents of sessions.
pub(super) struct Contents<D> {
    shards: [Mutex<Table<D>>; SHARDS],
    hasher: RandomState,
}

type Name = (UserId, SessionId);

type Table<D> = HashMap<Name, Content<D>, RandomState>;

/// The content of a session, and the cache entries that share it.
pub(super) struct Content<D> {
    stored: Arc<StoredContent<D>>,
    /// The token that owns it.
    owner: Key,
    /// Whose session each entry has, and of which token it is. The owner has two for a moment, while one replaces the
    /// other.
    entries: HashMap<SessionAddress, Key, RandomState>,
}

/// What became of a session that was added.
pub(super) enum Added<D> {
    /// Its token owns the content. What had its place is to leave the cache.
    Owner { replaced: Option<Content<D>> },
    /// Another token owns the content.
    Sharer,
    /// Two requests decoded the same payload at once, and the other one's copy is here.
    Duplicate,
}

impl<D> Contents<D> {
    pub(super) fn new() -> Self {
        Self { shards: Default::default(), hasher: RandomState::default() }
    }

    /// The content of a session, if this is its payload.
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

    /// Adds the session that is to be cached for this token.
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

    /// Takes out a session that is cached for this token no more. Returns the content if that leaves it without an owner.
    pub(super) fn take(&self, token: &Key, session: &Session<D>) -> Option<Content<D>> {
        let name = name(session);
        let mut table = self.lock(&name);
        let content = table.get_mut(&name)?;
        content.entries.remove(&session.address())?;
        let is_owned =
            content.owner != *token || content.entries.values().any(|other| other == token);
        if is_owned { None } else { table.remove(&name) }
    }

    /// Whether this very session was added, and its content is still here.
    pub(super) fn has(&self, session: &Session<D>) -> bool {
        let name = name(session);
        self.lock(&name)
            .get(&name)
            .is_some_and(|content| content.entries.contains_key(&session.address()))
    }

    /// Takes all of them out.
    #[cfg(test)]
    pub(super) fn drain(&self) -> impl Iterator<Item = Content<D>> {
        let shards = self.shards.iter().map(|shard| std::mem::take(&mut *shard.lock().unwrap()));
        shards.flat_map(HashMap::into_values)
    }

    fn lock(&self, name: &Name) -> MutexGuard<'_, Table<D>> {
        let [first, ..] = &self.shards;
        let shard = self.hasher.hash_one(name) as usize % SHARDS;
        // Nothing in here panics, and a table is never left half-written.
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

    /// The entries that share it: their tokens, and whose session each has.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (SessionAddress, Key)> {
        self.entries.into_iter()
    }
}

fn name<D>(session: &Session<D>) -> Name {
    (session.user_id().clone(), session.id().clone())
}
