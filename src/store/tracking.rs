//! What a store can do beside the contract: tell when something that was read has changed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::erased::Answer;
use crate::clock::Timestamp;
use crate::coherence::{Figures, Stamp, Tick};
use crate::id::{SessionId, UserId};

/// That a store tells when what was read from it has changed, so that a process may remember it: what
/// [`SessionStore::tracking`](super::SessionStore::tracking) returns.
///
/// Only [`RedisStore`](super::RedisStore) makes one. A store that wraps another may hand on what that returns: whatever
/// is remembered has then not passed through the wrapper.
pub struct Tracking(pub(crate) Arc<dyn Tracker>);

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking").finish_non_exhaustive()
    }
}

/// What was loaded, and whether a change of it will be told.
pub(crate) struct Tracked {
    pub(crate) record: Option<Record>,
    pub(crate) is_tracked: bool,
}

/// Reads with the promise to tell of changes, for one manager.
pub(crate) trait Tracker: Send + Sync + 'static {
    /// What is known of a user's sessions before a question is sent; `None` while nobody would tell of changes.
    fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp>;

    /// [`load`](super::SessionStore::load), by a question that is sent after `stamp` was taken.
    fn load<'a>(
        &'a self,
        stamp: &'a Stamp,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Tracked>;

    /// Sessions of this user have just been changed from here.
    fn changed(&self, user: &UserId);

    /// Keeps in touch with the store, until it is dropped. Called once.
    fn run(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Whether changes are told now, for all that is known.
    fn is_coherent(&self) -> bool;

    /// How long what was read counts without a word from the store.
    fn lease(&self) -> Duration;

    /// How often the store is asked for such a word.
    fn beat(&self) -> Duration;

    fn figures(&self) -> &Arc<Figures>;
}
