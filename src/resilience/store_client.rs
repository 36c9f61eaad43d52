//! The store client: every store call goes through it. It applies timeouts and circuit breakers.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::bulkhead::{Bulkhead, BulkheadError, BulkheadName, TimedOut};
use super::operation::Operation;
use super::unavailable::{self, CallError};
use crate::clock::Timestamp;
use crate::store::answer::Answer;
use crate::store::erased::ErasedStore;
use crate::store::{StoreError, StoreErrorKind};
use crate::telemetry::metrics::{Metrics, StoreTimes};

/// The maximum additional time of a revocation. A custom store can request additional time
/// (`SessionStore::revoke_wait`). If it requests more than this maximum, it gets this maximum.
const LONGEST_REVOKE_WAIT: Duration = Duration::from_secs(60);

/// The store, and the bulkheads that limit how long a request waits for it.
pub(crate) struct StoreClient {
    store: Arc<dyn ErasedStore>,
    requests: Bulkhead,
    scans: Bulkhead,
    times: StoreTimes,
    /// Whether the last failed call reached a server that is not the primary.
    not_primary: AtomicBool,
}

impl StoreClient {
    /// Creates a client of `store`. A call takes at most `limit`. A list, a page of a scan or a
    /// step of a cleanup takes at most `scan_limit`.
    pub(crate) fn new(
        store: Arc<dyn ErasedStore>,
        limit: Duration,
        scan_limit: Duration,
        metrics: &Metrics,
    ) -> Self {
        Self {
            store,
            requests: Bulkhead::new(BulkheadName::Requests, limit, metrics),
            scans: Bulkhead::new(BulkheadName::Scans, scan_limit, metrics),
            times: metrics.store(Operation::ALL.map(Operation::as_str)),
            not_primary: AtomicBool::new(false),
        }
    }

    /// Returns the store timeout: the maximum time of one call.
    pub(crate) fn limit(&self) -> Duration {
        self.requests.limit()
    }

    /// Returns the current time on the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.store.kind()
    }

    /// Returns whether the circuit for requests is open.
    pub(crate) fn is_open(&self) -> bool {
        self.requests.is_open()
    }

    /// Calls the store for `operation`, in the bulkhead of requests, for at most the store timeout.
    ///
    /// Only a store that does not answer opens the circuit. A refused write does not open it,
    /// because the store still serves reads. A connection that was lost during a write does not
    /// open it either, because the next connection may work.
    pub(crate) async fn ask<'a, T>(
        &'a self,
        operation: Operation,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        Ok(self.try_ask(operation, question).await?)
    }

    /// Like [`ask`](Self::ask), but the error says whether the store itself failed. After a failure
    /// of the store itself, the caller may continue without the store.
    pub(crate) fn try_ask<'a, T>(
        &'a self,
        operation: Operation,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> impl Future<Output = Result<T, CallError>> {
        self.pass(&self.requests, self.requests.limit(), operation, question)
    }

    /// Like [`ask`](Self::ask), but for a revocation. The timeout is longer, because a revocation
    /// may wait for the store's replicas.
    pub(crate) async fn ask_to_revoke<'a, T>(
        &'a self,
        operation: Operation,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let limit = self.requests.limit() + self.store.revoke_wait().min(LONGEST_REVOKE_WAIT);
        Ok(self.pass(&self.requests, limit, operation, question).await?)
    }

    /// Calls the store for a list, for a page of a scan, or for a step of a cleanup. These three
    /// have a bulkhead and a circuit of their own. Their failures do not open the circuit for
    /// requests, and failed requests do not open theirs.
    pub(crate) async fn ask_aside<'a, T>(
        &'a self,
        operation: Operation,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        Ok(self.pass(&self.scans, self.scans.limit(), operation, question).await?)
    }

    /// Calls the store for work that no request waits for. The call ends at `deadline` at the
    /// latest. It needs no permit of a circuit breaker, and its result does not change a circuit.
    /// The caller must pause after a failed call.
    pub(crate) async fn ask_in_background<'a, T>(
        &'a self,
        operation: Operation,
        deadline: Instant,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let late = |_| Err(unavailable(TimedOut));
        let answer = timeout_at(deadline, question(&*self.store)).await.unwrap_or_else(late);
        self.times.record(operation.as_str(), answer.as_ref().err().map(StoreError::kind), start);
        answer
    }

    /// Returns the store's warnings for its operator. The timeout is that of scans. No request
    /// waits for this call, and its result does not change a circuit.
    pub(crate) async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        let late = |_| Err(unavailable(TimedOut));
        timeout(self.scans.limit(), self.store.warnings()).await.unwrap_or_else(late)
    }

    /// Makes a call in a bulkhead, and records its duration and outcome.
    async fn pass<'a, T>(
        &'a self,
        bulkhead: &'a Bulkhead,
        limit: Duration,
        operation: Operation,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, CallError> {
        let start = Instant::now();
        // The call starts only after the circuit breaker has given a permit.
        let asked = || question(&*self.store);
        let answer = match bulkhead.ask_within(limit, start, asked, unavailable::is_away).await {
            Ok(answer) => Ok(answer),
            // No call was made, so its duration must not be recorded.
            Err(BulkheadError::CircuitOpen(why)) => {
                let not_primary = self.not_primary.load(Ordering::Relaxed);
                let kind = if not_primary {
                    StoreErrorKind::NotPrimary
                } else {
                    StoreErrorKind::Unavailable
                };
                return Err(CallError::circuit_open(kind, why));
            }
            Err(BulkheadError::TimedOut(why)) => Err(unavailable(why)),
            Err(BulkheadError::Failed(error)) => Err(error),
        };
        if let Err(error) = &answer {
            let not_primary = error.kind() == StoreErrorKind::NotPrimary;
            self.not_primary.store(not_primary, Ordering::Relaxed);
        }
        self.times.record(operation.as_str(), answer.as_ref().err().map(StoreError::kind), start);
        answer.map_err(CallError::of_call)
    }
}

fn unavailable(why: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, why)
}
