//! What the routes answer to who watches the service.

use serde::Serialize;
use utoipa::ToSchema;

use crate::manager::Health;

/// How the service is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Readiness {
    status: HealthStatus,
    store: StoreHealth,
    cache: CacheHealth,
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
    /// Whether it answered.
    connected: bool,
    /// The server's version, where there is a server that answered.
    #[schema(required)]
    version: Option<String>,
    /// How long the answer took, in milliseconds.
    #[schema(required, minimum = 0)]
    latency_ms: Option<f64>,
}

/// Whether what is answered is what the store says.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CacheHealth {
    coherent: bool,
}

impl From<Health> for Readiness {
    fn from(health: Health) -> Self {
        let Health { kind, connected, version, latency } = health;
        let latency_ms = latency.map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3);
        Self {
            status: if connected { HealthStatus::Healthy } else { HealthStatus::Degraded },
            store: StoreHealth { kind, connected, version, latency_ms },
            cache: CacheHealth { coherent: connected },
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
