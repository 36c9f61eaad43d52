//! The health of the store, of the near cache and of the worker.

use std::time::Duration;

use tokio::time::Instant;

use super::SessionManager;
use crate::cache::NearCacheStats;
use crate::resilience::Operation;
use crate::session::SessionData;
use crate::store::{StoreErrorKind, StoreHealth};
use crate::worker::WorkerState;

/// The health of the store, of the near cache and of the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// `"memory"`, `"redis"`, or the name that a custom store gives itself.
    pub kind: &'static str,
    /// Whether the store answered. This is `false` also if the server is not the primary.
    pub connected: bool,
    /// Whether the store answered and accepts writes. While the store accepts no writes (for
    /// instance because its server is out of memory), requests of live sessions still pass. Logins
    /// and changes fail with 503.
    pub writable: bool,
    /// The kind of the problem, while the store does not answer or accepts no writes.
    pub problem: Option<StoreErrorKind>,
    /// The version of the server, if the store has a server and it answered.
    pub version: Option<String>,
    /// The latency of the answer.
    pub latency: Option<Duration>,
    /// The state of this process's near cache.
    pub cache: NearCacheStats,
    /// The state of this manager's background worker.
    pub worker: WorkerState,
}

impl<D: SessionData> SessionManager<D> {
    /// Asks the store for its health, within the store timeout.
    pub async fn health(&self) -> Health {
        let store_client = &self.shared.store_client;
        let asked = Instant::now();
        let answer = store_client.ask(Operation::Health, |store| store.health()).await;
        let (latency, kind, cache) = (asked.elapsed(), store_client.kind(), self.near_cache());
        let worker = self.shared.touches.worker_state();
        match answer {
            Ok(StoreHealth { version, writable, .. }) => Health {
                kind,
                connected: true,
                writable,
                problem: (!writable).then_some(StoreErrorKind::WriteRefused),
                version,
                latency: Some(latency),
                cache,
                worker,
            },
            Err(error) => Health {
                kind,
                connected: false,
                writable: false,
                problem: Some(error.kind()),
                version: None,
                latency: None,
                cache,
                worker,
            },
        }
    }

    /// Returns the number of touches since the start that were dropped because the touch queue was
    /// full or its worker had stopped.
    #[must_use]
    pub fn dropped_touches(&self) -> u64 {
        self.shared.touches.dropped()
    }
}
