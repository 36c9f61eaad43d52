//! Response bodies of readiness and liveness.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::cache::{NearCacheState, NearCacheStats};
use crate::error::StoreErrorKind;
use crate::manager::Health;
use crate::worker::WorkerState;

/// How the service is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Readiness {
    status: HealthStatus,
    store: StoreHealth,
    cache: CacheHealth,
    worker: WorkerHealth,
}

/// How the service is, in one word.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Healthy,
    Degraded,
}

/// How the session store is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StoreHealth {
    /// `memory`, `redis`, or what another store calls itself.
    kind: &'static str,
    /// Whether it answered. A server that is not the primary counts as not connected.
    connected: bool,
    /// Whether it answered and takes writes. If not, living sessions are served, and logins are refused.
    writable: bool,
    /// What is wrong with it: `unavailable`, `not_primary`, `write_refused` or another kind of store error; `null` for a
    /// store that answers and takes writes.
    #[schema(required)]
    problem: Option<&'static str>,
    /// The server's version, where there is a server that answered.
    #[schema(required)]
    version: Option<String>,
    /// How long the answer took, in milliseconds.
    #[schema(required, minimum = 0)]
    latency_ms: Option<f64>,
}

/// How the near cache of this process is. Counts are since its start.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CacheHealth {
    /// Whether what is answered is what the store says: without asking it for each request, or, where the cache is off or
    /// refused, by asking it.
    coherent: bool,
    /// Off; refused by the server; connecting, so that each request asks the store; or coherent.
    state: CacheState,
    /// For how long it has been in this state, in seconds.
    #[schema(minimum = 0)]
    since_seconds: f64,
    /// Tokens that it knows something about.
    entries: usize,
    /// Requests answered without asking the store.
    hits: u64,
    /// Requests that asked it.
    misses: u64,
    /// Answers read to be kept.
    fills: u64,
    /// Changes that the store told of.
    invalidations: u64,
    /// Connections that told of changes, and were lost.
    lost_links: u64,
    /// Requests let in with what was known before the store went away.
    stale_served: u64,
    /// How long the last change of its own key took to be known here, in milliseconds.
    #[schema(required, minimum = 0)]
    lag_ms: Option<f64>,
}

/// The background worker, which extends sessions that are used, delivers events and keeps the near cache coherent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WorkerHealth {
    /// It was not started.
    NotStarted,
    Running,
    /// It was stopped: the service shuts down.
    Stopped,
    /// It was dropped, or its task ended.
    Lost,
}

impl From<WorkerState> for WorkerHealth {
    fn from(state: WorkerState) -> Self {
        match state {
            WorkerState::NotStarted => Self::NotStarted,
            WorkerState::Running => Self::Running,
            WorkerState::Stopped => Self::Stopped,
            WorkerState::Lost => Self::Lost,
        }
    }
}

/// The near cache, in one word.
#[derive(Clone, Copy, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CacheState {
    Off,
    Refused,
    Connecting,
    Coherent,
}

impl CacheHealth {
    fn new(cache: NearCacheStats, connected: bool) -> Self {
        let state = match cache.state {
            NearCacheState::Off => CacheState::Off,
            NearCacheState::Refused => CacheState::Refused,
            NearCacheState::Connecting => CacheState::Connecting,
            NearCacheState::Coherent => CacheState::Coherent,
        };
        Self {
            coherent: match state {
                CacheState::Coherent => true,
                // Without the cache each request asks the store, so the answer is current.
                CacheState::Off | CacheState::Refused => connected,
                CacheState::Connecting => false,
            },
            state,
            since_seconds: cache.since.as_millis() as f64 / 1e3,
            entries: cache.entries,
            hits: cache.hits,
            misses: cache.misses,
            fills: cache.fills,
            invalidations: cache.invalidations,
            lost_links: cache.lost_links,
            stale_served: cache.stale_served,
            lag_ms: cache.lag.map(millis),
        }
    }
}

/// Converts a duration to milliseconds, rounded to microseconds.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl From<Health> for Readiness {
    fn from(health: Health) -> Self {
        let Health { kind, connected, writable, problem, version, latency, cache, worker } = health;
        let problem = problem.map(StoreErrorKind::as_str);
        let latency_ms = latency.map(millis);
        Self {
            status: if writable && worker == WorkerState::Running {
                HealthStatus::Healthy
            } else {
                HealthStatus::Degraded
            },
            store: StoreHealth { kind, connected, writable, problem, version, latency_ms },
            cache: CacheHealth::new(cache, connected),
            worker: worker.into(),
        }
    }
}

/// That the service runs.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Liveness {
    status: LivenessStatus,
}

/// That the service runs, in one word.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum LivenessStatus {
    Alive,
}

impl Liveness {
    pub(in crate::routes) fn alive() -> Self {
        Self { status: LivenessStatus::Alive }
    }
}
