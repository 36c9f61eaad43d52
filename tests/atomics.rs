//! Model tests of the atomics in `src/coherence`. `loom` runs each order in which threads can
//! execute, with each value that a load may see.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected result"
)]

use std::sync::atomic::{AtomicU64 as Count, Ordering::Relaxed};
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use loom::sync::{Arc, Mutex};
use loom::thread::spawn;

use crate::coherence::generations::Generations;
use crate::coherence::lease::Lease;
use crate::coherence::stamp::Stamp;
use crate::coherence::tick::Tick;

/// The source files of the library, compiled with the atomics of `loom`.
#[path = "../src/coherence"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "each test uses only a part")]
mod coherence {
    pub(crate) mod generations;
    pub(crate) mod lease;
    pub(crate) mod stamp;
    pub(crate) mod tick;

    mod sync {
        pub(super) use loom::sync::Arc;
        pub(super) use loom::sync::atomic::Ordering;

        use loom::sync::atomic;

        /// Makes two effects visible to `loom` that it does not see by itself, without excluding
        /// any order. First, a store is either before or after a read-modify-write of another
        /// thread. Second, a read-modify-write that begins with a load of its own also meets the
        /// loads of other threads.
        pub(crate) struct AtomicU64(atomic::AtomicU64);

        impl AtomicU64 {
            pub(super) fn new(value: u64) -> Self {
                Self(atomic::AtomicU64::new(value))
            }

            pub(super) fn load(&self, order: Ordering) -> u64 {
                self.0.load(order)
            }

            pub(super) fn store(&self, value: u64, order: Ordering) {
                self.0.swap(value, order);
            }

            pub(super) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
                self.0.fetch_add(value, order)
            }

            pub(super) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
                self.0.fetch_max(value, order)
            }

            pub(super) fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                next: impl Fn(u64) -> Option<u64>,
            ) -> Result<u64, u64> {
                let mut value = self.0.fetch_add(0, Ordering::Relaxed);
                while let Some(new) = next(value) {
                    match self.0.compare_exchange(value, new, set, fetch) {
                        Ok(before) => return Ok(before),
                        Err(other) => value = other,
                    }
                }
                Err(value)
            }
        }
    }
}

const KEY: &[u8] = b"key";
const BOUND: Duration = Duration::from_nanos(50);
/// When two heartbeats were sent. The first is too old when the second is answered.
const FIRST: Tick = Tick::from_nanos(1_000);
const SECOND: Tick = Tick::from_nanos(2_000);
/// Within the bound of the second heartbeat only.
const NOW: Tick = Tick::from_nanos(2_010);

/// The state that an invalidation connection shares with its readers.
#[derive(Clone)]
struct Shared {
    lease: Arc<Lease>,
}

impl Shared {
    fn new() -> Self {
        // There is one counter, so that the slot of the key does not depend on a random number.
        Self { lease: Arc::new(Lease::new(Arc::new(Generations::new(0)))) }
    }

    /// Returns a state whose lease holds at `NOW`.
    fn trusted() -> Self {
        let shared = Self::new();
        shared.lease.renew(SECOND);
        shared
    }

    fn stamp(&self) -> Stamp {
        Stamp::take(&self.lease, KEY)
    }

    fn bump(&self) {
        let generations = self.lease.generations();
        generations.bump(generations.slot(KEY));
    }

