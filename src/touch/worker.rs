//! The task that writes uses to the store.

use std::collections::HashMap;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until};

use super::state::{WorkerGuard, WorkerWatch};
use super::warnings::Warnings;
use super::{Mark, Use};
use crate::clock::Clock;
use crate::events::{RunningSinks, Sinks};
use crate::gate::{Gate, Verb};
use crate::id::{SessionId, UserId};
use crate::meter::{Counter, Gauge, Meter, Name, NearMeter};
use crate::store::{StoreError, StoreErrorKind, Touch, Touched, Tracker};
use crate::trace;

/// Uses are collected for this long before they are written.
const COLLECT: Duration = Duration::from_millis(100);
/// The most touches in one call to the store.
const BATCH: usize = 500;
/// How long one call may take. No request waits for it.
const CALL_LIMIT: Duration = Duration::from_secs(1);
/// The longest pause between tries while the store does not take touches.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How often the store gets to free what expired and to compare clocks.
const UPKEEP: Duration = Duration::from_secs(1);
/// The most uses that wait for a store that is away; further ones are dropped, and due again at the next request.
const MAX_PENDING: usize = 65_536;
/// How long a stop waits for the store to take what is left.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Writes what requests leave behind, last activity and idle deadlines, keeps the
/// [near cache](crate::SessionManager::near_cache) in touch with the store, and runs the
/// [event sinks](crate::events::EventSink). Made by `build()`, runs when started.
///
/// Without it running, sessions are checked as ever, but each request asks the store, use does not keep sessions alive
/// (each ends one idle TTL after its login), events wait for their sinks, and the store is not diagnosed. The first use
/// of a session without a running worker is an error in the log (feature `tracing`), and
/// [`Health::worker`](crate::manager::Health::worker) says so. Start it once, with [`start`](Self::start) or [`run`](Self::run).
#[must_use = "sessions are not kept alive by use until the worker is started"]
pub struct Worker {
    receiver: mpsc::Receiver<Use>,
    gate: Arc<Gate>,
    /// How old a use is when it is written.
    clock: Arc<dyn Clock>,
    stop: Arc<Notify>,
    pending: HashMap<(UserId, SessionId), Waiting>,
    /// The store did not take the last batch.
    held_up: bool,
    report: DrainReport,
    figures: Figures,
    sinks: Sinks,
    warnings: Warnings,
    /// What keeps the near cache in touch with the store.
    tracker: Option<Arc<dyn Tracker>>,
    /// How the manager knows whether this runs.
    guard: WorkerGuard,
}

struct Figures {
    meter: Meter,
    depth: Gauge,
    written: Counter,
    lost: Counter,
    near: Option<NearMeter>,
}

/// The latest use of one session that is not yet written.
struct Waiting {
    at: Duration,
    extend_below: Duration,
    /// The greatest of all uses that wait.
    rotation: Option<u64>,
    mark: Arc<Mark>,
}

/// What a worker did in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Touches that the store took (of sessions living or ended).
    pub written: u64,
    /// Touches that were lost: too many waited for a store that was away, or it was still away at the end.
    pub lost: u64,
}

/// A running [`Worker`].
///
/// Dropping it leaves the worker running; it then ends with the last clone of the manager.
#[derive(Debug)]
#[must_use = "keep it, to stop the worker at shutdown"]
pub struct Background {
    stop: Arc<Notify>,
    task: JoinHandle<DrainReport>,
}

pub(crate) fn new(
    receiver: mpsc::Receiver<Use>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    sinks: Sinks,
    tracker: Option<Arc<dyn Tracker>>,
    meter: Meter,
) -> Worker {
    let stop = Arc::new(Notify::new());
    Worker {
        receiver,
        gate,
        clock,
        stop,
        pending: HashMap::new(),
        held_up: false,
        report: DrainReport::default(),
        figures: Figures {
            depth: meter.gauge(Name::QueueDepth),
            written: meter.counter(Name::TouchesWritten),
            lost: meter.counter(Name::TouchesLost),
            near: tracker.as_ref().map(|tracker| meter.near(Arc::clone(tracker.figures()))),
            meter,
        },
        sinks,
        warnings: Warnings::default(),
        tracker,
        guard: WorkerGuard::new(),
    }
}

