//! A circuit breaker: refuses calls to a store that does not answer.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A circuit breaker. One failure opens the circuit. While the circuit is open, the breaker refuses
/// calls immediately. After a pause, the breaker lets one call through as a probe. Only one probe
/// runs at a time. The circuit closes when the store or the user directory answers a probe.
///
/// While the circuit breaker is closed, a permit costs two atomic loads and no lock.
#[derive(Debug)]
pub(crate) struct Breaker {
    open: AtomicBool,
    /// The number of times that the circuit has closed. A call may have begun before the circuit
    /// last closed. The result of such a call says nothing about the present state of the store.
    epoch: AtomicU64,
    state: Mutex<State>,
    pause: Duration,
}

#[derive(Debug)]
struct State {
    /// The earliest time of the next probe. It has a meaning only while the circuit is open.
    probe_at: Instant,
    probing: bool,
}

/// The change of the circuit that the result of a call has caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Opened,
    Closed,
}

impl Breaker {
    /// Creates a breaker with a closed circuit. While the circuit is open, the next probe starts at
    /// the earliest one `pause` after the last failure.
    pub(crate) fn new(pause: Duration) -> Self {
        let state = State { probe_at: Instant::now(), probing: false };
        Self {
            open: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            state: Mutex::new(state),
            pause,
        }
    }

    /// Returns a permit for one call, or `None` while the circuit is open and no probe is due.
    pub(crate) fn enter(&self) -> Option<Permit<'_>> {
        let epoch = self.epoch.load(Ordering::Acquire);
        if !self.open.load(Ordering::Acquire) {
            return Some(Permit { breaker: self, epoch, probe: false });
        }
        let mut state = self.state();
        // Read both values again, because they can change until the lock is held.
        let epoch = self.epoch.load(Ordering::Relaxed);
        if !self.open.load(Ordering::Relaxed) {
            return Some(Permit { breaker: self, epoch, probe: false });
        }
        if state.probing || Instant::now() < state.probe_at {
            return None;
        }
        state.probing = true;
        Some(Permit { breaker: self, epoch, probe: true })
    }

    /// Whether the circuit is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is a few plain stores, so a panic cannot leave it half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit for one call. If the caller is dropped, the permit is dropped without a result. The
/// circuit then stays as it was.
#[derive(Debug)]
#[must_use = "report the result of the call with `answered` or `failed`"]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    epoch: u64,
    probe: bool,
}

impl Permit<'_> {
    /// Reports that the store answered, even with an error. An answered probe closes the circuit.
    pub(crate) fn answered(mut self) -> Change {
        if !mem::take(&mut self.probe) {
            return Change::None;
        }
        let mut state = self.breaker.state();
        if !self.is_current() {
            return Change::None;
        }
        state.probing = false;
        self.breaker.epoch.fetch_add(1, Ordering::Release);
        self.breaker.open.store(false, Ordering::Release);
        Change::Closed
    }

    /// Reports that the store did not answer. A failed call opens the circuit. A failed probe keeps
    /// the circuit open and starts the pause again.
    pub(crate) fn failed(mut self) -> Change {
        let probe = mem::take(&mut self.probe);
        let mut state = self.breaker.state();
        let was_open = self.breaker.open.load(Ordering::Relaxed);
        if !self.is_current() || (was_open && !probe) {
            // This call was in progress when another call opened the circuit.
            return Change::None;
        }
        state.probing = false;
        state.probe_at = Instant::now() + self.breaker.pause;
        self.breaker.open.store(true, Ordering::Release);
        if was_open { Change::None } else { Change::Opened }
    }

    /// Whether the circuit has not closed since this call began. Must be called under the lock.
    fn is_current(&self) -> bool {
        self.breaker.epoch.load(Ordering::Relaxed) == self.epoch
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            let mut state = self.breaker.state();
            if self.is_current() {
                // A dropped probe must not prevent the next probe.
                state.probing = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn failure_opens_the_circuit_until_one_probe_is_answered() {
        let breaker = Breaker::new(PAUSE);
        assert_eq!(breaker.enter().unwrap().failed(), Change::Opened);
        assert!(breaker.enter().is_none(), "the circuit is open");

        tokio::time::advance(PAUSE).await;
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_none(), "one probe at a time");
        assert_eq!(probe.failed(), Change::None);
        assert!(breaker.enter().is_none(), "a failed probe starts the pause again");

        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.enter().unwrap().answered(), Change::Closed);
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_probe_allows_the_next_probe() {
        let breaker = Breaker::new(PAUSE);
        assert_eq!(breaker.enter().unwrap().failed(), Change::Opened);
        tokio::time::advance(PAUSE).await;
        drop(breaker.enter().unwrap());
        assert!(breaker.enter().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_failures_open_the_circuit_once_and_do_not_extend_the_pause() {
        let breaker = Breaker::new(PAUSE);
        let (first, second) = (breaker.enter().unwrap(), breaker.enter().unwrap());
        assert_eq!(first.failed(), Change::Opened);
        tokio::time::advance(PAUSE).await;
        assert_eq!(second.failed(), Change::None);
        assert!(breaker.enter().is_some(), "the second failure does not restart the pause");
    }

    #[tokio::test(start_paused = true)]
    async fn answer_to_a_call_from_before_the_opening_does_not_close_the_circuit() {
        let breaker = Breaker::new(PAUSE);
        let (first, second) = (breaker.enter().unwrap(), breaker.enter().unwrap());
        assert_eq!(first.failed(), Change::Opened);
        assert_eq!(second.answered(), Change::None);
        assert!(breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn failure_of_a_call_from_before_the_closing_does_not_open_the_circuit() {
        let breaker = Breaker::new(PAUSE);
        let (first, straggler) = (breaker.enter().unwrap(), breaker.enter().unwrap());
        assert_eq!(first.failed(), Change::Opened);
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.enter().unwrap().answered(), Change::Closed);
        assert_eq!(straggler.failed(), Change::None);
        assert!(!breaker.is_open());
    }
}
