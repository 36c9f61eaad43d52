//! The application's event sinks. Each sink has its own queues and its own thread, so that it
//! cannot delay or break other code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::class::EventClass;
use super::event::Event;
use super::queue::{Next, Pushed, Queue};
use crate::telemetry::metrics::{Counter, Metrics, Name};
use crate::trace;

/// How long a stop waits until the sinks have received the queued events.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Receives events, for example for an audit trail, an alarm or a message queue.
///
/// A closure `Fn(&Event)` is a sink. The type of its parameter must be written out
/// (`|event: &Event| …`).
///
/// # Threads and panics
///
/// A sink is allowed to block and to panic. It runs on its own operating system thread, which the
/// [`Worker`](crate::worker::Worker) starts. No request waits for a sink. A panic is caught,
/// counted and logged, and the next event is delivered. The log record does not contain the panic
/// message: the message goes to the panic hook as usual. With `panic = "abort"`, a panic ends the
/// process.
///
/// # Delivery
///
/// A sink gets each event of its manager once, unless the event is dropped (see below). While a
/// sink is slow or the worker is not started, events wait in queues. Each [class](EventClass) has
/// its own queue:
///
/// | class | events | may wait |
/// |---|---|---|
/// | [`StateChange`](EventClass::StateChange) | `created`, `token_issued`, `reauthenticated`, `updated`, `revoked`, `evicted`, `suspicious` | 4,096 (`updated` takes half of it at most) |
/// | [`LoginRefusal`](EventClass::LoginRefusal) | `login_refused` | 2,048 |
/// | [`Other`](EventClass::Other) | `rejected`, `extended`, `token_refreshed`, `refresh_retried` | 2,048 |
///
/// So even a large number of bad tokens or refused logins does not displace a revocation. All
/// queues of one sink together take at most about 2 MiB.
///
/// **Order.** Events of one class arrive in the order in which they were emitted. If events of
/// several classes are waiting, the sink first gets all waiting changes of state, then the refused
/// logins, then the other events. If the sink is fast enough that at most one event waits at a
/// time, it gets the events of all classes in the order in which they were emitted.
///
/// **Sampling.** Time is divided into windows of 60 seconds. In each window, the sinks get at most
/// 20 refused logins with the same account and reason, even if the sinks are fast. A refused login
/// that names no existing account is counted by its client address instead. Sampling does not
/// affect the log and the metrics: they contain all refused logins.
///
/// **Dropped events.** An event is dropped if its queue is full. A refused login is also dropped if
/// it exceeds the sampling limit above. The metric `tower_session_auth_events_dropped_total` counts
/// dropped events. The sink gets their number as [`Event::Dropped`], at most once per second for
/// each class. The log reports a full queue once. The log can report the same queue again only
/// after the sink has emptied it to half of its capacity. If a sink must not miss any event, it
/// must hand events to durable storage quickly.
///
/// When the worker stops, each sink gets its queued events, changes of state first. The worker
/// waits for all sinks together for at most 1 second. If a sink needs more time and the process
/// ends, the remaining events of this sink are lost. Events that are emitted after the stop are
/// dropped.
pub trait EventSink: Send + Sync + 'static {
    /// Receives one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// The state that both ends of a sink's queues share.
struct Line {
    /// The number of the sink. It is the position of its
    /// [`event_sink`](crate::manager::SessionManagerBuilder::event_sink) call, counted from 0.
    number: usize,
    queue: Queue,
    /// In the order of [`EventClass::ALL`].
    dropped: [(EventClass, Counter); EventClass::ALL.len()],
    panics: Counter,
}

/// The sending end of a sink's queues.
pub(super) struct Inlet {
    line: Arc<Line>,
}

/// The receiving end of a sink's queues. Dropping it drops the waiting events and all later events.
struct Outlet {
    line: Arc<Line>,
    sink: Box<dyn EventSink>,
}

/// Sinks whose threads have not been started yet.
#[derive(Default)]
pub(crate) struct Sinks(Vec<Outlet>);

/// Creates the queues of these sinks.
pub(super) fn connect(sinks: Vec<Box<dyn EventSink>>, metrics: &Metrics) -> (Box<[Inlet]>, Sinks) {
    let ends = sinks.into_iter().enumerate().map(|(number, sink)| {
        let dropped = |class: EventClass| {
            (class, metrics.of_sink_class(Name::EventsDropped, number, class.as_str()))
        };
        let line = Arc::new(Line {
            number,
            queue: Queue::default(),
            dropped: EventClass::ALL.map(dropped),
            panics: metrics.of_sink(Name::SinkPanics, number),
        });
        (Inlet { line: Arc::clone(&line) }, Outlet { line, sink })
    });
    let (inlets, outlets): (Vec<_>, Vec<_>) = ends.unzip();
    (inlets.into(), Sinks(outlets))
}

