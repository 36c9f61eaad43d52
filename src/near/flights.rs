//! One question at a time for each token, however many requests wait for the answer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use tokio::sync::OnceCell;

use super::failure::LoadFailure;
use super::known::{Key, Known};

type Answer<D> = Result<Known<D>, LoadFailure>;
type Flight<D> = Arc<OnceCell<Answer<D>>>;

/// The questions that are under way.
pub(crate) struct Flights<D> {
    under_way: Mutex<HashMap<Key, Boarded<D>, RandomState>>,
}

/// A flight, and how many have a place in it.
struct Boarded<D> {
    flight: Flight<D>,
    seats: usize,
}

impl<D> Default for Boarded<D> {
    fn default() -> Self {
        Self { flight: Arc::default(), seats: 0 }
    }
}

impl<D> Default for Flights<D> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

/// A place in a flight; the last to leave, and whoever has the answer, makes room for the next flight.
struct Seat<'a, D> {
    flights: &'a Flights<D>,
    key: &'a Key,
    flight: Flight<D>,
    /// Nobody was under way when this request came.
    is_first: bool,
}

impl<D> Flights<D> {
    /// The answer to `ask`, from this request or from another that asks the same.
    ///
    /// An answer to a question that was sent before this request came counts only if `still_holds`: a request that comes
    /// after a logout was answered must not ride on what was read before it. Otherwise the next question counts: it is
    /// sent later than this request came, whoever sends it.
    ///
    /// # Cancel safety
    ///
    /// Safe. If the request that asks goes away, another that waits asks anew. So a wait has no end of its own: as often as
    /// that happens, it begins again. The caller limits it.
    pub(crate) async fn join<F>(
        &self,
        key: &Key,
        still_holds: impl Fn(&Known<D>) -> bool,
        ask: impl Fn() -> F,
    ) -> Answer<D>
    where
        F: Future<Output = Answer<D>>,
    {
        let mut sent_before_this_came = true;
        loop {
            let seat = self.enter(key);
            sent_before_this_came &= !seat.is_first;
            let answer = seat.flight.get_or_init(&ask).await.clone();
            drop(seat);
            // What went wrong is as wrong for everybody who waited for it.
            if !sent_before_this_came || answer.as_ref().map_or(true, &still_holds) {
                return answer;
            }
            // A flight that is found from here on began after the one before it was over.
            sent_before_this_came = false;
        }
    }

    fn enter<'a>(&'a self, key: &'a Key) -> Seat<'a, D> {
        let mut under_way = self.lock();
        let boarded = under_way.entry(key.clone()).or_default();
        boarded.seats += 1;
        let is_first = boarded.seats == 1;
        Seat { flights: self, key, flight: Arc::clone(&boarded.flight), is_first }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Boarded<D>, RandomState>> {
        // Nothing in here panics, and a map is never left half-written.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Drop for Seat<'_, D> {
    fn drop(&mut self) {
        let mut under_way = self.flights.lock();
        let Some(boarded) = under_way.get_mut(self.key) else { return };
        // Its own flight may be over, and the next one under way.
        if !Arc::ptr_eq(&boarded.flight, &self.flight) {
            return;
        }
        boarded.seats -= 1;
        if boarded.seats == 0 || self.flight.initialized() {
            under_way.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests;
