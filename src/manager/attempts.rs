//! Attempts that may fail only so often, whether the store counts them or not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::SessionManager;
use super::whole::whole;
use crate::clock::{Timestamp, millis};
use crate::error::SessionError;
use crate::events::{Event, Suspicion};
use crate::gate::{Failure, Verb};
use crate::id::{SessionId, UserId};
use crate::session::SessionData;
use crate::store::{
    Attempt, AttemptKey, AttemptRule, Attempts, Settle, StoreError, StoreErrorKind,
};
use crate::trace;

/// What a process counts by itself: where the store does not, and where it cannot be asked.
#[derive(Default)]
pub(super) struct OwnCount {
    attempts: Mutex<Attempts>,
}

impl OwnCount {
    /// `now` is the clock's monotonic time: setting the host's clock prolongs no wait, and a window goes
    /// on while the host is suspended.
    fn attempt(&self, now: Duration, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let now = Timestamp::from_millis(millis(now));
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).attempt(now, key, rule)
    }

    fn settle(&self, key: &AttemptKey, settle: Settle) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).settle(key, settle);
    }
}

/// An attempt that was counted. Dropping it leaves it counted, as one that failed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Counted {
    key: AttemptKey,
    start: Timestamp,
    /// Whether this process counts it, and not the store.
    own: bool,
}

impl Counted {
    /// As if it had not been made.
    pub(crate) fn give_back(self) -> (Self, Settle) {
        let settle = Settle::GiveBack(self.start);
        (self, settle)
    }

    /// All that were counted with it are forgotten.
    pub(crate) fn clear(self) -> (Self, Settle) {
        (self, Settle::Clear)
    }
}

/// What became of the wish to make an attempt.
#[derive(Debug)]
pub(crate) enum Tried {
    Counted(Counted),
    Refused { retry_after: Duration },
}

impl<D: SessionData> SessionManager<D> {
    /// Tells that a client refreshes all the time.
    pub(crate) fn tell_refresh_rate(&self, user: UserId, session: SessionId) {
        let suspicion = Suspicion::RefreshRate { session };
        self.shared.events.emit(Event::Suspicious { user, suspicion });
    }

    /// Of which session this is a refresh token, if it is one of ours. No I/O, and nothing is told.
    pub(crate) fn session_of_refresh_token(&self, token: &str) -> Option<(UserId, SessionId)> {
        self.shared.refresh.as_ref().and_then(|refresh| refresh.of(token))
    }

    /// What attempts of `who` are counted under: the store does not learn the name.
    pub(crate) fn attempt_key(&self, what: &str, who: &str) -> Result<AttemptKey, SessionError> {
        let name = self.shared.policy.load().pseudonym(what, who)?;
        let key = name.get(..KEY_LEN).and_then(AttemptKey::parse);
        key.ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported).into())
    }

    /// Counts an attempt before it is made. `alone` counts in this process while the store cannot be asked; else that is
    /// an error.
    pub(crate) async fn attempt(
        &self,
        key: AttemptKey,
        rule: &AttemptRule,
        alone: bool,
    ) -> Result<Tried, SessionError> {
        let Self { shared, .. } = self;
        let gate = &shared.gate;
        let own = || (shared.attempts.attempt(shared.clock.monotonic(), &key, rule), true);
        let asked = gate.try_ask(Verb::Attempt, |store| store.attempt(&key, rule));
        let (answer, own) = match asked.await {
            Ok(Some(answer)) => (answer, false),
            Ok(None) => own(),
            Err(Failure::Away(_)) if alone => own(),
            Err(failure) => return Err(StoreError::from(failure).into()),
        };
        Ok(match answer {
            Attempt::Counted(start) => Tried::Counted(Counted { key, start, own }),
            Attempt::Refused { retry_after } => Tried::Refused { retry_after },
        })
    }

    /// Takes back what was counted, also when the caller goes away. Where that fails, it counts as what failed. `held` is
    /// dropped when that is done.
    pub(crate) async fn settle(&self, settles: Vec<(Counted, Settle)>, held: impl Send + 'static) {
        if settles.iter().all(|(counted, _)| counted.own) {
            for (Counted { key, .. }, settle) in &settles {
                self.shared.attempts.settle(key, *settle);
            }
            return;
        }
        let manager = self.clone();
        let settled = whole(async move {
            let mut settled = Ok(());
            for settle in settles {
                settled = settled.and(manager.settle_one(settle).await);
            }
            drop(held);
            Ok(settled?)
        });
        if let Err(error) = settled.await {
            trace::warn!(
                "a login that did not fail counts as one that did",
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
        let gate = &self.shared.gate;
        gate.ask(Verb::Settle, |store| store.settle(&key, settle)).await
    }
}

/// 132 bits: no two names meet by chance.
const KEY_LEN: usize = 22;
