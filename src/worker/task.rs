//! The background worker, which writes touches to the store.

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
use crate::id::{SessionId, UserId};
use crate::resilience::{Operation, StoreClient};
use crate::store::{StoreError, StoreErrorKind, Touch, Touched, Tracker};
use crate::telemetry::events::{RunningSinks, Sinks};
use crate::telemetry::metrics::{Counter, Gauge, Metrics, Name, NearCacheMetrics};
use crate::trace;

/// How long the worker collects uses before it writes them.
const COLLECT: Duration = Duration::from_millis(100);
/// Maximum number of touches in one store call.
const BATCH: usize = 500;
/// Timeout of one store call. No request waits for it.
const CALL_LIMIT: Duration = Duration::from_secs(1);
/// The longest pause between attempts while the store does not accept touches.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Interval of the store's upkeep: it frees expired data and compares clocks.
const UPKEEP: Duration = Duration::from_secs(1);
/// The maximum number of waiting uses. Further uses are dropped, and are due at the next request.
const MAX_PENDING: usize = 65_536;
/// How long a stop waits for the store to accept the remaining touches.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Writes last activity and idle deadlines, keeps the [near
/// cache](crate::SessionManager::near_cache) coherent, and runs the [event
/// sinks](crate::telemetry::events::EventSink). `build()` returns this worker. The application
/// starts it once, with [`start`](Self::start) or [`run`](Self::run).
///
/// Without a running worker, each request asks the store, and the setup of the store is not
/// diagnosed. Only a refresh or a call of [`touch`](crate::SessionManager::touch) extends a
/// session. Before the start, events wait in the queues of their sinks. With the feature `tracing`,
/// the first use that is due logs an error, unless the worker was stopped.
/// [`Health::worker`](crate::manager::Health::worker) reports the worker's state.
#[must_use = "use does not extend sessions until the worker is started"]
pub struct Worker {
    receiver: mpsc::Receiver<Use>,
    store_client: Arc<StoreClient>,
    /// The clock that determines the age of a use when the worker writes it.
    clock: Arc<dyn Clock>,
    stop: Arc<Notify>,
    pending: HashMap<(UserId, SessionId), Waiting>,
    /// Whether the store did not accept the last batch.
    held_up: bool,
    report: DrainReport,
    counters: CacheCounters,
    sinks: Sinks,
    warnings: Warnings,
    /// Keeps the near cache coherent.
    tracker: Option<Arc<dyn Tracker>>,
    /// Sets the state that the manager reads.
    guard: WorkerGuard,
}

struct CacheCounters {
    metrics: Metrics,
    depth: Gauge,
    written: Counter,
    lost: Counter,
    near: Option<NearCacheMetrics>,
}

/// The latest use of one session. It is not written yet.
struct Waiting {
    at: Duration,
    extend_below: Duration,
    /// The greatest rotation counter of the session's waiting uses.
    rotation: Option<u64>,
    mark: Arc<Mark>,
}

/// What a worker wrote from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// The number of touches that the store accepted. Some of the sessions may be over.
    pub written: u64,
    /// Lost touches: too many waited, the store refused them, or it was unavailable until the end.
    pub lost: u64,
}

/// A running [`Worker`].
///
/// Dropping it does not stop the worker: the worker ends with the last clone of the manager.
#[derive(Debug)]
#[must_use = "keep the handle to stop the worker at shutdown"]
pub struct Background {
    stop: Arc<Notify>,
    task: JoinHandle<DrainReport>,
}

pub(crate) fn new(
    receiver: mpsc::Receiver<Use>,
    store_client: Arc<StoreClient>,
    clock: Arc<dyn Clock>,
    sinks: Sinks,
    tracker: Option<Arc<dyn Tracker>>,
    metrics: Metrics,
) -> Worker {
    let stop = Arc::new(Notify::new());
    Worker {
        receiver,
        store_client,
        clock,
        stop,
        pending: HashMap::new(),
        held_up: false,
        report: DrainReport::default(),
        counters: CacheCounters {
            depth: metrics.gauge(Name::QueueDepth),
            written: metrics.counter(Name::TouchesWritten),
            lost: metrics.counter(Name::TouchesLost),
            near: tracker.as_ref().map(|tracker| metrics.near(Arc::clone(tracker.counters()))),
            metrics,
        },
        sinks,
        warnings: Warnings::default(),
        tracker,
        guard: WorkerGuard::new(),
    }
}

impl Background {
    /// Stops the worker. The worker writes the queued uses for up to 5 seconds (plus 1 second for a
    /// batch in progress). Then it delivers queued events to their sinks for up to 1 second.
    ///
    /// Call this after the server has stopped, because later uses and events are dropped.
    ///
    /// # Errors
    ///
    /// Returns a [`JoinError`] when the worker's task panicked or its runtime was shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not cancel the stop: the worker still ends.
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
    /// Panics outside of a Tokio runtime.
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

