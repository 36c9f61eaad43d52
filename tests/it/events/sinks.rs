//! Sinks that are slow, full, broken or late.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::telemetry::events::{Event, EventSink};
use tower_session_auth::worker::Worker;
use tower_session_auth::{EndReason, NewSession, SessionAuthLayer, SessionManager};

use crate::support::figures::Figures;
use crate::support::log::Log;
use crate::support::valve::Valve;
use crate::support::{anonymous, builder, user};

/// As the docs say: so many changes of state may wait, and so many of each other class.
const QUEUE: usize = 4_096;
const SHORT_QUEUE: usize = 2_048;

const DROPPED: &str = "events_dropped_total{sink=0,class=state_change}";

fn with_valve() -> (SessionManager, Worker, Valve) {
    let valve = Valve::default();
    let (manager, worker) = builder().event_sink(valve.clone()).build().unwrap();
    (manager, worker, valve)
}

/// Logs in `u0`, `u1` and so on: an event each.
async fn log_in(manager: &SessionManager, users: std::ops::Range<usize>) {
    for number in users {
        manager.create(NewSession::new(user(&format!("u{number}")))).await.unwrap();
    }
}

/// What went through of all but the reports of dropped events, and how many those reports name of this class.
fn without_reports(seen: &[String], class: &str) -> (Vec<String>, usize) {
    let report = |words: &String| words.strip_prefix("dropped ").map(str::to_owned);
    let count = |report: String| report.strip_prefix(class)?.trim().parse::<usize>().ok();
    let dropped = seen.iter().filter_map(report).filter_map(count).sum();
    (seen.iter().filter(|words| report(words).is_none()).cloned().collect(), dropped)
}

fn created(users: std::ops::Range<usize>) -> Vec<String> {
    users.map(|number| format!("created u{number}")).collect()
}

