//! An event sink that a test can block.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use tower_session_auth::telemetry::events::{Event, EventSink};

use super::wait::PATIENCE;

/// Records the names of events and users. It blocks while it is held. All clones share it.
#[derive(Clone, Default)]
pub struct Valve(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    held: bool,
    inside: bool,
    seen: Vec<String>,
}

impl Valve {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.1.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let (state, late) =
            self.0.1.wait_timeout_while(self.state(), PATIENCE, |state| !until(state)).unwrap();
        assert!(!late.timed_out(), "the sink has {} events", state.seen.len());
    }

    /// Blocks the sink at the next event.
    pub fn hold(&self) {
        self.change(|state| state.held = true);
    }

    pub fn release(&self) {
        self.change(|state| state.held = false);
    }

    /// Waits until an event is blocked in the sink.
    pub fn wait_held(&self) {
        self.wait(|state| state.inside);
    }

    /// Waits until this many events have passed.
    pub fn wait_for(&self, count: usize) {
        self.wait(|state| state.seen.len() >= count);
    }

    /// Waits until the events that have passed meet this condition.
    pub fn wait_until(&self, until: impl Fn(&[String]) -> bool) {
        self.wait(|state| until(&state.seen));
    }

    pub fn seen(&self) -> Vec<String> {
        self.state().seen.clone()
    }
}

impl EventSink for Valve {
    fn event(&self, event: &Event) {
        let words = match event {
            Event::Created { user, .. } | Event::Revoked { user, .. } => {
                format!("{} {user}", event.name())
            }
            Event::Dropped { class, count, .. } => {
                format!("dropped {} {count}", class.as_str())
            }
            _ => event.name().to_owned(),
        };
        self.change(|state| state.inside = true);
        let held = self.0.1.wait_while(self.state(), |state| state.held).unwrap();
        drop(held);
        self.change(|state| {
            state.inside = false;
            state.seen.push(words);
        });
    }
}
