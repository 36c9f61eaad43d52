//! What the routes answer to who watches the service.

use serde::Serialize;
use utoipa::ToSchema;

use crate::manager::Health;

/// How the service is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Readiness {
    /// In one word.
    #[schema(inline)]
    status: Condition,
    #[schema(inline)]
    store: StoreCondition,
    #[schema(inline)]
    cache: CacheCondition,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Healthy,
    Degraded,
}

/// How the session store is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StoreCondition {
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
struct CacheCondition {
    coherent: bool,
}

impl From<Health> for Readiness {
    fn from(health: Health) -> Self {
        let Health { kind, connected, version, latency } = health;
        let latency_ms = latency.map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3);
        Self {
            status: if connected { Condition::Healthy } else { Condition::Degraded },
            store: StoreCondition { kind, connected, version, latency_ms },
            cache: CacheCondition { coherent: connected },
        }
    }
}

/// That the service runs.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Liveness {
    /// In one word.
    #[schema(inline)]
    status: Alive,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Alive {
    Alive,
}

impl Liveness {
    pub(in crate::routes) fn alive() -> Self {
        Self { status: Alive::Alive }
    }
}
