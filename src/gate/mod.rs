//! The one way to the store: within a limit, and past a breaker.

mod away;
mod breaker;
mod lane;
mod verb;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use self::away::{Failure, StoreAway};
use self::lane::TooLate;
pub(crate) use self::lane::{Lane, LaneName, Miss};
pub(crate) use self::verb::Verb;
use crate::clock::Timestamp;
use crate::meter::{Meter, StoreTimes};
use crate::store::erased::{Answer, ErasedStore};
use crate::store::{StoreError, StoreErrorKind};

/// The longest extra time for a revocation: a store of the application's own may ask for any.
const LONGEST_REVOKE_WAIT: Duration = Duration::from_secs(60);

/// The store, with what keeps a request from waiting for it too long.
pub(crate) struct Gate {
    store: Arc<dyn ErasedStore>,
    requests: Lane,
    walks: Lane,
    times: StoreTimes,
    /// Whether the latest call that failed met a server that is not the primary.
    not_primary: AtomicBool,
}

impl Gate {
    /// A gate to `store`: each call takes `limit` at most, each list or step of a walk `walk_limit`.
    pub(crate) fn new(
        store: Arc<dyn ErasedStore>,
        limit: Duration,
        walk_limit: Duration,
        meter: &Meter,
    ) -> Self {
        Self {
            store,
            requests: Lane::new(LaneName::Requests, limit, meter),
            walks: Lane::new(LaneName::Walks, walk_limit, meter),
            times: meter.store(Verb::ALL.map(Verb::as_str)),
            not_primary: AtomicBool::new(false),
        }
    }

    /// How long one call takes at most: the store timeout.
    pub(crate) fn limit(&self) -> Duration {
        self.requests.limit()
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
        self.requests.is_open()
    }

    /// Asks the store for `verb`, for the store timeout at most, as requests do.
    ///
    /// Only a store that does not answer opens the breaker: one that refuses a write still serves reads, and so does
    /// the next connection after one that was lost under a write.
    pub(crate) async fn ask<'a, T>(
        &'a self,
        verb: Verb,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        Ok(self.try_ask(verb, question).await?)
    }

    /// [`ask`](Self::ask) for a caller that goes on without the store while it is away.
    pub(crate) fn try_ask<'a, T>(
        &'a self,
        verb: Verb,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> impl Future<Output = Result<T, Failure>> {
        self.pass(&self.requests, self.requests.limit(), verb, question)
    }

    /// [`ask`](Self::ask) for a revocation, which may wait for the store's replicas in addition.
    pub(crate) async fn ask_to_revoke<'a, T>(
        &'a self,
        verb: Verb,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let limit = self.requests.limit() + self.store.revoke_wait().min(LONGEST_REVOKE_WAIT);
        Ok(self.pass(&self.requests, limit, verb, question).await?)
    }

    /// Asks the store for a list, or one step of a walk or a cleanup: with a limit and a breaker of their own, so that
    /// what takes long there is no verdict on what requests ask, and the reverse.
    pub(crate) async fn ask_aside<'a, T>(
        &'a self,
        verb: Verb,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        Ok(self.pass(&self.walks, self.walks.limit(), verb, question).await?)
    }

    /// Asks the store, until `deadline`, for something that no request waits for: past the breakers, and no verdict on
    /// the store. Who asks like this makes pauses of its own.
    pub(crate) async fn ask_in_background<'a, T>(
        &'a self,
        verb: Verb,
        deadline: Instant,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let late = |_| Err(unavailable(TooLate));
        let answer = timeout_at(deadline, question(&*self.store)).await.unwrap_or_else(late);
        self.times.record(verb.as_str(), answer.as_ref().err().map(StoreError::kind), start);
        answer
    }

    /// What the store's operator should know. No request waits for it, and it is no verdict on the store.
    pub(crate) async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        let late = |_| Err(unavailable(TooLate));
        timeout(self.walks.limit(), self.store.warnings()).await.unwrap_or_else(late)
    }

    async fn pass<'a, T>(
        &'a self,
        lane: &'a Lane,
        limit: Duration,
        verb: Verb,
        question: impl FnOnce(&'a dyn ErasedStore) -> Answer<'a, T>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        // Asked only once the lane lets it through.
        let asked = || question(&*self.store);
        let answer = match lane.ask_within(limit, start, asked, away::is_away).await {
            Ok(answer) => Ok(answer),
            // Not a call: its time would say nothing about the store.
            Err(Miss::TurnedAway(why)) => {
                let not_primary = self.not_primary.load(Ordering::Relaxed);
                let kind = if not_primary {
                    StoreErrorKind::NotPrimary
                } else {
                    StoreErrorKind::Unavailable
                };
                return Err(Failure::turned_away(kind, why));
            }
            Err(Miss::TooLate(why)) => Err(unavailable(why)),
            Err(Miss::Failed(error)) => Err(error),
        };
        if let Err(error) = &answer {
            let not_primary = error.kind() == StoreErrorKind::NotPrimary;
            self.not_primary.store(not_primary, Ordering::Relaxed);
        }
        self.times.record(verb.as_str(), answer.as_ref().err().map(StoreError::kind), start);
        answer.map_err(Failure::of_call)
    }
}

fn unavailable(why: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, why)
}
