//! How the near cache is doing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::coherence::{LinkState, Tick};
use crate::store::Tracker;

/// Whether a process may remember sessions at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NearCacheState {
    /// It does not: switched off, a store that does not tell of changes, or a worker that was not started.
    Off,
    /// The server refuses to tell of changes. Each request asks it.
    Refused,
    /// There is no connection that tells of changes now. Each request asks the store.
    Connecting,
    /// What is remembered is what the store has, but for the lease at most.
    Coherent,
}

impl NearCacheState {
    /// The state in stable `snake_case`.
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

/// How the near cache of one manager is doing: what [`SessionManager::near_cache`] returns. Counts are since the start.
///
/// [`SessionManager::near_cache`]: crate::SessionManager::near_cache
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NearCache {
    /// Whether it is used.
    pub state: NearCacheState,
    /// For how long it has been in this state.
    pub since: Duration,
    /// Entries now, used or not: tokens of living sessions, and tokens of sessions that have ended.
    pub entries: usize,
    /// What the entries and the contents of their sessions weigh now, of
    /// [`near_cache_bytes`](crate::SessionManagerBuilder::near_cache_bytes).
    pub bytes: u64,
    /// Requests that were answered without asking the store.
    pub hits: u64,
    /// Requests that asked.
    pub misses: u64,
    /// Sessions, or that there is none, read to be remembered.
    pub fills: u64,
    /// Changes that the store told of.
    pub invalidations: u64,
    /// Connections that told of changes, and were lost.
    pub lost_links: u64,
    /// Requests that were let in by [`ServeStale`](crate::FailurePolicy::ServeStale).
    pub stale_served: u64,
    /// How long the last change of the link's own key took, from being sent to being known here. Measured
    /// each second, or with each beat if those are rarer.
    pub lag: Option<Duration>,
}

impl NearCache {
    /// That of a manager without one.
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

pub(super) fn of(tracker: &dyn Tracker, entries: usize, bytes: u64) -> NearCache {
    let figures = tracker.figures();
    let (state, since) = figures.link();
    // It hangs, and nobody has given it up yet: since a moment ago.
    let hangs = state == LinkState::Trusted && !tracker.is_coherent();
    let since = if hangs { Tick::now() } else { since };
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    NearCache {
        state: match state {
            LinkState::Off => NearCacheState::Off,
            LinkState::Refused => NearCacheState::Refused,
            LinkState::Trusted if !hangs => NearCacheState::Coherent,
            LinkState::Connecting | LinkState::Trusted => NearCacheState::Connecting,
        },
        entries,
        bytes,
        hits: figures.hits.total(),
        misses: read(&figures.misses),
        fills: read(&figures.fills),
        invalidations: read(&figures.invalidations),
        lost_links: read(&figures.lost_links),
        stale_served: read(&figures.stale_served),
        lag: figures.lag(),
        ..NearCache::off(since)
    }
}
