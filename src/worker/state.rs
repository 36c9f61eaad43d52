//! The state of the background worker. The manager reads this state to report a missing worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::trace;

/// The state of a manager's background [`Worker`](super::Worker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerState {
    /// `build()` returned the worker, but the worker has not been started yet.
    NotStarted,
    /// The worker is running.
    Running,
    /// [`Background::stop`](super::Background::stop) stopped the worker.
    Stopped,
    /// The worker ended without being stopped. Possible causes: the worker was dropped before it
    /// was started, its task panicked or was aborted, the future of [`run`](super::Worker::run) was
    /// dropped, or the runtime was shut down.
    Lost,
}

impl WorkerState {
    const ALL: [Self; 4] = [Self::NotStarted, Self::Running, Self::Stopped, Self::Lost];

    /// Returns the state as stable text in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }
}

/// The worker's state, shared with the manager. All atomics use relaxed ordering, because no value
/// depends on another.
#[derive(Debug)]
pub(crate) struct WorkerWatch {
    state: AtomicU8,
    was_reported: AtomicBool,
}

impl WorkerWatch {
    fn set(&self, state: WorkerState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> WorkerState {
        let state = self.state.load(Ordering::Relaxed);
        WorkerState::ALL
            .into_iter()
            .find(|known| *known as u8 == state)
            .unwrap_or(WorkerState::Lost)
    }

    /// Reports that a session is used. If the worker was not started or is lost, logs an error, but
    /// only once. After a stop, logs nothing, because a stopped worker is part of an orderly
    /// shutdown.
    pub(super) fn report_use(&self) {
        let why = match self.state() {
            WorkerState::Running | WorkerState::Stopped => return,
            WorkerState::NotStarted => "it was not started",
            WorkerState::Lost => "it was dropped, or its task ended",
        };
        if !self.was_reported.swap(true, Ordering::Relaxed) {
            trace::error!(
                "the background worker does not run: use does not extend sessions, each request \
                 asks the store, and event sinks get no events; keep the worker that `build()` \
                 returns, and call `start()` on it",
                cause = why
            );
        }
    }
}

/// The worker's side of a [`WorkerWatch`]. If this value is dropped before
/// [`stopped`](Self::stopped) was called, the state becomes [`Lost`](WorkerState::Lost).
#[derive(Debug)]
pub(super) struct WorkerGuard(Arc<WorkerWatch>);

impl WorkerGuard {
    pub(super) fn new() -> Self {
        let state = AtomicU8::new(WorkerState::NotStarted as u8);
        Self(Arc::new(WorkerWatch { state, was_reported: AtomicBool::new(false) }))
    }

    pub(super) fn watch(&self) -> &Arc<WorkerWatch> {
        &self.0
    }

    pub(super) fn started(&self) {
        self.0.set(WorkerState::Running);
    }

    pub(super) fn stopped(&self) {
        self.0.set(WorkerState::Stopped);
    }
}

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        if self.0.state() != WorkerState::Stopped {
            self.0.set(WorkerState::Lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_state_has_a_text_in_snake_case() {
        let texts = WorkerState::ALL.map(WorkerState::as_str);
        assert_eq!(texts, ["not_started", "running", "stopped", "lost"]);
    }
}
