//! Response bodies of health, readiness and liveness.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::cache::{NearCacheState, NearCacheStats};
use crate::error::StoreErrorKind;
use crate::manager;
use crate::worker::WorkerState;

/// The state of the service.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Health {
    status: HealthStatus,
    store: StoreHealth,
    cache: CacheHealth,
    worker: WorkerHealth,
}

/// `healthy` if the session store accepts writes and the background worker runs, otherwise
/// `degraded`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Healthy,
    Degraded,
}

/// The state of the session store.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StoreHealth {
    /// `memory`, `redis`, or the name that a custom store gives itself.
    kind: &'static str,
    /// Whether the store answered. A server that is not the primary counts as not connected.
    connected: bool,
    /// Whether the store answered and accepts writes. While it answers but accepts no writes,
    /// requests with live sessions pass, and logins are refused.
    writable: bool,
    /// The problem: `unavailable`, `not_primary`, `write_refused` or another kind of store error.
    /// `null` if the store answers and accepts writes.
    #[schema(required)]
    problem: Option<&'static str>,
    /// The version of the server, if the store has a server and it answered.
    #[schema(required)]
    version: Option<String>,
    /// The latency of the answer, in milliseconds.
    #[schema(required, minimum = 0)]
    latency_ms: Option<f64>,
}

/// The state of the near cache of this process. The counters start at zero when
/// the process starts.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CacheHealth {
    /// Whether requests are decided by the current sessions of the store. `true` if the near cache
    /// is coherent. If it is off or refused, each request asks the store, and the value is that of
    /// `store.connected`. `false` while the near cache connects.
    coherent: bool,
    /// Off; refused by the server; connecting, while each request asks the store; or coherent.
    state: CacheState,
    /// How long the near cache has been in this state, in seconds.
    #[schema(minimum = 0)]
    since_seconds: f64,
    /// The number of cache entries: tokens of live sessions, and of sessions that are over.
    entries: usize,
    /// The number of requests that the near cache answered without asking the store.
    hits: u64,
    /// The number of requests with a valid token that the near cache could not answer.
    misses: u64,
    /// The number of reads whose result may be cached.
    fills: u64,
    /// The number of invalidations that the store sent.
    invalidations: u64,
    /// The number of invalidation connections that were lost.
    lost_links: u64,
    /// The number of requests that were let in with a stale session, while the store could not
    /// answer.
    stale_served: u64,
    /// The invalidation lag: the time from the last write of the probe key until its invalidation
    /// arrived, in milliseconds.
    #[schema(required, minimum = 0)]
    lag_ms: Option<f64>,
}

/// The state of the background worker. The worker extends used sessions, delivers events and keeps
/// the near cache coherent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WorkerHealth {
    /// The worker was not started.
    NotStarted,
    Running,
    /// The worker was stopped, because the service shuts down.
    Stopped,
    /// The worker was dropped, or its task ended before it was stopped.
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

/// The state of the near cache.
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

impl From<manager::Health> for Health {
    fn from(health: manager::Health) -> Self {
        let manager::Health { kind, connected, writable, problem, version, latency, cache, worker } =
            health;
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

/// The readiness of the service.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Readiness {
    status: ReadinessStatus,
}

/// `ready`: the service can answer requests that need a session. `unavailable`: it cannot.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReadinessStatus {
    Ready,
    Unavailable,
}

impl Readiness {
    pub(in crate::routes) fn ready() -> Self {
        Self { status: ReadinessStatus::Ready }
    }

    pub(in crate::routes) fn unavailable() -> Self {
        Self { status: ReadinessStatus::Unavailable }
    }
}

/// The liveness of the service.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Liveness {
    status: LivenessStatus,
}

/// `alive`: the service runs.
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
