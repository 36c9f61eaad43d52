//! Sinks of the application's own: each behind a queue and on a thread, where it can hurt nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Event;
use crate::meter::{Counter, Meter, Name};
use crate::trace;

/// How many events may wait for one sink.
const QUEUE: usize = 4_096;

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
/// The events of this process, in the order in which they were emitted, each once. Up to 4,096 of them wait for a sink
/// that is slow, or for a worker that is not yet started (about 1 MiB). One more is dropped: counted in
/// `tower_session_auth_events_dropped_total`, and told in the log once until half of the queue is free again. A sink that must not
/// miss any hands them on to something durable, and is fast about that.
///
/// When the worker is stopped, what is queued is delivered. A sink that takes longer than 1 second over that is left
/// behind, with what it has not taken. Events that come later are dropped.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

enum Message {
    Event(Arc<Event>),
    /// Nothing follows; for a sink that waits.
    Close,
}

/// What both ends of a sink's queue know.
struct Line {
    /// In the order of [`event_sink`](crate::SessionManagerBuilder::event_sink), from 0.
    number: usize,
    /// Events that were queued and not yet taken.
    waiting: AtomicUsize,
    closed: AtomicBool,
    /// Events were dropped, and the log knows.
    overflowing: AtomicBool,
    dropped: Counter,
    panics: Counter,
}

/// Where events go in.
pub(super) struct Inlet {
    line: Arc<Line>,
    sender: SyncSender<Message>,
}

/// Where they come out.
struct Outlet {
    line: Arc<Line>,
    receiver: Receiver<Message>,
    sender: SyncSender<Message>,
    sink: Box<dyn EventSink>,
}

/// Sinks that wait to be run.
#[derive(Default)]
pub(crate) struct Sinks(
    // Never locked: a receiver is not `Sync`, and whoever holds one on the way to its thread must be.
    Mutex<Vec<Outlet>>,
);

/// The queues of these sinks.
pub(super) fn connect(sinks: Vec<Box<dyn EventSink>>, meter: &Meter) -> (Box<[Inlet]>, Sinks) {
    let ends = sinks.into_iter().enumerate().map(|(number, sink)| {
        let (sender, receiver) = sync_channel(QUEUE);
        let line = Arc::new(Line {
            number,
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            overflowing: AtomicBool::new(false),
            dropped: meter.of_sink(Name::EventsDropped, number),
            panics: meter.of_sink(Name::SinkPanics, number),
        });
        let inlet = Inlet { line: Arc::clone(&line), sender: sender.clone() };
        (inlet, Outlet { line, receiver, sender, sink })
    });
    let (inlets, outlets): (Vec<_>, Vec<_>) = ends.unzip();
    (inlets.into(), Sinks(Mutex::new(outlets)))
}

impl Inlet {
    /// Queues an event; never waits.
    pub(super) fn tell(&self, event: &Arc<Event>) {
        let line = &*self.line;
        // Counted before it can be taken, so that the number never falls below zero.
        line.waiting.fetch_add(1, Ordering::Relaxed);
        let open = !line.closed.load(Ordering::Acquire);
        if open && self.sender.try_send(Message::Event(Arc::clone(event))).is_ok() {
            return;
        }
        line.waiting.fetch_sub(1, Ordering::Relaxed);
        line.dropped.increment(1);
        if !line.overflowing.swap(true, Ordering::Relaxed) {
            trace::warn!(
                "an event sink is too slow or has stopped: events for it are dropped",
                sink = line.number
            );
        }
    }
}

impl Sinks {
    /// Starts a thread for each sink.
    pub(crate) fn start(self) -> RunningSinks {
        let (running, ended) = channel();
        let outlets = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let started = outlets.into_iter().filter_map(|outlet| outlet.start(running.clone()));
        RunningSinks { deliveries: started.collect(), ended }
    }
}

impl Outlet {
    fn start(self, running: Sender<()>) -> Option<Delivery> {
        let (line, sender) = (Arc::clone(&self.line), self.sender.clone());
        let deliver = move || {
            self.deliver_all();
            drop(running);
        };
        match thread::Builder::new().name("session-events".to_owned()).spawn(deliver) {
            Ok(thread) => Some(Delivery { line, sender, thread }),
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

    /// Until the queue is closed and empty.
    fn deliver_all(self) {
        loop {
            // Looked at before the queue is: once it is closed, nobody waits for more.
            let closed = self.line.closed.load(Ordering::Acquire);
            let next =
                if closed { self.receiver.try_recv().ok() } else { self.receiver.recv().ok() };
            match next {
                Some(Message::Event(event)) => self.deliver(&event),
                Some(Message::Close) => {}
                None => return,
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
        // Not as soon as there is room for one: a sink that is a little too slow would fill the log.
        let caught_up = line.waiting.fetch_sub(1, Ordering::Relaxed) <= QUEUE / 2;
        if caught_up && line.overflowing.swap(false, Ordering::Relaxed) {
            trace::info!("an event sink catches up again", sink = line.number);
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
    sender: SyncSender<Message>,
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
        for Delivery { line, thread, .. } in self.deliveries.drain(..) {
            if all_ended || thread.is_finished() {
                // It may have panicked where the sink itself was dropped, which the panic hook has told.
                drop(thread.join());
            } else {
                trace::warn!(
                    "an event sink does not finish: it is left behind",
                    sink = line.number,
                    undelivered = line.waiting.load(Ordering::Relaxed)
                );
            }
        }
    }

    fn close(&self) {
        for Delivery { line, sender, .. } in &self.deliveries {
            line.closed.store(true, Ordering::Release);
            // A queue that is full wakes nobody, but then nobody waits.
            drop(sender.try_send(Message::Close));
        }
    }
}

impl Drop for RunningSinks {
    fn drop(&mut self) {
        self.close();
    }
}