impl Background {
    /// Writes what is left in the queue, for 5 seconds at most (and 1 more for a batch that is under way), delivers
    /// events that wait for their sinks, for 1 second at most, and ends the worker.
    ///
    /// Call it after the server has stopped: a use or an event for a sink that comes later is dropped.
    ///
    /// # Errors
    ///
    /// [`JoinError`] when the worker's task panicked or its runtime was shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the stop back: the worker ends by itself.
    pub async fn stop(self) -> Result<DrainReport, JoinError> {
        self.stop.notify_one();
        self.task.await
    }
}

enum Woken {
    Used,
    Due,
    Stop,
}

impl Worker {
    /// Runs the worker as a task on the current Tokio runtime, with a thread for each event sink.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn start(mut self) -> Background {
        let stop = Arc::clone(&self.stop);
        self.guard.started();
        let sinks = mem::take(&mut self.sinks).start();
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one documented call that starts background work"
        )]
        let task = tokio::spawn(self.live(sinks));
        Background { stop, task }
    }

    /// Runs until the last clone of the manager is gone, then writes and delivers what is left, and ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the uses that wait, and from then on each request asks the store: events that are queued
    /// are still delivered.
    pub async fn run(mut self) -> DrainReport {
        self.guard.started();
        let sinks = mem::take(&mut self.sinks).start();
        self.live(sinks).await
    }

    /// How the manager knows whether this runs.
    pub(super) fn watch(&self) -> &Arc<WorkerWatch> {
        self.guard.watch()
    }

    /// Works, and keeps the near cache in touch with the store meanwhile.
    async fn live(self, sinks: RunningSinks) -> DrainReport {
        let tracker = self.tracker.clone();
        let mut near = tracker.as_ref().map(|tracker| tracker.run());
        let mut work = pin!(self.work(sinks));
        poll_fn(|context| {
            if let Some(near) = &mut near {
                // It never ends by itself.
                let _ = near.as_mut().poll(context);
            }
            work.as_mut().poll(context)
        })
        .await
    }

    async fn work(mut self, sinks: RunningSinks) -> DrainReport {
        let mut received = Vec::with_capacity(BATCH);
        let mut next_upkeep = Instant::now() + UPKEEP;
        let mut next_flush = Instant::now();
        let mut pause = COLLECT;
        loop {
            let wake =
                if self.pending.is_empty() { next_upkeep } else { next_flush.min(next_upkeep) };
            match self.wait(&mut received, wake).await {
                Woken::Used => {
                    if self.pending.is_empty() {
                        next_flush = Instant::now() + pause;
                    }
                    self.collect(&mut received);
                }
                Woken::Due => {}
                Woken::Stop => break,
            }
            if !self.pending.is_empty() && Instant::now() >= next_flush {
                // One batch a round, so that a stop waits for one at most.
                let written = self.flush(Instant::now() + CALL_LIMIT).await;
                pause = if written { COLLECT } else { (pause * 2).min(MAX_PAUSE) };
                let more = written && !self.pending.is_empty();
                next_flush = if more { Instant::now() } else { Instant::now() + pause };
            }
            if Instant::now() >= next_upkeep {
                if self.upkeep().await {
                    self.warnings.log_once(&self.gate);
                }
                next_upkeep = Instant::now() + UPKEEP;
            }
            self.figures.depth.set((self.receiver.len() + self.pending.len()) as f64);
        }
        let report = self.drain(received).await;
        sinks.finish().await;
        report
    }

    /// Waits for uses, until `wake` at most.
    async fn wait(&mut self, received: &mut Vec<Use>, wake: Instant) -> Woken {
        let mut uses = pin!(self.receiver.recv_many(received, BATCH));
        let mut stopped = pin!(self.stop.notified());
        let mut due = pin!(sleep_until(wake));
        poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Stop);
            }
            if let Poll::Ready(count) = uses.as_mut().poll(context) {
                // None at all means that every manager is gone.
                return Poll::Ready(if count == 0 { Woken::Stop } else { Woken::Used });
            }
            due.as_mut().poll(context).map(|()| Woken::Due)
        })
        .await
    }

    fn collect(&mut self, received: &mut Vec<Use>) {
        for Use { user, id, at, extend_below, rotation, mark } in received.drain(..) {
            let key = (user, id);
            if self.pending.len() >= MAX_PENDING && !self.pending.contains_key(&key) {
                self.lose([mark]);
                continue;
            }
            let before = self.pending.get(&key).and_then(|waiting| waiting.rotation);
            let rotation = rotation.max(before);
            self.pending.insert(key, Waiting { at, extend_below, rotation, mark });
        }
    }

    /// Writes one batch of what is pending, until `deadline` at most; `false` if it must wait.
    async fn flush(&mut self, deadline: Instant) -> bool {
        let batch: Vec<_> = self.pending.extract_if(|_, _| true).take(BATCH).collect();
        let now = self.clock.monotonic();
        let touches: Vec<_> = batch
            .iter()
            .map(|((user, id), Waiting { at, extend_below, rotation, .. })| {
                let age = now.saturating_sub(*at);
                let touch = Touch::new(user.clone(), id.clone(), age, *extend_below);
                Touch { rotation: *rotation, ..touch }
            })
            .collect();
        match self
            .gate
            .ask_in_background(Verb::Touch, deadline, |store| store.touch(&touches))
            .await
        {
            Ok(answers) => {
                if mem::take(&mut self.held_up) {
                    trace::info!("the session store takes uses of sessions again");
                }
                self.report.written += batch.len() as u64;
                self.figures.written.increment(batch.len() as u64);
                for (answer, (_, waiting)) in answers.into_iter().zip(&batch) {
                    if let Touched::Lives(idle_deadline) = answer {
                        waiting.mark.learn(idle_deadline);
                    }
                }
                true
            }
            Err(error) => match error.kind() {
                StoreErrorKind::Unavailable
                | StoreErrorKind::Interrupted
                | StoreErrorKind::NotPrimary
                | StoreErrorKind::WriteRefused => {
                    // Told once: tries go on, each second at least.
                    if !mem::replace(&mut self.held_up, true) {
                        trace::warn!(
                            "uses of sessions wait for the session store",
                            error = trace::Chain(&error)
                        );
                    }
                    self.pending.extend(batch);
                    false
                }
                // Another try would end no better, and must not hold up the others.
                StoreErrorKind::Unreadable | StoreErrorKind::Unsupported => {
                    trace::error!(
                        "uses of sessions cannot be recorded",
                        lost = batch.len(),
                        error = trace::Chain(&error)
                    );
                    self.lose(batch.into_iter().map(|(_, waiting)| waiting.mark));
                    true
                }
            },
        }
    }

    /// Gives up on uses: the next request of each session leaves another.
    fn lose(&mut self, marks: impl IntoIterator<Item = Arc<Mark>>) {
        for mark in marks {
            mark.give_back();
            self.report.lost += 1;
            self.figures.lost.increment(1);
        }
    }

    /// Whether the store answered.
    async fn upkeep(&self) -> bool {
        self.figures.meter.sessions_age();
        if let Some(near) = &self.figures.near {
            near.publish(self.tracker.as_ref().is_some_and(|tracker| tracker.is_coherent()));
        }
        let done = self.gate.ask(Verb::Upkeep, |store| store.upkeep()).await;
        if let Err(error) = &done {
            trace::debug!("upkeep of the store failed", error = trace::Chain(error));
        }
        // A server that is too old or no primary answers as well, and its operator should know.
        let unusable = |error: &StoreError| {
            matches!(error.kind(), StoreErrorKind::Unsupported | StoreErrorKind::NotPrimary)
        };
        done.as_ref().err().is_none_or(unusable)
    }

    async fn drain(mut self, mut received: Vec<Use>) -> DrainReport {
        self.guard.stopped();
        let give_up = Instant::now() + DRAIN_LIMIT;
        self.receiver.close();
        self.collect(&mut received);
        while self.receiver.recv_many(&mut received, BATCH).await > 0 {
            self.collect(&mut received);
        }
        while !self.pending.is_empty() && Instant::now() < give_up {
            if !self.flush(give_up.min(Instant::now() + CALL_LIMIT)).await {
                sleep_until(give_up.min(Instant::now() + COLLECT)).await;
            }
        }
        let left = self.pending.len() as u64;
        self.report.lost += left;
        self.figures.lost.increment(left);
        self.figures.depth.set(0.0);
        if let Some(near) = &self.figures.near {
            // With this worker ends what keeps it in touch with the store.
            near.publish(false);
        }
        if self.report.lost > 0 {
            trace::warn!("uses of sessions were not recorded", lost = self.report.lost);
        }
        self.report
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}