impl Line {
    fn count_dropped(&self, class: EventClass, count: u64) {
        let counters = self.dropped.iter().filter(|(of, _)| *of == class);
        counters.for_each(|(_, counter)| counter.increment(count));
    }
}

impl Inlet {
    /// Queues an event. Never waits for the sink.
    pub(super) fn tell(&self, event: &Arc<Event>) {
        let line = &*self.line;
        let Pushed::Dropped { first } = line.queue.push(event, Instant::now()) else { return };
        let class = event.class();
        line.count_dropped(class, 1);
        if first {
            trace::warn!(
                "an event sink is too slow or has stopped: events for it are dropped",
                sink = line.number,
                class = class.as_str()
            );
        }
    }

    /// Counts an event that was sampled out for this sink.
    pub(super) fn leave_out(&self, class: EventClass) {
        self.line.queue.leave_out(class, Instant::now());
        self.line.count_dropped(class, 1);
    }
}

impl Sinks {
    /// Starts a thread for each sink.
    pub(crate) fn start(self) -> RunningSinks {
        let (running, ended) = channel();
        let started = self.0.into_iter().filter_map(|outlet| outlet.start(running.clone()));
        RunningSinks { deliveries: started.collect(), ended }
    }
}

impl Outlet {
    fn start(self, running: Sender<()>) -> Option<Delivery> {
        let line = Arc::clone(&self.line);
        let deliver = move || {
            self.deliver_all();
            drop(self);
            drop(running);
        };
        match thread::Builder::new().name("session-events".to_owned()).spawn(deliver) {
            Ok(thread) => Some(Delivery { line, thread }),
            Err(error) => {
                trace::error!(
                    "an event sink gets no events: its thread could not be started",
                    sink = line.number,
                    error = trace::Chain(&error)
                );
                None
            }
        }
    }

    /// Delivers events until the queues are closed and empty.
    fn deliver_all(&self) {
        let line = &*self.line;
        while let Some(next) = line.queue.next() {
            match next {
                Next::Event(event, caught_up) => {
                    self.deliver(&event);
                    if caught_up {
                        trace::info!(
                            "an event sink has caught up",
                            sink = line.number,
                            class = event.class().as_str()
                        );
                    }
                }
                Next::Dropped(class, count) => self.deliver(&Event::Dropped { class, count }),
            }
        }
    }

    fn deliver(&self, event: &Event) {
        let line = &*self.line;
        // Unwind safe: the sink's call does not modify any state of this library. Only the sink's
        // own state can be inconsistent after a panic.
        if catch_unwind(AssertUnwindSafe(|| self.sink.event(event))).is_err() {
            line.panics.increment(1);
            trace::error!("an event sink panicked", sink = line.number, event = event.name());
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        for (class, count) in self.line.queue.abandon() {
            self.line.count_dropped(class, u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}

/// The running sinks. Dropping this value closes their queues. Each thread ends when it has
/// delivered the queued events.
pub(crate) struct RunningSinks {
    deliveries: Vec<Delivery>,
    /// A channel on which nothing is sent. It is disconnected when all threads have ended.
    ended: Receiver<()>,
}

struct Delivery {
    line: Arc<Line>,
    thread: JoinHandle<()>,
}

impl RunningSinks {
    /// Closes the queues and waits until the queued events are delivered, for at most
    /// [`STOP_LIMIT`].
    pub(crate) async fn finish(self) {
        if !self.deliveries.is_empty() {
            // `wait` blocks its thread, so it runs on a thread for blocking calls. `wait` measures
            // its timeout on the system clock, because the sinks' threads do not follow Tokio's
            // paused clock.
            let waited = tokio::task::spawn_blocking(move || self.wait()).await;
            if let Err(error) = waited {
                trace::debug!(
                    "cannot wait for the event sinks at shutdown",
                    error = trace::Chain(&error)
                );
            }
        }
    }

    fn wait(mut self) {
        self.close();
        let all_ended = self.ended.recv_timeout(STOP_LIMIT) == Err(RecvTimeoutError::Disconnected);
        for Delivery { line, thread } in self.deliveries.drain(..) {
            if all_ended || thread.is_finished() {
                // The thread can have panicked when it dropped the sink. In that case, the panic
                // hook has already reported the panic.
                drop(thread.join());
            } else {
                trace::warn!(
                    "an event sink did not finish at shutdown: its queued events may be lost",
                    sink = line.number,
                    undelivered = line.queue.undelivered()
                );
            }
        }
    }

    fn close(&self) {
        self.deliveries.iter().for_each(|delivery| delivery.line.queue.close());
    }
}

impl Drop for RunningSinks {
    fn drop(&mut self) {
        self.close();
    }
}
