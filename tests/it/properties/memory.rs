//! Sequences of operations over [`MemoryStore`].

use std::time::Duration;

use tower_session_auth::testing::ManualClock;
use tower_session_auth::{MemoryStore, SessionManager, SessionManagerBuilder};

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

    // Manager and store share one clock, which the model moves.
    async fn pass(&self, _time: Duration) -> bool {
        false
    }

    async fn tick(&self) {}

    async fn lose_all(&mut self) -> bool {
        *self = Self::new(&self.clock);
        true
    }
}

/// Half of the sequences, so that two of these run at the same time.
fn half() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    holds(5_000, &steps(24), |steps| {
        let clock = clock();
        runtime.block_on(run(Memory::new(&clock), clock, steps));
    });
}

#[test]
fn any_sequence_of_operations_over_memory_does_what_the_model_says() {
    half();
}

#[test]
fn any_other_sequence_of_operations_over_memory_does_what_the_model_says() {
    half();
}
