//! An optional ability of a store: invalidations, which tell a process when something that it read
//! has changed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::answer::Answer;
use crate::clock::Timestamp;
use crate::coherence::{CacheCounters, Stamp, Tick};
use crate::id::{SessionId, UserId};

/// The invalidations of a store, which allow a process to cache what it reads. Returned by
/// [`SessionStore::tracking`](super::SessionStore::tracking).
///
/// Only [`RedisStore`](super::RedisStore) creates one. A store that wraps another store may return
/// the value of the inner store. Cached reads then bypass the wrapper.
pub struct Tracking(pub(crate) Arc<dyn Tracker>);

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking").finish_non_exhaustive()
    }
}

/// A record that was loaded, and whether a change to it will be announced by an invalidation.
pub(crate) struct Tracked {
    pub(crate) record: Option<Record>,
    pub(crate) is_tracked: bool,
}

/// Reads that are followed by invalidations, for one manager.
pub(crate) trait Tracker: Send + Sync + 'static {
    /// Returns the validity (lease and generation) of a user's sessions, taken before a read is
    /// sent. `None` while the invalidation connection is down.
    fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp>;

    /// Does [`load`](super::SessionStore::load). The read is sent after `stamp` was taken.
    fn load<'a>(
        &'a self,
        stamp: &'a Stamp,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Tracked>;

    /// Tells the tracker that this process has just changed sessions of this user.
    fn invalidate(&self, user: &UserId);

    /// Keeps the invalidation connection open until the future is dropped. Called once.
    fn run(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns whether invalidations arrive now for everything that is cached.
    fn is_coherent(&self) -> bool;

    /// Returns how long cached reads are valid without a new answer from the store.
    fn lease(&self) -> Duration;

    /// Returns the interval of the heartbeat, which asks the store for such an answer.
    fn heartbeat_interval(&self) -> Duration;

    /// Returns the metrics of the invalidation connection.
    fn counters(&self) -> &Arc<CacheCounters>;
}
