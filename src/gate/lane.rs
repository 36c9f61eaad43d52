//! One way to something that may not answer: within a limit, and past a breaker of its own.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::breaker::{Breaker, Change, Pass};
use crate::limit;
use crate::meter::{Gauge, Meter};
use crate::trace;

/// How long an open breaker waits between probes: recovery is seen within about this after the other side's return.
const PROBE_PAUSE: Duration = Duration::from_millis(100);

/// Who is asked, and for whom. Each has a breaker of its own: trouble with one is no verdict on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneName {
    /// The store, for what requests wait for.
    Requests,
    /// The store, for lists, walks and cleanup: they take long, and have a connection of their own.
    Walks,
    /// The user directory.
    Directory,
}

impl LaneName {
    /// The name in stable `snake_case`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Walks => "scans",
            Self::Directory => "directory",
        }
    }
}

/// A breaker with a limit. It knows nothing of what is asked.
#[derive(Debug)]
pub(crate) struct Lane {
    name: LaneName,
    breaker: Breaker,
    limit: Duration,
    /// 1 while the breaker is open.
    open: Gauge,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Miss<E> {
    /// It was not even asked.
    TurnedAway(TurnedAway),
    /// It was given up after the whole limit.
    TooLate(TooLate),
    /// It said so itself.
    Failed(E),
}

/// Why a call was given up.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
pub(crate) struct TooLate;

/// Why a call was not even tried.
#[derive(Debug, thiserror::Error)]
#[error("there was no answer a moment ago")]
pub(crate) struct TurnedAway;

impl Lane {
    /// A lane whose questions take `limit` at most.
    pub(crate) fn new(name: LaneName, limit: Duration, meter: &Meter) -> Self {
        let open = meter.breaker(name.as_str());
        Self { name, breaker: Breaker::new(PROBE_PAUSE), limit, open }
    }

    /// How long a question takes at most.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether callers are turned away because there was no answer.
    pub(crate) fn is_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Asks a question, and waits for the answer for the lane's limit. While the circuit is open, the
    /// question is not asked.
    ///
    /// The limit begins here, so each question has all of it. A caller with less time drops the future,
    /// which is no verdict: a time-out is always one of the other side.
    ///
    /// `is_away` tells which errors mean that there is no answer. Those open the circuit, as does a
    /// time-out; any other error is an answer like any other.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question and is no verdict.
    pub(crate) async fn ask<T, E: StdError, F: Future<Output = Result<T, E>>>(
        &self,
        question: impl FnOnce() -> F,
        is_away: impl FnOnce(&E) -> bool,
    ) -> Result<T, Miss<E>> {
        self.ask_within(self.limit, Instant::now(), question, is_away).await
    }

    /// [`ask`](Self::ask) with a `limit` of its own, which is no shorter than the lane's, by a caller that
    /// has just looked at the clock.
    pub(super) async fn ask_within<T, E: StdError, F: Future<Output = Result<T, E>>>(
        &self,
        limit: Duration,
        now: Instant,
        question: impl FnOnce() -> F,
        is_away: impl FnOnce(&E) -> bool,
    ) -> Result<T, Miss<E>> {
        let Some(pass) = self.breaker.enter() else {
            return Err(Miss::TurnedAway(TurnedAway));
        };
        match timeout_at(now + limit, limit::told(limit, question())).await {
            Err(_) => {
                self.failed(pass, &TooLate);
                Err(Miss::TooLate(TooLate))
            }
            Ok(Err(error)) if is_away(&error) => {
                self.failed(pass, &error);
                Err(Miss::Failed(error))
            }
            Ok(answer) => {
                self.answered(pass);
                answer.map_err(Miss::Failed)
            }
        }
    }

    fn answered(&self, pass: Pass<'_>) {
        if pass.answered() == Change::Closed {
            self.open.set(0.0);
            match self.name {
                LaneName::Requests => trace::info!("the session store answers again"),
                LaneName::Walks => trace::info!("the session store answers lists and walks again"),
                LaneName::Directory => trace::info!("the user directory answers again"),
            }
        }
    }

    fn failed(&self, pass: Pass<'_>, error: &dyn StdError) {
        if pass.failed() != Change::Opened {
            return;
        }
        self.open.set(1.0);
        let error = trace::Chain(error);
        match self.name {
            LaneName::Requests => trace::warn!(
                "the session store does not answer: requests are refused with 503 until it does",
                error = error
            ),
            LaneName::Walks => trace::warn!(
                "the session store does not answer lists and walks: they fail at once until it does",
                error = error
            ),
            LaneName::Directory => trace::warn!(
                "the user directory does not answer: requests that need it are refused with 503 until it does",
                error = error
            ),
        }
    }
}
