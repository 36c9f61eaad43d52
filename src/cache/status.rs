//! State and counters of the near cache, for health checks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::coherence::{InvalidationState, Tick};
use crate::store::Tracker;

/// Whether the near cache is in use at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NearCacheState {
    /// Not in use: the near cache is switched off, the store sends no invalidations, or the worker
    /// is not running.
    Off,
    /// The server refuses to send invalidations. Each request asks the store.
    Refused,
    /// No invalidation connection is trusted at the moment. Each request asks the store.
    Connecting,
    /// In use: cached sessions equal the sessions in the store, or are older by at most the lease.
    Coherent,
}

impl NearCacheState {
    /// Returns the state as stable text in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Refused => "refused",
            Self::Connecting => "connecting",
            Self::Coherent => "coherent",
        }
    }
}

/// State and counters of one manager's near cache, returned by [`SessionManager::near_cache`]. All
/// counters start at zero when the manager is created.
///
/// [`SessionManager::near_cache`]: crate::SessionManager::near_cache
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NearCacheStats {
    /// Whether the near cache is in use.
    pub state: NearCacheState,
    /// How long the near cache has been in this state.
    pub since: Duration,
    /// The current number of entries. Tokens of live sessions and tokens of sessions that are over
    /// both have entries. An entry that is no longer valid is counted too.
    pub entries: usize,
    /// Current weight of the entries and of their sessions' contents, in bytes. Its limit is
    /// [`near_cache_bytes`](crate::manager::SessionManagerBuilder::near_cache_bytes).
    pub bytes: u64,
    /// Requests that the near cache answered without asking the store.
    pub hits: u64,
    /// Requests with a valid token that the near cache could not answer.
    pub misses: u64,
    /// Reads whose result may be cached. A result "no such session" is included.
    pub fills: u64,
    /// Invalidations that the store sent.
    pub invalidations: u64,
    /// Invalidation connections that were lost.
    pub lost_links: u64,
    /// Requests that [`ServeStale`](crate::FailurePolicy::ServeStale) let in.
    pub stale_served: u64,
    /// The delay of the last probe: the time from sending the write of the probe key until the
    /// invalidation of this key arrived in this process. The delay is measured each second, or with
    /// each heartbeat if the heartbeat interval is longer than a second. `None` before the first
    /// probe.
    pub lag: Option<Duration>,
}

impl NearCacheStats {
    /// The state of a manager without a near cache.
    pub(crate) fn off(since: Tick) -> Self {
        Self {
            state: NearCacheState::Off,
            since: Tick::now().since(since),
            entries: 0,
            bytes: 0,
            hits: 0,
            misses: 0,
            fills: 0,
            invalidations: 0,
            lost_links: 0,
            stale_served: 0,
            lag: None,
        }
    }
}

pub(super) fn of(tracker: &dyn Tracker, entries: usize, bytes: u64) -> NearCacheStats {
    let counters = tracker.counters();
    let (state, since) = counters.state();
    // True if the connection does not answer: its lease has run out, but the loss of the connection
    // is not recorded yet. In that case, the near cache reports the state `Connecting`, and reports
    // that this state begins now.
    let hangs = state == InvalidationState::Trusted && !tracker.is_coherent();
    let since = if hangs { Tick::now() } else { since };
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    NearCacheStats {
        state: match state {
            InvalidationState::Off => NearCacheState::Off,
            InvalidationState::Refused => NearCacheState::Refused,
            InvalidationState::Trusted if !hangs => NearCacheState::Coherent,
            InvalidationState::Connecting | InvalidationState::Trusted => {
                NearCacheState::Connecting
            }
        },
        entries,
        bytes,
        hits: counters.hits.total(),
        misses: read(&counters.misses),
        fills: read(&counters.fills),
        invalidations: read(&counters.invalidations),
        lost_links: read(&counters.lost_links),
        stale_served: read(&counters.stale_served),
        lag: counters.lag(),
        ..NearCacheStats::off(since)
    }
}