    /// Runs until the last clone of the manager is dropped. Then writes and delivers queued data.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, queued uses are lost, and later requests all ask the store. Events
    /// that are queued at that time are still delivered.
    pub async fn run(mut self) -> DrainReport {
        self.guard.started();
        let sinks = mem::take(&mut self.sinks).start();
        self.live(sinks).await
    }

    /// Returns the state that the manager reads.
    pub(super) fn watch(&self) -> &Arc<WorkerWatch> {
        self.guard.watch()
    }

    /// Runs the worker's loop. Keeps the near cache coherent during that time.
    async fn live(self, sinks: RunningSinks) -> DrainReport {
        let tracker = self.tracker.clone();
        let mut near = tracker.as_ref().map(|tracker| tracker.run());
        let mut work = pin!(self.work(sinks));
        poll_fn(|context| {
            if let Some(near) = &mut near {
                // This future never ends by itself.
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
                // One batch per round, so that a stop waits for at most one batch.
                let written = self.flush(Instant::now() + CALL_LIMIT).await;
                pause = if written { COLLECT } else { (pause * 2).min(MAX_PAUSE) };
                let more = written && !self.pending.is_empty();
                next_flush = if more { Instant::now() } else { Instant::now() + pause };
            }
            if Instant::now() >= next_upkeep {
                if self.upkeep().await {
                    self.warnings.log_once(&self.store_client);
                }
                next_upkeep = Instant::now() + UPKEEP;
            }
            self.counters.depth.set((self.receiver.len() + self.pending.len()) as f64);
        }
        let report = self.drain(received).await;
        sinks.finish().await;
        report
    }

    /// Waits for uses, at most until `wake`.
    async fn wait(&mut self, received: &mut Vec<Use>, wake: Instant) -> Woken {
        let mut uses = pin!(self.receiver.recv_many(received, BATCH));
        let mut stopped = pin!(self.stop.notified());
        let mut due = pin!(sleep_until(wake));
        poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Stop);
            }
            if let Poll::Ready(count) = uses.as_mut().poll(context) {
                // Zero means that every clone of the manager has been dropped.
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

    /// Writes one batch, at most until `deadline`. Returns `false` if the worker must pause.
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
            .store_client
            .ask_in_background(Operation::Touch, deadline, |store| store.touch(&touches))
            .await
        {
            Ok(answers) => {
                if mem::take(&mut self.held_up) {
                    trace::info!("the session store accepts touches again");
                }
                self.report.written += batch.len() as u64;
                self.counters.written.increment(batch.len() as u64);
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
                    // Log this once. The worker tries again, after at most one second.
                    if !mem::replace(&mut self.held_up, true) {
                        trace::warn!(
                            "the session store does not accept touches: they are written later",
                            error = trace::Chain(&error)
                        );
                    }
                    self.pending.extend(batch);
                    false
                }
                // Another attempt would also fail, and would delay the other touches.
                StoreErrorKind::Unreadable | StoreErrorKind::Unsupported => {
                    trace::error!(
                        "touches were lost: the session store cannot write them",
                        lost = batch.len(),
                        error = trace::Chain(&error)
                    );
                    self.lose(batch.into_iter().map(|(_, waiting)| waiting.mark));
                    true
                }
            },
        }
    }

    /// Drops uses. The next request of each session queues another use.
    fn lose(&mut self, marks: impl IntoIterator<Item = Arc<Mark>>) {
        for mark in marks {
            mark.give_back();
            self.report.lost += 1;
            self.counters.lost.increment(1);
        }
    }

    /// Runs the store's upkeep and publishes metrics. Returns whether the store answered.
    async fn upkeep(&self) -> bool {
        self.counters.metrics.sessions_age();
        if let Some(near) = &self.counters.near {
            near.publish(self.tracker.as_ref().is_some_and(|tracker| tracker.is_coherent()));
        }
        let done = self.store_client.ask(Operation::Upkeep, |store| store.upkeep()).await;
        if let Err(error) = &done {
            trace::debug!("upkeep of the session store failed", error = trace::Chain(error));
        }
        // Unsupported servers and replicas answer too, and their operator needs the warnings.
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
        self.counters.lost.increment(left);
        self.counters.depth.set(0.0);
        if let Some(near) = &self.counters.near {
            // When the worker ends, the near cache is no longer coherent.
            near.publish(false);
        }
        if self.report.lost > 0 {
            trace::warn!("touches were lost before the worker stopped", lost = self.report.lost);
        }
        self.report
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}
