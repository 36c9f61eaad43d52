//! What happens to a near cache, counted without anybody waiting for anybody.

use std::array;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::tick::Tick;

/// What happens to a near cache. Relaxed throughout: each number stands alone.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) hits: Striped,
    pub(crate) misses: AtomicU64,
    pub(crate) fills: AtomicU64,
    pub(crate) invalidations: AtomicU64,
    pub(crate) lost_links: AtomicU64,
    pub(crate) stale_served: AtomicU64,
    /// Nanoseconds; zero before the first.
    lag: AtomicU64,
    link: Mutex<Link>,
}

/// How the connection is that tells of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Nobody has started it.
    #[default]
    Off,
    /// There is none to be trusted yet, or not any more.
    Connecting,
    /// The server does not tell.
    Refused,
    /// It tells.
    Trusted,
}

#[derive(Clone, Copy)]
struct Link {
    state: LinkState,
    since: Tick,
}

impl Default for Link {
    fn default() -> Self {
        Self { state: LinkState::default(), since: Tick::now() }
    }
}

pub(crate) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Figures {
    /// How long a change took from being sent to being known here.
    pub(crate) fn lagged(&self, lag: Duration) {
        let nanos = u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX);
        self.lag.store(nanos.max(1), Ordering::Relaxed);
    }

    pub(crate) fn lag(&self) -> Option<Duration> {
        match self.lag.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Notes the state of the connection; returns the one before.
    pub(crate) fn link_is(&self, state: LinkState) -> LinkState {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let before = link.state;
        if before != state {
            *link = Link { state, since: Tick::now() };
        }
        before
    }

    /// The state of the connection, and since when.
    pub(crate) fn link(&self) -> (LinkState, Tick) {
        let link = *self.link.lock().unwrap_or_else(PoisonError::into_inner);
        (link.state, link.since)
    }
}

/// A counter for something that all threads do all the time: each has a line of memory of its own, or shares it with few.
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
    pub(crate) fn one_more(&self) {
        thread_local! {
            static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let mine = MINE.get();
        let mine = if mine < STRIPES {
            mine
        } else {
            MINE.replace(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
            MINE.get()
        };
        if let Some(stripe) = self.0.get(mine) {
            one_more(&stripe.0);
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
    fn what_many_threads_count_adds_up() {
        let counter = Striped::default();
        thread::scope(|scope| {
            for _ in 0..2 * STRIPES {
                scope.spawn(|| (0..1_000).for_each(|_| counter.one_more()));
            }
        });
        assert_eq!(counter.total(), 2 * STRIPES as u64 * 1_000);
    }

    #[test]
    fn a_state_begins_when_it_is_new() {
        let figures = Figures::default();
        assert_eq!(figures.link_is(LinkState::Connecting), LinkState::Off);
        let (_, since) = figures.link();
        assert_eq!(figures.link_is(LinkState::Connecting), LinkState::Connecting);
        assert_eq!(figures.link(), (LinkState::Connecting, since));
    }
}
