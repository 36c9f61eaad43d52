//! Counting attempts for rate limits, in the store or in this process.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::manager::SessionManager;
use crate::manager::run_to_completion::run_to_completion;
use crate::resilience::{CallError, Operation};
use crate::session::SessionData;
use crate::store::{Attempt, AttemptKey, AttemptRule, Settle, StoreError, StoreErrorKind};
use crate::trace;

/// An attempt that was counted. Dropping this value leaves the attempt counted as failed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Counted {
    key: AttemptKey,
    start: Timestamp,
    /// Whether this process, and not the store, counted the attempt.
    own: bool,
}

impl Counted {
    /// Takes the attempt back, as if it had not been made.
    pub(crate) fn give_back(self) -> (Self, Settle) {
        let settle = Settle::GiveBack(self.start);
        (self, settle)
    }

    /// Clears all attempts that were counted under this attempt's key.
    pub(crate) fn clear(self) -> (Self, Settle) {
        (self, Settle::Clear)
    }
}

/// The outcome of [`count_attempt`](SessionManager::count_attempt).
#[derive(Debug)]
pub(crate) enum Tried {
    Counted(Counted),
    Refused { retry_after: Duration },
}

impl<D: SessionData> SessionManager<D> {
    /// Returns the key under which attempts of `who` are counted. The key is a pseudonym, so that
    /// the store does not learn `who`.
    pub(crate) fn attempt_key(&self, what: &str, who: &str) -> Result<AttemptKey, SessionError> {
        let name = self.shared.policy.load().pseudonym(what, who)?;
        let key = name.get(..KEY_LEN).and_then(AttemptKey::parse);
        key.ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported).into())
    }

    /// Counts an attempt before it is made. If the store does not support the counting of attempts,
    /// this process counts the attempt. If the store is unavailable, `alone` decides: with `true`,
    /// this process counts the attempt, and with `false`, the method returns an error.
    pub(crate) async fn count_attempt(
        &self,
        key: AttemptKey,
        rule: &AttemptRule,
        alone: bool,
    ) -> Result<Tried, SessionError> {
        let Self { shared, .. } = self;
        let store_client = &shared.store_client;
        let own = || (shared.attempts.attempt(shared.clock.monotonic(), &key, rule), true);
        let asked = store_client.try_ask(Operation::Attempt, |store| store.attempt(&key, rule));
        let (answer, own) = match asked.await {
            Ok(Some(answer)) => (answer, false),
            Ok(None) => own(),
            Err(CallError::Unavailable(_)) if alone => own(),
            Err(failure) => return Err(StoreError::from(failure).into()),
        };
        Ok(match answer {
            Attempt::Counted(start) => Tried::Counted(Counted { key, start, own }),
            Attempt::Refused { retry_after } => Tried::Refused { retry_after },
        })
    }

    /// Settles counted attempts, and then drops `held`. Runs to completion even if the caller is
    /// dropped. If the store cannot settle an attempt, the attempt stays counted as failed.
    pub(crate) async fn settle_attempts(
        &self,
        settles: Vec<(Counted, Settle)>,
        held: impl Send + 'static,
    ) {
        if settles.iter().all(|(counted, _)| counted.own) {
            for (Counted { key, .. }, settle) in &settles {
                self.shared.attempts.settle(key, *settle);
            }
            return;
        }
        let manager = self.clone();
        let settled = run_to_completion(async move {
            let mut settled = Ok(());
            for settle in settles {
                settled = settled.and(manager.settle_one(settle).await);
            }
            drop(held);
            Ok(settled?)
        });
        if let Err(error) = settled.await {
            trace::warn!(
                "cannot settle an attempt: it stays counted as failed",
                error = trace::Chain(&error)
            );
        }
    }

    async fn settle_one(&self, settle: (Counted, Settle)) -> Result<(), StoreError> {
        let (Counted { key, own, .. }, settle) = settle;
        if own {
            self.shared.attempts.settle(&key, settle);
            return Ok(());
        }
        let store_client = &self.shared.store_client;
        store_client.ask(Operation::Settle, |store| store.settle(&key, settle)).await
    }
}

/// The length of an attempt key in characters. A key has 132 bits, so that two names do not get the
/// same key.
const KEY_LEN: usize = 22;
