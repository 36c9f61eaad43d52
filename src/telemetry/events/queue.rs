//! The events that wait for one sink: a bounded queue for each class.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::class::EventClass;
use super::event::Event;

/// The time for which dropped events are counted before the sink is notified of their number.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// The queues of one sink. A request that adds an event never waits for the sink.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    /// In the order of [`EventClass::ALL`].
    classes: [Waiting; EventClass::ALL.len()],
    /// Whether the sink is processing an event.
    at_work: bool,
    closed: bool,
}

/// The events of one class.
#[derive(Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// The number of dropped events that the sink was not notified of yet.
    dropped: u64,
    /// The time at which the sink is notified of the dropped events.
    tell_at: Option<Instant>,
    /// Whether the queue was full and has not been half empty since then.
    overflowing: bool,
}

/// The result of adding an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// The event is dropped, because the queue is full or closed. `first` is `true` if the queue of
    /// this class has dropped no other event since the start, or since the sink last emptied the
    /// queue to half of its capacity.
    Dropped {
        first: bool,
    },
}

/// What the sink gets next.
#[derive(Debug)]
pub(super) enum Next {
    /// An event. The flag is `true` if the queue was full and has now become half empty.
    Event(Arc<Event>, bool),
    /// The number of dropped events of this class.
    Dropped(EventClass, u64),
}

/// What the sink's thread must do next.
enum Pick {
    Take(Next),
    /// Wait for an event, at most until this time.
    Wait(Option<Instant>),
    End,
}

impl Queue {
    /// Adds an event to the queue of its class. Never waits for the sink.
    pub(super) fn push(&self, event: &Arc<Event>, now: Instant) -> Pushed {
        let mut state = self.lock();
        let closed = state.closed;
        let waiting = state.of(event.class());
        if !closed && waiting.events.len() < event.room() {
            waiting.events.push_back(Arc::clone(event));
            drop(state);
            self.ready.notify_one();
            return Pushed::Queued;
        }
        let first = !std::mem::replace(&mut waiting.overflowing, true);
        if !closed {
            waiting.leave_out(now);
        }
        drop(state);
        // Wakes the sink's thread, because its next deadline may be earlier now.
        self.ready.notify_one();
        Pushed::Dropped { first }
    }

    /// Counts an event that was sampled out and is not queued.
    pub(super) fn leave_out(&self, class: EventClass, now: Instant) {
        let mut state = self.lock();
        if !state.closed {
            state.of(class).leave_out(now);
            drop(state);
            self.ready.notify_one();
        }
    }

