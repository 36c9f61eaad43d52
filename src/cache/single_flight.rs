//! Single flight: one load at a time for each token, shared by all requests that wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use tokio::sync::OnceCell;

use super::entry::{CacheEntry, Key};
use super::load_error::LoadError;

type Answer<D> = Result<CacheEntry<D>, LoadError>;
type Flight<D> = Arc<OnceCell<Answer<D>>>;

/// The loads in progress, by token.
pub(crate) struct SingleFlight<D> {
    under_way: Mutex<HashMap<Key, InProgress<D>, RandomState>>,
}

/// A load in progress, and the number of requests that hold a [`Participant`] in it.
struct InProgress<D> {
    flight: Flight<D>,
    participants: usize,
}

impl<D> Default for InProgress<D> {
    fn default() -> Self {
        Self { flight: Arc::default(), participants: 0 }
    }
}

impl<D> Default for SingleFlight<D> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

/// One request's membership in a load. When a `Participant` is dropped, it removes the load from
/// the table in two cases: the load is finished, or no other request is a member of it. After the
/// removal, the next request with the token starts a new load.
struct Participant<'a, D> {
    single_flight: &'a SingleFlight<D>,
    key: &'a Key,
    flight: Flight<D>,
    /// Whether this request started the load.
    is_first: bool,
}

impl<D> SingleFlight<D> {
    /// Returns the result of `ask`. Either this request runs `ask` itself, or another request with
    /// the same token runs it and this request waits.
    ///
    /// If the load started before this request arrived, the request accepts the result only if
    /// `still_holds` accepts it. Without this check, a request that arrives after the response to a
    /// logout could get a session that was read before the logout. If `still_holds` rejects the
    /// result, the request joins or starts the next load. The request accepts any result of the
    /// next load, because that load started after the request arrived. If a load fails, every
    /// request that waited for the load gets the error, without this check.
    ///
    /// # Cancel safety
    ///
    /// Safe. If the request that runs `ask` is dropped or panics, another waiting request runs
    /// `ask` again. This can happen any number of times. The wait therefore has no upper limit, and
    /// the caller must limit it.
    pub(crate) async fn join<F>(
        &self,
        key: &Key,
        still_holds: impl Fn(&CacheEntry<D>) -> bool,
        ask: impl Fn() -> F,
    ) -> Answer<D>
    where
        F: Future<Output = Answer<D>>,
    {
        let mut sent_before_this_came = true;
        loop {
            let participant = self.enter(key);
            sent_before_this_came &= !participant.is_first;
            let answer = participant.flight.get_or_init(&ask).await.clone();
            drop(participant);
            // An error is returned to every request that waited.
            if !sent_before_this_came || answer.as_ref().map_or(true, &still_holds) {
                return answer;
            }
            // The previous load had finished before this request looks for the next one. So the
            // next load started after this request arrived.
            sent_before_this_came = false;
        }
    }

    fn enter<'a>(&'a self, key: &'a Key) -> Participant<'a, D> {
        let mut under_way = self.lock();
        let load = under_way.entry(key.clone()).or_default();
        load.participants += 1;
        let is_first = load.participants == 1;
        Participant { single_flight: self, key, flight: Arc::clone(&load.flight), is_first }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, InProgress<D>, RandomState>> {
        // No code that runs under this lock panics, and the map is never left half-written.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Drop for Participant<'_, D> {
    fn drop(&mut self) {
        let mut under_way = self.single_flight.lock();
        let Some(load) = under_way.get_mut(self.key) else { return };
        // This request's load may be finished, and the table may already hold the next load.
        if !Arc::ptr_eq(&load.flight, &self.flight) {
            return;
        }
        load.participants -= 1;
        if load.participants == 0 || self.flight.initialized() {
            under_way.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests;