    fn apply(&self, change: Change) {
        match change {
            Change::OfKey => self.bump(),
            Change::OfAll => self.lease.generations().flush(),
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    OfKey,
    OfAll,
}

const CHANGES: [Change; 2] = [Change::OfKey, Change::OfAll];

/// Counts how often an effect occurred in all orders together. A test in which it never occurs
/// shows nothing.
fn seen(what: impl Fn(&Count)) -> u64 {
    let count = Count::new(0);
    what(&count);
    count.into_inner()
}

/// Runs a model, and adds the number of runs that returned true to `count`.
fn model(count: &Count, run: impl Fn() -> bool + Send + Sync + 'static) {
    let total = std::sync::Arc::new(Count::new(0));
    let inside = std::sync::Arc::clone(&total);
    let mut loom = loom::model::Builder::new();
    // A higher bound finds nothing new and takes minutes.
    loom.preemption_bound = Some(3);
    loom.check(move || {
        inside.fetch_add(u64::from(run()), Relaxed);
    });
    count.fetch_add(total.load(Relaxed), Relaxed);
}

/// One task applies a change and then announces the answer to a heartbeat. A second task renews the
/// lease with this heartbeat. Meanwhile a request asks `serves` about a copy from before the
/// change. Returns true if the request saw the renewed lease.
fn change_then_heartbeat(
    change: Change,
    serves: fn(&Stamp) -> bool,
    is_renewed: fn(&Lease) -> bool,
) -> bool {
    let shared = Shared::new();
    shared.lease.renew(FIRST);
    let stamp = shared.stamp();
    let answered = Arc::new(AtomicBool::new(false));

    let (socket, beat) = (shared.clone(), shared.clone());
    let answer = Arc::clone(&answered);
    let socket = spawn(move || {
        socket.apply(change);
        answer.store(true, Release);
    });
    let beat = spawn(move || {
        if answered.load(Acquire) {
            beat.lease.renew(SECOND);
        }
    });
    assert!(!serves(&stamp), "the heartbeat was answered after the change");
    let renewed = is_renewed(&shared.lease);
    assert!(!serves(&stamp), "the copy does not serve later, either");
    socket.join().unwrap();
    beat.join().unwrap();
    renewed
}

#[test]
fn holds_rejects_an_old_copy_if_the_heartbeat_was_answered_after_the_change() {
    for change in CHANGES {
        let renewed = seen(|count| {
            model(count, move || {
                change_then_heartbeat(
                    change,
                    |stamp| stamp.holds(NOW, BOUND),
                    |lease| lease.holds(NOW, BOUND),
                )
            });
        });
        assert!(renewed > 0);
    }
}

#[test]
fn held_rejects_an_old_copy_if_the_heartbeat_was_answered_after_the_change() {
    for change in CHANGES {
        let renewed = seen(|count| {
            model(count, move || {
                change_then_heartbeat(
                    change,
                    |stamp| stamp.held(NOW, BOUND),
                    |lease| lease.held(NOW, BOUND),
                )
            });
        });
        assert!(renewed > 0);
    }
}

#[test]
fn heartbeat_without_an_earlier_change_lets_a_copy_serve() {
    let served = seen(|count| {
        model(count, || {
            let shared = Shared::new();
            let stamp = shared.stamp();
            let beat = spawn(move || shared.lease.renew(SECOND));
            let serves = stamp.holds(NOW, BOUND);
            beat.join().unwrap();
            assert!(stamp.holds(NOW, BOUND));
            serves
        });
    });
    assert!(served > 0);
}

#[test]
fn ended_lease_is_not_renewed_by_a_concurrent_heartbeat_answer() {
    let between = seen(|count| {
        model(count, || {
            let lease = Shared::new().lease;
            let (beat, beat_again, end) =
                (Arc::clone(&lease), Arc::clone(&lease), Arc::clone(&lease));
            let beat = spawn(move || beat.renew(FIRST));
            let end = spawn(move || end.end());
            beat_again.renew(SECOND);
            let held = lease.holds(NOW, BOUND);
            beat.join().unwrap();
            end.join().unwrap();
            assert!(!lease.holds(NOW, BOUND), "the lease has ended for good");
            assert!(lease.held(NOW, BOUND), "the time of the heartbeat is kept");
            held
        });
    });
    assert!(between > 0);
}

#[test]
fn lease_never_holds_for_a_thread_that_has_seen_its_end() {
    let known = seen(|count| {
        model(count, || {
            let lease = Shared::new().lease;
            let over = Arc::new(AtomicBool::new(false));
            let (beat, end, ended) = (Arc::clone(&lease), Arc::clone(&lease), Arc::clone(&over));
            let beat = spawn(move || beat.renew(SECOND));
            let end = spawn(move || {
                end.end();
                ended.store(true, Release);
            });
            let known = over.load(Acquire);
            assert!(!known || !lease.holds(NOW, BOUND));
            beat.join().unwrap();
            end.join().unwrap();
            known
        });
    });
    assert!(known > 0);
}

#[test]
fn late_heartbeat_answer_does_not_shorten_the_lease() {
    model(&Count::new(0), || {
        let lease = Shared::new().lease;
        let beat = Arc::clone(&lease);
        let beat = spawn(move || beat.renew(FIRST));
        lease.renew(SECOND);
        assert!(lease.holds(NOW, BOUND) && lease.held(NOW, BOUND));
        beat.join().unwrap();
        assert!(lease.holds(NOW, BOUND) && lease.held(NOW, BOUND));
        false
    });
}

/// One thread reads the value of a server with a stamp, while another thread changes it and
/// announces that. Returns true if the copy still serves at the end.
fn fill_beside_a_change(change: Change) -> bool {
    let shared = Shared::trusted();
    let server = Arc::new(Mutex::new("old"));
    let told = Arc::new(AtomicBool::new(false));

    let (writer, asked, say) = (shared.clone(), Arc::clone(&server), Arc::clone(&told));
    let writer = spawn(move || {
        *asked.lock().unwrap() = "new";
        writer.apply(change);
        say.store(true, Release);
    });
    let stamp = shared.stamp();
    let copy = *server.lock().unwrap();
    let knows = told.load(Acquire);
    let serves = stamp.holds(NOW, BOUND);
    assert!(!(knows && serves && copy == "old"), "the copy is from before an announced change");
    writer.join().unwrap();
    let serves = stamp.holds(NOW, BOUND);
    assert!(!(serves && copy == "old"), "the copy does not serve later, either");
    serves
}

#[test]
fn copy_that_was_read_before_a_change_never_serves_after_it() {
    for change in CHANGES {
        let served = seen(|count| model(count, move || fill_beside_a_change(change)));
        assert!(served > 0, "a copy from after the change serves");
    }
}

#[test]
fn copy_serves_only_if_it_contains_both_of_two_changes() {
    for changes in [[Change::OfKey; 2], [Change::OfAll; 2], CHANGES] {
        let served = seen(|count| {
            model(count, move || {
                let shared = Shared::trusted();
                let server = Arc::new(Mutex::new(0));
                let writers = changes.map(|change| {
                    let (shared, server) = (shared.clone(), Arc::clone(&server));
                    spawn(move || {
                        *server.lock().unwrap() += 1;
                        shared.apply(change);
                    })
                });
                let stamp = shared.stamp();
                let copy = *server.lock().unwrap();
                writers.into_iter().for_each(|writer| writer.join().unwrap());
                let serves = stamp.holds(NOW, BOUND);
                assert!(!serves || copy == 2);
                serves
            });
        });
        assert!(served > 0);
    }
}

/// A process records its own change before it acknowledges it.
#[test]
fn copy_from_before_a_change_does_not_serve_after_the_acknowledgment() {
    let knew = seen(|count| {
        model(count, || {
            let shared = Shared::trusted();
            let stamp = shared.stamp();
            let acknowledged = Arc::new(AtomicBool::new(false));
            let (writer, acknowledge) = (shared, Arc::clone(&acknowledged));
            let writer = spawn(move || {
                writer.bump();
                acknowledge.store(true, Release);
            });
            let knows = acknowledged.load(Acquire);
            assert!(!knows || !stamp.holds(NOW, BOUND));
            writer.join().unwrap();
            knows
        });
    });
    assert!(knew > 0);
}
