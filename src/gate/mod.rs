//! The one way to the store: within a deadline, and past the breaker.

mod breaker;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::breaker::{Breaker, Change, Pass};
use crate::clock::Timestamp;
use crate::store::erased::{Answer, ErasedStore};
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

/// How long an open breaker waits between probes: recovery is seen within about this after the store's return.
const PROBE_PAUSE: Duration = Duration::from_millis(100);

/// The store, with what keeps a request from waiting for it too long.
pub(crate) struct Gate {
    store: Arc<dyn ErasedStore>,
    breaker: Breaker,
    limit: Duration,
}

impl Gate {
    pub(crate) fn new(store: Arc<dyn ErasedStore>, limit: Duration) -> Self {
        Self { store, breaker: Breaker::new(PROBE_PAUSE), limit }
    }

    /// When all store steps of a request that starts now must be done.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    /// The time on the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.store.kind()
    }

    /// Whether callers are turned away because the store does not answer.
    pub(crate) fn is_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Asks the store, until `deadline`.
    ///
    /// Only a store that does not answer opens the breaker: one that refuses a write still serves reads, and so does
    /// the next connection after one that was lost under a write.
    pub(crate) async fn ask<'a, T>(
        &'a self,
        deadline: Instant,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let Some(pass) = self.breaker.enter() else {
            return Err(StoreError::with_source(StoreErrorKind::Unavailable, TurnedAway));
        };
        // A step that began with what another left of the time is no measure of the store.
        let fair = deadline.saturating_duration_since(Instant::now()) >= self.limit / 2;
        let Ok(answer) = timeout_at(deadline, question(&*self.store)).await else {
            let error = StoreError::with_source(StoreErrorKind::Unavailable, TooLate);
            if fair {
                self.failed(pass, &error);
            }
            return Err(error);
        };
        match &answer {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => self.failed(pass, error),
            Ok(_) | Err(_) => {
                if pass.answered() == Change::Closed {
                    trace::info!("the session store answers again", store = self.store.kind());
                }
            }
        }
        answer
    }

    /// Asks the store, until `deadline`, for something that no request waits for: past the breaker, and no verdict on
    /// the store. Who asks like this makes pauses of its own.
    pub(crate) async fn ask_in_background<'a, T>(
        &'a self,
        deadline: Instant,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let late = |_| Err(StoreError::with_source(StoreErrorKind::Unavailable, TooLate));
        timeout_at(deadline, question(&*self.store)).await.unwrap_or_else(late)
    }

    fn failed(&self, pass: Pass<'_>, error: &StoreError) {
        if pass.failed() == Change::Opened {
            trace::warn!(
                "the session store does not answer: requests are refused with 503 until it does",
                store = self.store.kind(),
                error = trace::Chain(error)
            );
        }
    }
}

/// Why a call was given up.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
struct TooLate;

/// Why a call was not even tried.
#[derive(Debug, thiserror::Error)]
#[error("the store failed to answer a moment ago")]
struct TurnedAway;
