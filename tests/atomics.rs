//! Every order in which threads can meet on the atomics of `src/coherence`, and every value that a load may see there:
//! `loom` runs them all.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
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

/// The library's own files on `loom`'s atomics.
#[path = "../src/coherence"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "each is used by its own part")]
mod coherence {
    pub(crate) mod generations;
    pub(crate) mod lease;
    pub(crate) mod stamp;
    pub(crate) mod tick;

    mod sync {
        pub(super) use loom::sync::Arc;
        pub(super) use loom::sync::atomic::Ordering;

        use loom::sync::atomic;

        /// Two things that `loom` does not see are made visible to it, and no order is taken away: that a store comes
        /// before or after a read-modify-write of another thread, once and for all, and that such a read-modify-write
        /// meets other threads' loads also if it begins with a load of its own.
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
/// Two beats, so far apart that the first is too old when the second is answered.
const FIRST: Tick = Tick::from_nanos(1_000);
const SECOND: Tick = Tick::from_nanos(2_000);
/// Within the bound of the second alone.
const NOW: Tick = Tick::from_nanos(2_010);

/// What a link and its readers share.
#[derive(Clone)]
struct Shared {
    lease: Arc<Lease>,
}

impl Shared {
    fn new() -> Self {
        // One counter: which one is used must not depend on chance.
        Self { lease: Arc::new(Lease::new(Arc::new(Generations::new(0)))) }
    }

    /// A lease that holds at `NOW`.
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

    fn tell(&self, change: Change) {
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

/// How often something was seen in all the orders together: a test in which it never happens shows nothing.
fn seen(what: impl Fn(&Count)) -> u64 {
    let count = Count::new(0);
    what(&count);
    count.into_inner()
}

/// Counts from within a model.
fn model(count: &Count, run: impl Fn() -> bool + Send + Sync + 'static) {
    let total = std::sync::Arc::new(Count::new(0));
    let inside = std::sync::Arc::clone(&total);
    let mut loom = loom::model::Builder::new();
    // More switches than this in one run find nothing new, and take minutes.
    loom.preemption_bound = Some(3);
    loom.check(move || {
        inside.fetch_add(u64::from(run()), Relaxed);
    });
    count.fetch_add(total.load(Relaxed), Relaxed);
}

/// The socket's task takes in a change and hands on the answer to a beat, another task renews the lease, and a request
/// asks `serves` about a copy from before. True if the lease was seen to be renewed.
fn change_then_beat(
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
        socket.tell(change);
        answer.store(true, Release);
    });
    let beat = spawn(move || {
        if answered.load(Acquire) {
            beat.lease.renew(SECOND);
        }
    });
    assert!(!serves(&stamp), "the beat was answered after the change");
    let renewed = is_renewed(&shared.lease);
    assert!(!serves(&stamp), "nor later");
    socket.join().unwrap();
    beat.join().unwrap();
    renewed
}

#[test]
fn who_sees_a_beat_sees_what_was_told_before_its_answer() {
    for change in CHANGES {
        let renewed = seen(|count| {
            model(count, move || {
                change_then_beat(
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
fn so_does_who_asks_about_a_lost_link() {
    for change in CHANGES {
        let renewed = seen(|count| {
            model(count, move || {
                change_then_beat(
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
fn a_beat_that_nothing_was_told_before_lets_a_copy_serve() {
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
fn a_lease_that_has_ended_is_not_revived_by_an_answer_on_its_way() {
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
            assert!(!lease.holds(NOW, BOUND), "ended for good");
            assert!(lease.held(NOW, BOUND), "and when it was known to hold last is not forgotten");
            held
        });
    });
    assert!(between > 0);
}

#[test]
fn who_knows_of_the_end_never_sees_the_lease_hold() {
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
fn an_answer_that_comes_late_makes_a_lease_no_shorter() {
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

/// A server with one value, that one thread reads under a stamp and another changes; a third knows of the change.
fn fill_beside_a_change(change: Change) -> bool {
    let shared = Shared::trusted();
    let server = Arc::new(Mutex::new("old"));
    let told = Arc::new(AtomicBool::new(false));

    let (writer, asked, say) = (shared.clone(), Arc::clone(&server), Arc::clone(&told));
    let writer = spawn(move || {
        *asked.lock().unwrap() = "new";
        writer.tell(change);
        say.store(true, Release);
    });
    let stamp = shared.stamp();
    let copy = *server.lock().unwrap();
    let knows = told.load(Acquire);
    let serves = stamp.holds(NOW, BOUND);
    assert!(!(knows && serves && copy == "old"), "it was read before the change");
    writer.join().unwrap();
    let serves = stamp.holds(NOW, BOUND);
    assert!(!(serves && copy == "old"), "nor ever after");
    serves
}

#[test]
fn what_was_read_under_a_stamp_from_before_a_change_never_serves_after_it() {
    for change in CHANGES {
        let served = seen(|count| model(count, move || fill_beside_a_change(change)));
        assert!(served > 0, "what was read after it does");
    }
}

#[test]
fn each_of_two_changes_counts() {
    for changes in [[Change::OfKey; 2], [Change::OfAll; 2], CHANGES] {
        let served = seen(|count| {
            model(count, move || {
                let shared = Shared::trusted();
                let server = Arc::new(Mutex::new(0));
                let writers = changes.map(|change| {
                    let (shared, server) = (shared.clone(), Arc::clone(&server));
                    spawn(move || {
                        *server.lock().unwrap() += 1;
                        shared.tell(change);
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

/// A process that has changed something itself says so before it answers for it.
#[test]
fn who_saw_a_change_acknowledged_is_not_served_what_was_before_it() {
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