    /// Waits for the next item for the sink. Returns `None` when the queues are closed and empty.
    pub(super) fn next(&self) -> Option<Next> {
        let mut state = self.lock();
        state.at_work = false;
        loop {
            let now = Instant::now();
            match state.pick(now) {
                Pick::Take(next) => {
                    state.at_work = true;
                    return Some(next);
                }
                Pick::End => return None,
                Pick::Wait(None) => {
                    state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Pick::Wait(Some(until)) => {
                    let longest = until.saturating_duration_since(now);
                    let waited = self.ready.wait_timeout(state, longest);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Closes the queues. Queued events are still delivered.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    /// Closes the queues and drops the waiting events. Returns their number for each class.
    pub(super) fn abandon(&self) -> [(EventClass, usize); EventClass::ALL.len()] {
        let mut state = self.lock();
        state.closed = true;
        EventClass::ALL.map(|class| (class, std::mem::take(&mut state.of(class).events).len()))
    }

    /// Returns the number of events that the sink has not finished, including the current event.
    pub(super) fn undelivered(&self) -> usize {
        let state = self.lock();
        let waiting: usize = state.classes.iter().map(|waiting| waiting.events.len()).sum();
        waiting + usize::from(state.at_work)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&mut self, class: EventClass) -> &mut Waiting {
        let [state_changes, refusals, others] = &mut self.classes;
        match class {
            EventClass::StateChange => state_changes,
            EventClass::LoginRefusal => refusals,
            EventClass::Other => others,
        }
    }

    /// Chooses the next item for the sink. If a report of dropped events is due, the report comes
    /// first. Otherwise, chooses the oldest event of one class: the first class in the order of
    /// [`EventClass::ALL`] that has waiting events.
    fn pick(&mut self, now: Instant) -> Pick {
        let mut until: Option<Instant> = None;
        for class in EventClass::ALL {
            let closed = self.closed;
            let waiting = self.of(class);
            let Some(tell_at) = waiting.tell_at else { continue };
            if closed || tell_at <= now {
                waiting.tell_at = None;
                let dropped = std::mem::take(&mut waiting.dropped);
                return Pick::Take(Next::Dropped(class, dropped));
            }
            until = Some(until.map_or(tell_at, |until| until.min(tell_at)));
        }
        for class in EventClass::ALL {
            let waiting = self.of(class);
            if let Some(event) = waiting.events.pop_front() {
                let half = waiting.events.len() <= class.capacity() / 2;
                let caught_up = half && std::mem::take(&mut waiting.overflowing);
                return Pick::Take(Next::Event(event, caught_up));
            }
        }
        if self.closed { Pick::End } else { Pick::Wait(until) }
    }
}

impl Waiting {
    fn leave_out(&mut self, now: Instant) {
        self.dropped = self.dropped.saturating_add(1);
        self.tell_at.get_or_insert_with(|| now + TELL_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AuthErrorKind;
    use crate::id::{SessionId, UserId};
    use crate::telemetry::events::{LoginRefusal, Suspicion};

    fn user(number: usize) -> UserId {
        UserId::parse(&format!("u{number}")).unwrap()
    }

    fn session() -> SessionId {
        SessionId::parse("s").unwrap()
    }

    fn evicted(number: usize) -> Arc<Event> {
        Arc::new(Event::Evicted { user: user(number), session: session() })
    }

    fn updated(number: usize) -> Arc<Event> {
        Arc::new(Event::Updated { user: user(number), session: session() })
    }

    fn refused() -> Arc<Event> {
        let refusal = LoginRefusal::Credentials;
        Arc::new(Event::LoginRefused { user: None, refusal, ip_address: None })
    }

    fn rejected() -> Arc<Event> {
        let kind = AuthErrorKind::InvalidToken;
        Arc::new(Event::Rejected { kind, user: None, session: None })
    }

    /// Returns the item that the sink gets at `now`, as text. `None` if the sink would wait.
    fn take(queue: &Queue, now: Instant) -> Option<String> {
        match queue.lock().pick(now) {
            Pick::Take(Next::Event(event, _)) => Some(match &*event {
                Event::Evicted { user, .. } => format!("evicted {user}"),
                event => event.name().to_owned(),
            }),
            Pick::Take(Next::Dropped(class, count)) => {
                Some(format!("dropped {count} {}", class.as_str()))
            }
            Pick::Wait(_) | Pick::End => None,
        }
    }

    fn all(queue: &Queue, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| take(queue, now)).collect()
    }

    #[test]
    fn state_changes_are_delivered_first_when_the_other_classes_overflow() {
        let (queue, now) = (Queue::default(), Instant::now());
        for number in 0..10_000 {
            let (_, _) = (queue.push(&rejected(), now), queue.push(&refused(), now));
            if number % 1_000 == 0 {
                assert_eq!(queue.push(&evicted(number / 1_000), now), Pushed::Queued);
            }
        }
        let told = all(&queue, now);
        let first: Vec<_> = (0..10).map(|number| format!("evicted u{number}")).collect();
        assert_eq!(told[..10], first, "state changes come first, in their order");
        assert_eq!(told[10..10 + 2_048], vec!["login_refused"; 2_048]);
        assert_eq!(told[10 + 2_048..], vec!["rejected"; 2_048]);
        // The sink is notified of both classes once.
        let later = now + TELL_AFTER;
        assert_eq!(all(&queue, later), ["dropped 7952 login_refusal", "dropped 7952 other"]);
        assert!(all(&queue, later + TELL_AFTER).is_empty());
    }

    #[test]
    fn suspicions_are_queued_while_rejected_requests_fill_their_own_queue() {
        let (queue, now) = (Queue::default(), Instant::now());
        while queue.push(&rejected(), now) == Pushed::Queued {}
        let suspicions = [
            Suspicion::LoginRate { logins: 9, within: Duration::from_secs(60) },
            Suspicion::RefreshRate { session: session() },
            Suspicion::RefreshReuse { session: session() },
        ];
        for suspicion in suspicions {
            let event = Arc::new(Event::Suspicious { user: user(0), suspicion });
            assert_eq!(queue.push(&event, now), Pushed::Queued, "{event:?}");
        }
        assert_eq!(all(&queue, now)[..4], ["suspicious", "suspicious", "suspicious", "rejected"]);
    }

    #[test]
    fn updates_fill_at_most_half_of_the_queue_for_state_changes() {
        let (queue, now) = (Queue::default(), Instant::now());
        let queued = (0..5_000).filter(|at| queue.push(&updated(*at), now) == Pushed::Queued);
        assert_eq!(queued.count(), 2_048);
        let queued = (0..5_000).filter(|at| queue.push(&evicted(*at), now) == Pushed::Queued);
        assert_eq!(queued.count(), 2_048);
    }

    #[test]
    fn sink_gets_the_number_of_dropped_events_once_a_second() {
        let (queue, start) = (Queue::default(), Instant::now());
        let mut told = Vec::new();
        for tenth in 0..100 {
            let now = start + Duration::from_millis(100 * tenth);
            queue.leave_out(EventClass::LoginRefusal, now);
            told.extend(all(&queue, now));
        }
        assert_eq!(told, vec!["dropped 11 login_refusal"; 9]);
        // When the queues are closed, the sink is notified of the dropped events immediately.
        queue.close();
        assert_eq!(queue.push(&rejected(), start), Pushed::Dropped { first: true });
        assert_eq!(all(&queue, start), ["dropped 1 login_refusal"]);
    }

    #[test]
    fn overflow_is_reported_once_until_the_queue_is_half_empty() {
        let (queue, now) = (Queue::default(), Instant::now());
        let full = EventClass::Other.capacity();
        for round in 0..2 {
            for at in 0..full + 2 {
                let pushed = queue.push(&rejected(), now);
                let expected = match at {
                    at if at < full => Pushed::Queued,
                    at => Pushed::Dropped { first: at == full },
                };
                assert_eq!(pushed, expected, "{round}: {at}");
            }
            let caught_up = (0..full)
                .filter(|_| matches!(queue.lock().pick(now), Pick::Take(Next::Event(_, true))));
            assert_eq!(caught_up.count(), 1, "{round}");
        }
    }
}