async fn whoami(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("let in".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_pass_while_a_sink_hangs_and_another_panics() {
    let valve = Valve::default();
    let (calls, calm) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, counted_calm) = (Arc::clone(&calls), Arc::clone(&calm));
    let settings = builder()
        .event_sink(valve.clone())
        .event_sink(move |_: &Event| {
            // Not each time: the panic hook prints every one.
            assert!(!counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(100), "as told");
        })
        .event_sink(move |_: &Event| {
            counted_calm.fetch_add(1, Ordering::Relaxed);
        });
    let (manager, worker) = settings.build().unwrap();
    let background = worker.start();
    valve.hold();

    let started = tokio::time::Instant::now();
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(whoami);
    for _ in 0..1_000 {
        let response = service.clone().oneshot(anonymous()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(started.elapsed(), Duration::ZERO, "nobody waited");
    valve.wait_held();
    assert_eq!(valve.seen().len(), 0, "it hangs in the first event still");

    valve.release();
    background.stop().await.unwrap();
    assert_eq!(valve.seen().len(), 1_000);
    assert_eq!(calls.load(Ordering::Relaxed), 1_000, "after a panic comes the next event");
    assert_eq!(calm.load(Ordering::Relaxed), 1_000);
}

#[tokio::test]
async fn events_come_in_their_order_and_wait_for_the_worker() {
    let (manager, worker, valve) = with_valve();
    log_in(&manager, 0..500).await;
    assert!(valve.seen().is_empty(), "nothing runs in the background before it is started");
    let background = worker.start();
    log_in(&manager, 500..1_000).await;
    background.stop().await.unwrap();
    assert_eq!(valve.seen(), created(0..1_000));
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_counted_and_told_once() {
    let (figures, log) = (Figures::capture(), Log::default());
    let _guard = log.capture();
    let (manager, worker, valve) = with_valve();
    let background = worker.start();
    let told = || log.text().matches("events for it are dropped").count();

    let mut expected = Vec::new();
    for round in 1..=2 {
        valve.hold();
        log_in(&manager, 0..1).await;
        valve.wait_held();
        // The one that is held is no longer in the queue.
        log_in(&manager, 1..QUEUE + 1).await;
        assert_eq!((figures.one(DROPPED), told()), (0.0, round - 1));
        log_in(&manager, QUEUE + 1..QUEUE + 51).await;
        assert_eq!((figures.one(DROPPED), told()), (50.0, round));
        expected.extend(created(0..QUEUE + 1));
        valve.release();
        valve.wait_until(|seen| without_reports(seen, "").0.len() >= expected.len());
    }
    log_in(&manager, 7..8).await;
    background.stop().await.unwrap();
    expected.push("created u7".to_owned());
    let (seen, dropped) = without_reports(&valve.seen(), "state_change");
    assert_eq!((seen, dropped), (expected, 100), "it goes on as before");

    log_in(&manager, 8..10).await;
    assert_eq!(figures.one(DROPPED), 2.0, "nobody is there any more");
    assert_eq!(told(), 3);
}

#[tokio::test]
async fn no_number_of_bad_tokens_pushes_a_revocation_out() {
    let (figures, log) = (Figures::capture(), Log::default());
    let _guard = log.capture();
    let (manager, worker, valve) = with_valve();
    let background = worker.start();
    let mut sessions = Vec::new();
    for number in 0..10 {
        let new = NewSession::new(user(&format!("u{number}")));
        sessions.push(manager.create(new).await.unwrap().session);
    }
    valve.wait_for(10);
    // A sink that is slow: it has one bad token in hand while the others come.
    valve.hold();
    manager.authenticate("x").await.unwrap_err();
    valve.wait_held();
    for (number, session) in sessions.iter().enumerate() {
        for _ in 0..800 {
            manager.authenticate("x").await.unwrap_err();
        }
        manager.delete(session.user_id(), session.id(), EndReason::Logout).await.unwrap();
        assert_eq!(manager.sessions(session.user_id()).await.unwrap().len(), 0, "{number}");
    }
    let other = "events_dropped_total{sink=0,class=other}";
    assert_eq!(figures.take().get(other), Some(&(8_000.0 - SHORT_QUEUE as f64)));
    assert_eq!(log.text().matches("events for it are dropped").count(), 1);
    assert!(log.text().contains("class=other"), "{}", log.text());
    valve.release();
    background.stop().await.unwrap();

    let (seen, dropped) = without_reports(&valve.seen()[10..], "other");
    assert_eq!(dropped, 8_000 - SHORT_QUEUE);
    // Changes of state come before all else that waits, in their order.
    assert_eq!(seen[0], "rejected");
    let revoked: Vec<_> = (0..10).map(|number| format!("revoked u{number}")).collect();
    assert_eq!(seen[1..11], revoked);
    assert_eq!(seen[11..], vec!["rejected"; SHORT_QUEUE]);
}

#[tokio::test]
async fn a_worker_that_is_never_started_costs_requests_nothing() {
    let figures = Figures::capture();
    let (manager, worker, valve) = with_valve();
    log_in(&manager, 0..QUEUE + 3).await;
    assert_eq!(figures.one(DROPPED), 3.0);
    drop(worker);
    assert_eq!(figures.one(DROPPED), QUEUE as f64, "what has waited is dropped");
    log_in(&manager, 0..2).await;
    assert_eq!(figures.one(DROPPED), 2.0);
    assert!(valve.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_delivers_what_is_queued_and_so_does_the_end_of_the_managers() {
    for by_stop in [true, false] {
        let (manager, worker, valve) = with_valve();
        let keeper = manager.create(NewSession::new(user("keeper"))).await.unwrap();
        valve.hold();
        log_in(&manager, 0..100).await;
        let release = std::thread::spawn({
            let valve = valve.clone();
            move || {
                valve.wait_held();
                valve.release();
            }
        });
        if by_stop {
            worker.start().stop().await.unwrap();
        } else {
            // A session that somebody keeps does not keep the sinks waiting.
            drop(manager);
            worker.run().await;
        }
        release.join().unwrap();
        assert_eq!(valve.seen()[1..], created(0..100), "stopped: {by_stop}");
        drop(keeper);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_is_left_behind_after_a_second_and_the_others_are_not() {
    let (valve, calm) = (Valve::default(), Valve::default());
    let settings = builder().event_sink(valve.clone()).event_sink(calm.clone());
    let (manager, worker) = settings.build().unwrap();
    let background = worker.start();
    valve.hold();
    log_in(&manager, 0..3).await;
    valve.wait_held();
    let asked = Instant::now();
    background.stop().await.unwrap();
    let waited = asked.elapsed();
    // That it ends at all shows that it waits for no sink that hangs.
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert_eq!(calm.seen(), created(0..3));
    assert!(valve.seen().is_empty());
    // It comes back, and is given the rest.
    valve.release();
    valve.wait_for(3);
}

#[tokio::test]
async fn a_worker_that_is_dropped_while_it_runs_loses_no_event() {
    let (manager, worker, valve) = with_valve();
    log_in(&manager, 0..10).await;
    let running = tokio::spawn(worker.run());
    valve.wait_for(0);
    log_in(&manager, 10..20).await;
    tokio::task::yield_now().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    valve.wait_for(20);
    assert_eq!(valve.seen(), created(0..20));
}

/// A sink with something of its own, which ends with it.
struct Trail {
    users: Mutex<Vec<String>>,
    book: Arc<Mutex<Vec<String>>>,
}

impl EventSink for Trail {
    fn event(&self, event: &Event) {
        self.users.lock().unwrap().push(event.name().to_owned());
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.book.lock().unwrap().append(&mut self.users.lock().unwrap());
    }
}

#[tokio::test]
async fn types_and_closures_are_sinks_and_end_with_the_worker() {
    let (book, closure) = (Arc::default(), Arc::new(Mutex::new(Vec::new())));
    let trail = Trail { users: Mutex::default(), book: Arc::clone(&book) };
    let kept = Arc::clone(&closure);
    let (manager, worker) = builder()
        .event_sink(trail)
        .event_sink(move |event: &Event| kept.lock().unwrap().push(event.name()))
        .build()
        .unwrap();
    let background = worker.start();
    log_in(&manager, 0..1).await;
    manager.authenticate("x").await.unwrap_err();
    background.stop().await.unwrap();
    assert_eq!(*book.lock().unwrap(), ["created", "rejected"]);
    assert_eq!(*closure.lock().unwrap(), ["created", "rejected"]);
    assert_eq!(Arc::strong_count(&closure), 1, "the sink is gone, the manager is not");
    drop(manager);
}
