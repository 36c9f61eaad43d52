//! The near cache: what this process knows about the tokens it was shown, and how sure it may be of it.
//!
//! One entry holds what a request needs, claims and session, under the whole text of a *verified* token. It is used while
//! its [`Kept`](crate::coherence::Kept) says so, and asked about again otherwise; nothing is ever removed because it is
//! old, it is replaced.
//!
//! A hit costs one hash, one lookup with a comparison of the whole token, and some comparisons: no question, no
//! allocation, no lock held across anything.

mod contents;
mod entries;
mod failure;
mod flights;
mod known;
mod status;
mod weight;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::entries::Entries;
pub(crate) use self::failure::LoadFailure;
use self::flights::Flights;
use self::known::Lookup;
pub(crate) use self::known::{Ended, Key, Known};
pub use self::status::{NearCache, NearCacheState};
pub(crate) use self::weight::{Capacity, DataSize};
use crate::coherence::{Figures, Stamp, Tick};
use crate::id::{SessionId, UserId};
use crate::session::StoredContent;
use crate::store::Tracker;

/// What a process knows about tokens.
pub(crate) struct Near<D> {
    /// Bounded; what was asked for once goes before what is asked for often.
    entries: Entries<D>,
    flights: Flights<D>,
    tracker: Arc<dyn Tracker>,
    // Both are the tracker's: a hit asks nobody through a pointer.
    lease: Duration,
    figures: Arc<Figures>,
}

impl<D> Near<D> {
    pub(crate) fn new(
        capacity: Capacity,
        data_size: DataSize<D>,
        tracker: Arc<dyn Tracker>,
    ) -> Self {
        let entries = Entries::new(capacity, data_size);
        let (lease, figures) = (tracker.lease(), Arc::clone(tracker.figures()));
        Self { entries, flights: Flights::default(), tracker, lease, figures }
    }

    /// What is known about a token, for who demands `audience`.
    pub(crate) fn find(&self, audience: u32, token: &[u8]) -> Option<Known<D>> {
        self.entries.find(&Lookup { audience, token })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Known<D>> {
        self.entries.get(key)
    }

    pub(crate) fn insert(&self, key: Key, known: Known<D>) {
        self.entries.insert(key, known);
    }

    /// The content that `payload` decodes to, shared with the session's other tokens.
    ///
    /// # Errors
    ///
    /// Those of `decode`.
    pub(crate) fn content<E>(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: Bytes,
        decode: impl FnOnce(Bytes) -> Result<StoredContent<D>, E>,
    ) -> Result<Arc<StoredContent<D>>, E> {
        self.entries.content(user, id, payload, decode)
    }

    /// What is known of a user's sessions before a question is sent; `None` while nobody would tell of changes.
    pub(crate) fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp> {
        self.tracker.stamp(user, now)
    }

    pub(crate) fn tracker(&self) -> &Arc<dyn Tracker> {
        &self.tracker
    }

    /// How long the store's last word on a session counts.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    pub(crate) fn flights(&self) -> &Flights<D> {
        &self.flights
    }

    pub(crate) fn status(&self) -> NearCache {
        status::of(&*self.tracker, self.entries.len(), self.entries.weight())
    }
}
