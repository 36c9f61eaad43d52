//! Sinks of the application's own: each behind a queue and on a thread, where it can hurt nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::queue::{Next, Pushed, Queue};
use super::{Event, EventClass};
use crate::meter::{Counter, Meter, Name};
use crate::trace;

/// How long a stop waits for the sinks to take what is left.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Takes events, for an audit trail, an alarm, a message queue.
///
/// A closure `Fn(&Event)` is one; its parameter's type must be written out (`|event: &Event| …`).
///
/// # What a sink may do
///
/// It may block, and it may panic: it runs on an operating system thread of its own, which the
/// [`Worker`](crate::touch::Worker) starts, and no request waits for it. A panic is caught, counted and logged (without
/// its message, which goes to the panic hook as ever), and the next event is delivered. Under `panic = "abort"` it ends
/// the process.
///
/// # What it gets
///
/// The events of this process, each once. What waits for a sink that is slow, or for a worker that is not yet started, is
/// held in a queue for each [class](EventClass):
///
/// | class | events | may wait |
/// |---|---|---|
/// | [`StateChange`](EventClass::StateChange) | `created`, `token_issued`, `reauthenticated`, `updated`, `revoked`, `evicted`, `suspicious` | 4,096 (`updated` takes half of it at most) |
/// | [`LoginRefusal`](EventClass::LoginRefusal) | `login_refused` | 2,048 |
/// | [`Other`](EventClass::Other) | `rejected`, `refreshed`, `rotated`, `refresh_retried` | 2,048 |
///
/// So no number of bad tokens or refused logins pushes out a revocation. That is about 2 MiB a sink.
///
/// **Order.** Events of one class come in the order in which they were emitted. Of several classes that wait, the sink gets
/// all changes of state first, then refused logins, then the rest. While nothing waits, all come in the order in which
/// they were emitted.
///
/// **Sampling.** Of the refused logins of one account with one reason a sink gets 20 within 60 seconds, also while it is
/// fast; those by names of nobody count by client address. The log and the metrics have all of them.
///
/// **What is dropped.** An event whose queue is full is dropped, and so is a refused login beyond the sample. Dropped events
/// are counted in `tower_session_auth_events_dropped_total`, and the sink is told how many there were by
/// [`Event::Dropped`], at most once a second. The log tells of a full queue once until half of it is free again. A sink
/// that must not miss any hands them on to something durable, and is fast about that.
///
/// When the worker is stopped, what is queued is delivered, changes of state first. A sink that takes longer than 1 second
/// over that is left behind, with what it has not taken. Events that come later are dropped.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// What both ends of a sink's queues know.
struct Line {
    /// In the order of [`event_sink`](crate::SessionManagerBuilder::event_sink), from 0.
    number: usize,
    queue: Queue,
    /// In the order of [`EventClass::ALL`].
    dropped: [(EventClass, Counter); EventClass::ALL.len()],
    panics: Counter,
}

/// Where events go in.
pub(super) struct Inlet {
    line: Arc<Line>,
}

/// Where they come out. Dropping it drops what waits, and what comes later.
struct Outlet {
    line: Arc<Line>,
    sink: Box<dyn EventSink>,
}

/// Sinks that wait to be run.
#[derive(Default)]
pub(crate) struct Sinks(Vec<Outlet>);

/// The queues of these sinks.
pub(super) fn connect(sinks: Vec<Box<dyn EventSink>>, meter: &Meter) -> (Box<[Inlet]>, Sinks) {
    let ends = sinks.into_iter().enumerate().map(|(number, sink)| {
        let dropped = |class: EventClass| {
            (class, meter.of_sink_class(Name::EventsDropped, number, class.as_str()))
        };
        let line = Arc::new(Line {
            number,
            queue: Queue::default(),
            dropped: EventClass::ALL.map(dropped),
            panics: meter.of_sink(Name::SinkPanics, number),
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
    /// Queues an event; never waits for the sink.
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

    /// Counts an event that the sink does not get.
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

    /// Until the queues are closed and empty.
    fn deliver_all(&self) {
        let line = &*self.line;
        while let Some(next) = line.queue.next() {
            match next {
                Next::Event(event, caught_up) => {
                    self.deliver(&event);
                    if caught_up {
                        trace::info!(
                            "an event sink catches up again",
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
        // Whatever a sink leaves half done is its own: nothing of this library is changed in there.
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

/// Sinks at work. Dropping it closes their queues; their threads then end once they have delivered what is left.
pub(crate) struct RunningSinks {
    deliveries: Vec<Delivery>,
    /// Never gets anything; closed once all threads have ended.
    ended: Receiver<()>,
}

struct Delivery {
    line: Arc<Line>,
    thread: JoinHandle<()>,
}

impl RunningSinks {
    /// Delivers what is queued, within [`STOP_LIMIT`].
    pub(crate) async fn finish(self) {
        if !self.deliveries.is_empty() {
            // Waits for threads, so on a thread, and by the machine's clock: theirs cannot be paused.
            let waited = tokio::task::spawn_blocking(move || self.wait()).await;
            if let Err(error) = waited {
                trace::debug!("event sinks are left to themselves", error = trace::Chain(&error));
            }
        }
    }

    fn wait(mut self) {
        self.close();
        let all_ended = self.ended.recv_timeout(STOP_LIMIT) == Err(RecvTimeoutError::Disconnected);
        for Delivery { line, thread } in self.deliveries.drain(..) {
            if all_ended || thread.is_finished() {
                // It may have panicked where the sink itself was dropped, which the panic hook has told.
                drop(thread.join());
            } else {
                trace::warn!(
                    "an event sink does not finish: it is left behind",
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
