//! Invalidations, an optional operation of a store. An invalidation reports the change of a key
//! that this process has read.

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

/// The invalidations of a store, as returned by
/// [`MaintainStore::tracking`](super::MaintainStore::tracking). With invalidations, a process can
/// cache the sessions that it reads.
///
/// Only [`RedisStore`](super::RedisStore) creates a `Tracking`. A store that wraps another store
/// can return the `Tracking` of the inner store. In that case, reads for the cache go directly to
/// the inner store, not through the wrapper.
pub struct Tracking(pub(crate) Arc<dyn Tracker>);

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking").finish_non_exhaustive()
    }
}

/// A loaded record, and whether an invalidation will announce its next change.
pub(crate) struct Tracked {
    pub(crate) record: Option<Record>,
    pub(crate) is_tracked: bool,
}

/// Tracked reads for one manager: after such a read, the store sends invalidations for changes.
pub(crate) trait Tracker: Send + Sync + 'static {
    /// Returns the stamp of a user's sessions: the lease and the generation. The caller calls this
    /// function before it sends a read. Returns `None` while the invalidation connection is down.
    fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp>;

    /// Loads a session, as [`load`](super::SessionStore::load) does. The caller has taken `stamp`
    /// before this call.
    fn load<'a>(
        &'a self,
        stamp: &'a Stamp,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Tracked>;

    /// Tells the tracker that this process has just changed sessions of this user.
    fn invalidate(&self, user: &UserId);

    /// Keeps the invalidation connection open until the future is dropped. The worker calls this
    /// function once.
    fn run(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns whether invalidations for all cached entries arrive at present.
    fn is_coherent(&self) -> bool;

    /// Returns how long cached reads stay valid after the last answered heartbeat was sent.
    fn lease(&self) -> Duration;

    /// Returns the interval of the heartbeats, which renew the lease.
    fn heartbeat_interval(&self) -> Duration;

    /// Returns the metrics of the invalidation connection.
    fn counters(&self) -> &Arc<CacheCounters>;
}
