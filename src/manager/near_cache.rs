//! The manager's side of the near cache: its settings, its state, and what the manager tells it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{SessionManager, SessionManagerBuilder};
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::near::{Near, NearCache};
use crate::reason::EndReason;
use crate::session::SessionData;

/// Tokens that a process remembers.
pub(super) const CAPACITY: usize = 32_768;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// How many tokens the near cache holds at most, each with its session. 32,768 by default, about 1.6 kB each with
    /// sessions and tokens of a usual size.
    ///
    /// The near cache is what makes a request cost no round trip: see [`SessionManager::near_cache`]. It works with a store
    /// that tells of changes, that is [`RedisStore`](crate::store::RedisStore), while the
    /// [`Worker`](crate::touch::Worker) runs. An entry that does not fit costs its next request a round trip; those that
    /// are used most stay.
    pub fn near_cache_capacity(mut self, entries: usize) -> Self {
        self.settings.near_capacity = Some(entries);
        self
    }

    /// Asks the store for each request, also one that tells of changes.
    pub fn without_near_cache(mut self) -> Self {
        self.settings.near_capacity = None;
        self
    }
}

impl<D: SessionData> SessionManager<D> {
    /// How the near cache is doing. No I/O.
    ///
    /// What a request needs, verified claims and session, is remembered under the whole token. It is used again while all
    /// of this holds: the token was verified by the rules that count now, and its `exp` has not passed; the store has
    /// told of no change of any of the user's sessions since before it was read; it says, five times in a lease
    /// (500 ms by default), that it still tells, and last did so at most the lease ago; neither the session's deadlines nor
    /// [`revalidate_after`](SessionManagerBuilder::revalidate_after) have passed. "No such session" is remembered in
    /// the same way, for 5 seconds at most.
    ///
    /// Any login, logout or update of a user is a change of all of that user's sessions: a service account with
    /// thousands of them that come and go has little of it.
    #[must_use]
    pub fn near_cache(&self) -> NearCache {
        self.shared.near.as_ref().map_or(NearCache::off(self.shared.started), Near::status)
    }

    /// How often the store says that what is remembered still counts; `None` where nothing is remembered.
    pub(crate) fn beat(&self) -> Option<Duration> {
        self.shared.near.as_ref().map(|near| near.tracker().beat())
    }

    /// Sessions of this user were just changed from here, or nobody knows whether they were: what is remembered of them
    /// counts no more. Since Redis 7 its own word on it comes after the answer.
    pub(super) fn changed(&self, user: &UserId) {
        if let Some(near) = &self.shared.near {
            near.tracker().changed(user);
        }
    }

    /// This session was just ended.
    pub(super) fn has_ended(&self, user: &UserId, id: &SessionId, reason: EndReason) {
        self.shared.ended.insert((user.clone(), id.clone()), AuthError::revoked(reason));
    }
}

/// The number of the policy that counts now.
#[derive(Debug)]
pub(super) struct PolicyNumber(AtomicU64);

impl PolicyNumber {
    /// `number` is one without an audience.
    pub(super) fn new(number: u64) -> Self {
        Self(number.into())
    }

    pub(super) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }

    /// With what a layer demands beside it: `Policy::number` without the policy.
    pub(super) fn with(&self, audience: u32) -> u64 {
        self.0.load(Ordering::Acquire) | u64::from(audience)
    }
}
