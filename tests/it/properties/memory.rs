//! Sequences of operations over [`MemoryStore`].

use std::time::Duration;

use tower_session_auth::SessionManager;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::ManualClock;

use crate::properties::model::{Ground, clock, run};
use crate::properties::steps::steps;
use crate::support::property::holds;

struct Memory {
    clock: ManualClock,
    store: MemoryStore,
}

impl Memory {
    fn new(clock: &ManualClock) -> Self {
        Self { clock: clock.clone(), store: MemoryStore::with_clock(clock.clone()) }
    }
}

impl Ground for Memory {
    const IS_EXACT: bool = true;
    const FENCES_AGE: bool = true;

    fn manager(&self, settings: SessionManagerBuilder) -> SessionManager {
        settings.store(self.store.clone()).build().unwrap().0
    }

    // The manager and the store share one clock. The model advances it.
    async fn pass(&self, _time: Duration) -> bool {
        false
    }

    async fn tick(&self) {}

    async fn lose_all(&mut self) -> bool {
        *self = Self::new(&self.clock);
        true
    }
}

/// Runs half of the sequences. Two tests call this function, so that the two halves run in
/// parallel.
fn run_half_of_the_cases() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    holds(5_000, &steps(24), |steps| {
        let clock = clock();
        runtime.block_on(run(Memory::new(&clock), clock, steps));
    });
}

#[test]
fn operations_on_the_memory_store_match_the_model() {
    run_half_of_the_cases();
}

#[test]
fn further_operations_on_the_memory_store_match_the_model() {
    run_half_of_the_cases();
}
