//! A bulkhead: one kind of call with its own timeout and its own circuit breaker.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::breaker::{Breaker, Change, Permit};
use crate::telemetry::metrics::{Gauge, Metrics};
use crate::timer_elision;
use crate::trace;

/// The pause before the next probe while the circuit is open. When the store or the user directory
/// answers again, the next call after this pause closes the circuit.
const PROBE_PAUSE: Duration = Duration::from_millis(100);

/// The name of a bulkhead. It says what the bulkhead calls, and for which work. Each bulkhead has
/// its own circuit breaker, so that a failure in one bulkhead does not affect the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BulkheadName {
    /// The store, for calls that requests wait for.
    Requests,
    /// The store, for lists, scans and cleanup. These calls may take long, and use a separate
    /// connection.
    Scans,
    /// The user directory.
    Directory,
}

impl BulkheadName {
    /// Returns the name as stable text in `snake_case`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Scans => "scans",
            Self::Directory => "directory",
        }
    }
}

/// A bulkhead: a circuit breaker with a timeout. The type is the same for every kind of call.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    name: BulkheadName,
    breaker: Breaker,
    limit: Duration,
    /// The metric that is 1 while the circuit is open.
    open: Gauge,
}

/// The reason why a call has no result.
#[derive(Debug)]
pub(crate) enum BulkheadError<E> {
    /// The call was not made, because the circuit is open.
    CircuitOpen(CircuitOpen),
    /// The call was not answered within the whole timeout.
    TimedOut(TimedOut),
    /// The called side answered with an error.
    Failed(E),
}

/// The error of a call that timed out.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
pub(crate) struct TimedOut;

/// The error of a call that was not made, because the circuit is open.
#[derive(Debug, thiserror::Error)]
#[error("the circuit breaker is open: an earlier call got no answer")]
pub(crate) struct CircuitOpen;

impl Bulkhead {
    /// Creates a bulkhead whose calls take at most `limit`.
    pub(crate) fn new(name: BulkheadName, limit: Duration, metrics: &Metrics) -> Self {
        let open = metrics.breaker(name.as_str());
        Self { name, breaker: Breaker::new(PROBE_PAUSE), limit, open }
    }

    /// Returns the timeout of one call.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns whether the circuit is open.
    pub(crate) fn is_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Makes a call and waits for the answer, at most for the timeout of this bulkhead. While the
    /// circuit is open, the bulkhead does not make the call.
    ///
    /// The timeout starts when this method is called, so each call has the whole timeout. A caller
    /// that has less time left drops the future before the timeout ends. The circuit breaker
    /// ignores a dropped call. So a timeout always means that the called side was too slow.
    ///
    /// `is_away` returns true for an error that opens the circuit. Such an error means that the
    /// called side did not answer, or that its answers must not be used. A timeout also opens the
    /// circuit. Any other error counts as an answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call. The circuit breaker ignores the call.
    pub(crate) async fn ask<T, E: StdError, F: Future<Output = Result<T, E>>>(
        &self,
        question: impl FnOnce() -> F,
        is_away: impl FnOnce(&E) -> bool,
    ) -> Result<T, BulkheadError<E>> {
        self.ask_within(self.limit, Instant::now(), question, is_away).await
    }

    /// Like [`ask`](Self::ask), but with the timeout `limit`. `limit` must not be shorter than the
    /// bulkhead's timeout. `now` is the current time. The caller passes it, so that this method
    /// does not read the clock again.
    pub(super) async fn ask_within<T, E: StdError, F: Future<Output = Result<T, E>>>(
        &self,
        limit: Duration,
        now: Instant,
        question: impl FnOnce() -> F,
        is_away: impl FnOnce(&E) -> bool,
    ) -> Result<T, BulkheadError<E>> {
        let Some(permit) = self.breaker.enter() else {
            return Err(BulkheadError::CircuitOpen(CircuitOpen));
        };
        match timeout_at(now + limit, timer_elision::announce_timeout(limit, question())).await {
            Err(_) => {
                self.failed(permit, &TimedOut);
                Err(BulkheadError::TimedOut(TimedOut))
            }
            Ok(Err(error)) if is_away(&error) => {
                self.failed(permit, &error);
                Err(BulkheadError::Failed(error))
            }
            Ok(answer) => {
                self.answered(permit);
                answer.map_err(BulkheadError::Failed)
            }
        }
    }

    fn answered(&self, permit: Permit<'_>) {
        if permit.answered() == Change::Closed {
            self.open.set(0.0);
            match self.name {
                BulkheadName::Requests => trace::info!("the session store answers again"),
                BulkheadName::Scans => {
                    trace::info!("the session store answers lists and scans again");
                }
                BulkheadName::Directory => trace::info!("the user directory answers again"),
            }
        }
    }

    fn failed(&self, permit: Permit<'_>, error: &dyn StdError) {
        if permit.failed() != Change::Opened {
            return;
        }
        self.open.set(1.0);
        let error = trace::Chain(error);
        match self.name {
            BulkheadName::Requests => trace::warn!(
                "the session store does not answer: requests that need it fail until it does",
                error = error
            ),
            BulkheadName::Scans => trace::warn!(
                "the session store does not answer lists and scans: they fail at once until it \
                 does",
                error = error
            ),
            BulkheadName::Directory => trace::warn!(
                "the user directory does not answer: requests that need it fail with 503 until it \
                 does",
                error = error
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bulkhead_is_open_from_a_timeout_until_an_answer() {
        let limit = Duration::from_millis(50);
        let bulkhead = Bulkhead::new(BulkheadName::Requests, limit, &Metrics::new());
        assert!(!bulkhead.is_open());
        let late = bulkhead.ask(pending::<Result<(), Infallible>>, |_| false).await;
        assert!(matches!(late, Err(BulkheadError::TimedOut(_))));
        assert!(bulkhead.is_open());
        tokio::time::advance(PROBE_PAUSE).await;
        let answer = bulkhead.ask(|| ready(Ok::<_, Infallible>(7)), |_| false).await;
        assert!(matches!(answer, Ok(7)));
        assert!(!bulkhead.is_open());
    }
}
