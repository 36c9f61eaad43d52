//! Counters of a near cache. Counting never makes a thread wait for another thread.

use std::array;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::tick::Tick;

/// Counters of a near cache. All atomics are relaxed, because no counter depends on another
/// counter.
#[derive(Default)]
pub(crate) struct CacheCounters {
    pub(crate) hits: Striped,
    pub(crate) misses: AtomicU64,
    pub(crate) fills: AtomicU64,
    pub(crate) invalidations: AtomicU64,
    pub(crate) lost_links: AtomicU64,
    pub(crate) stale_served: AtomicU64,
    /// The delay of the last probe, in nanoseconds. Zero before the first probe.
    lag: AtomicU64,
    link: Mutex<Link>,
}

/// The state of the invalidation connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InvalidationState {
    /// Not started, or the worker has ended.
    #[default]
    Off,
    /// No connection is trusted at the moment.
    Connecting,
    /// The server refuses to send invalidations.
    Refused,
    /// The connection is trusted.
    Trusted,
}

#[derive(Clone, Copy)]
struct Link {
    state: InvalidationState,
    since: Tick,
}

impl Default for Link {
    fn default() -> Self {
        Self { state: InvalidationState::default(), since: Tick::now() }
    }
}

pub(crate) fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl CacheCounters {
    /// Records the delay of a probe: the time from sending its write until its invalidation arrived
    /// in this process.
    pub(crate) fn record_lag(&self, lag: Duration) {
        let nanos = u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX);
        self.lag.store(nanos.max(1), Ordering::Relaxed);
    }

    pub(crate) fn lag(&self) -> Option<Duration> {
        match self.lag.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Sets the state of the connection and returns the previous state. The start time changes only
    /// if the state changes.
    pub(crate) fn set_state(&self, state: InvalidationState) -> InvalidationState {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let before = link.state;
        if before != state {
            *link = Link { state, since: Tick::now() };
        }
        before
    }

    /// Returns the state of the connection and the time at which it began.
    pub(crate) fn state(&self) -> (InvalidationState, Tick) {
        let link = *self.link.lock().unwrap_or_else(PoisonError::into_inner);
        (link.state, link.since)
    }
}

/// A counter that all threads increment often. It is split into stripes of one cache line each, so
/// that threads rarely write to the same line.
pub(crate) struct Striped([Stripe; STRIPES]);

const STRIPES: usize = 16;

#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

impl Default for Striped {
    fn default() -> Self {
        Self(array::from_fn(|_| Stripe::default()))
    }
}

impl Striped {
    pub(crate) fn increment(&self) {
        thread_local! {
            static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let mine = MINE.get();
        let mine = if mine < STRIPES {
            mine
        } else {
            // The thread's first increment chooses its stripe.
            MINE.replace(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
            MINE.get()
        };
        if let Some(stripe) = self.0.get(mine) {
            increment(&stripe.0);
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn striped_counter_total_includes_the_increments_of_all_threads() {
        // There are so many threads that each stripe is chosen many times.
        const THREADS: usize = 2 * STRIPES * STRIPES;
        let counter = Striped::default();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..100).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.total(), THREADS as u64 * 100);
    }

    #[test]
    fn setting_the_same_state_again_keeps_its_start_time() {
        let counters = CacheCounters::default();
        assert_eq!(counters.set_state(InvalidationState::Connecting), InvalidationState::Off);
        let (_, since) = counters.state();
        assert_eq!(
            counters.set_state(InvalidationState::Connecting),
            InvalidationState::Connecting
        );
        assert_eq!(counters.state(), (InvalidationState::Connecting, since));
    }
}
