//! The health of the store, of the near cache and of the worker.

use std::time::Duration;

use tokio::time::Instant;

use super::SessionManager;
use crate::authenticate::request_policy::FailurePolicy;
use crate::cache::{NearCacheState, NearCacheStats};
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
    /// Whether the store answered. `false` if the store did not answer, or if the server is not the
    /// primary.
    pub connected: bool,
    /// Whether the store answered and accepts writes. A store accepts no writes if, for example,
    /// its server is out of memory. In that case, layers still let in requests of live sessions,
    /// but logins and changes fail with 503.
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

impl Health {
    /// Returns whether a layer with this failure policy can let in requests of live sessions at the
    /// moment. If the store answered, every layer can. If the store did not answer, the policy
    /// decides:
    ///
    /// - [`Refuse`](FailurePolicy::Refuse) lets in no request.
    /// - [`ServeStale`](FailurePolicy::ServeStale) lets in requests if the near cache has
    ///   entries. The near cache must be coherent, or must have been reconnecting for at most the
    ///   policy's duration.
    /// - [`TokenOnly`](FailurePolicy::TokenOnly) lets in every request with a valid token.
    #[must_use]
    pub fn is_ready(&self, policy: FailurePolicy) -> bool {
        let NearCacheStats { state, since, entries, .. } = self.cache;
        self.connected
            || match policy {
                FailurePolicy::Refuse => false,
                FailurePolicy::ServeStale(max) => {
                    let recent = match state {
                        NearCacheState::Coherent => true,
                        NearCacheState::Connecting => since <= max,
                        NearCacheState::Off | NearCacheState::Refused => false,
                    };
                    recent && entries > 0
                }
                FailurePolicy::TokenOnly => true,
            }
    }
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

    /// Returns how many touches were dropped after the start of the manager. A touch is dropped if
    /// the touch queue is full or the worker has stopped.
    #[must_use]
    pub fn dropped_touches(&self) -> u64 {
        self.shared.touches.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coherence::Tick;

    const MS: Duration = Duration::from_millis(1);

    fn health(connected: bool, state: NearCacheState, since: Duration, entries: usize) -> Health {
        let cache = NearCacheStats { state, since, entries, ..NearCacheStats::off(Tick::now()) };
        Health {
            kind: "redis",
            connected,
            writable: connected,
            problem: None,
            version: None,
            latency: None,
            cache,
            worker: WorkerState::Running,
        }
    }

    #[test]
    fn stale_entries_make_ready_for_the_policys_time_after_the_last_coherence() {
        let policy = FailurePolicy::ServeStale(60_000 * MS);
        for (state, since, entries, ready) in [
            (NearCacheState::Coherent, 99_000 * MS, 1, true),
            (NearCacheState::Coherent, Duration::ZERO, 0, false),
            (NearCacheState::Connecting, 60_000 * MS, 1, true),
            (NearCacheState::Connecting, 60_001 * MS, 1, false),
            (NearCacheState::Connecting, MS, 0, false),
            (NearCacheState::Off, MS, 1, false),
            (NearCacheState::Refused, MS, 1, false),
        ] {
            let away = health(false, state, since, entries);
            assert_eq!(away.is_ready(policy), ready, "{state:?} {since:?} {entries}");
            assert!(!away.is_ready(FailurePolicy::Refuse), "{state:?}");
            assert!(away.is_ready(FailurePolicy::TokenOnly), "{state:?}");
            let connected = health(true, state, since, entries);
            assert!(connected.is_ready(policy) && connected.is_ready(FailurePolicy::Refuse));
        }
    }
}
