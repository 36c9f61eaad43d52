//! Whether the background worker runs: known to the manager, so that a missing worker is not silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::trace;

/// What the background [`Worker`](super::Worker) of a manager is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerState {
    /// `build()` has made it, and it was not started yet.
    NotStarted,
    /// It runs.
    Running,
    /// It was stopped by [`Background::stop`](super::Background::stop).
    Stopped,
    /// It was dropped without having been started, or its task ended before it was stopped: it panicked, was aborted,
    /// or its runtime was shut down.
    Lost,
}

impl WorkerState {
    const ALL: [Self; 4] = [Self::NotStarted, Self::Running, Self::Stopped, Self::Lost];

    /// The state in stable `snake_case`.
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

/// The state as the manager reads it. Relaxed throughout: it stands alone.
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

    /// Logs an error, once, if a session is used while its use will never be written. A worker that was stopped is part of
    /// an orderly shutdown and is not reported.
    pub(super) fn report_use(&self) {
        let why = match self.state() {
            WorkerState::Running | WorkerState::Stopped => return,
            WorkerState::NotStarted => "it was not started",
            WorkerState::Lost => "it was dropped, or its task ended",
        };
        if !self.was_reported.swap(true, Ordering::Relaxed) {
            trace::error!(
                "the background worker does not run: sessions end in spite of use, each request asks the store, and \
                 event sinks get nothing; keep the worker that `build()` returns, and call `start()` on it",
                cause = why
            );
        }
    }
}

/// The worker's end of a [`WorkerWatch`]: dropped in any way but [`stopped`](Self::stopped), the worker is lost.
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
