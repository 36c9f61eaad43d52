//! Sinks that are slow, full, broken or late.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::telemetry::events::{Event, EventSink};
use tower_session_auth::worker::Worker;
use tower_session_auth::{NewSession, RevokeReason, SessionAuthLayer, SessionManager};

use crate::support::figures::Figures;
use crate::support::log::Log;
use crate::support::valve::Valve;
use crate::support::{anonymous, builder, user};

/// The documented limits of a sink's queues: `QUEUE` for state changes, and `SHORT_QUEUE` for each
/// other class of events.
const QUEUE: usize = 4_096;
const SHORT_QUEUE: usize = 2_048;

const DROPPED: &str = "events_dropped_total{sink=0,class=state_change}";

fn with_valve() -> (SessionManager, Worker, Valve) {
    let valve = Valve::default();
    let (manager, worker) = builder().event_sink(valve.clone()).build().unwrap();
    (manager, worker, valve)
}

/// Logs in `u0`, `u1` and so on. Each login causes one event.
async fn log_in(manager: &SessionManager, users: std::ops::Range<usize>) {
    for number in users {
        manager.create(NewSession::new(user(&format!("u{number}")))).await.unwrap();
    }
}

/// Returns all events except the reports of dropped events. Also returns the sum of the reports for
/// `class`: the number of dropped events of this class.
fn without_reports(seen: &[String], class: &str) -> (Vec<String>, usize) {
    let report = |words: &String| words.strip_prefix("dropped ").map(str::to_owned);
    let count = |report: String| report.strip_prefix(class)?.trim().parse::<usize>().ok();
    let dropped = seen.iter().filter_map(report).filter_map(count).sum();
    (seen.iter().filter(|words| report(words).is_none()).cloned().collect(), dropped)
}

fn created(users: std::ops::Range<usize>) -> Vec<String> {
    users.map(|number| format!("created u{number}")).collect()
}

async fn answer_ok(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("let in".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_while_one_sink_hangs_and_another_panics() {
    let valve = Valve::default();
    let (calls, calm) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, counted_calm) = (Arc::clone(&calls), Arc::clone(&calm));
    let settings = builder()
        .event_sink(valve.clone())
        .event_sink(move |_: &Event| {
            // This sink panics only in every 100th call, because the panic hook prints every panic.
            assert!(
                !counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(100),
                "this sink panics on purpose"
            );
        })
        .event_sink(move |_: &Event| {
            counted_calm.fetch_add(1, Ordering::Relaxed);
        });
    let (manager, worker) = settings.build().unwrap();
    let background = worker.start();
    valve.hold();

    let started = tokio::time::Instant::now();
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(answer_ok);
    for _ in 0..1_000 {
        let response = service.clone().oneshot(anonymous()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(started.elapsed(), Duration::ZERO, "no request waited for a sink");
    valve.wait_held();
    assert_eq!(valve.seen().len(), 0, "the sink still hangs in the first event");

    valve.release();
    background.stop().await.unwrap();
    assert_eq!(valve.seen().len(), 1_000);
    assert_eq!(calls.load(Ordering::Relaxed), 1_000, "a sink gets the next event after a panic");
    assert_eq!(calm.load(Ordering::Relaxed), 1_000);
}

#[tokio::test]
async fn events_wait_for_the_worker_and_arrive_in_order() {
    let (manager, worker, valve) = with_valve();
    log_in(&manager, 0..500).await;
    assert!(valve.seen().is_empty(), "no event is delivered before the worker starts");
    let background = worker.start();
    log_in(&manager, 500..1_000).await;
    background.stop().await.unwrap();
    assert_eq!(valve.seen(), created(0..1_000));
}

#[tokio::test]
async fn events_over_the_queue_limit_are_dropped_counted_and_logged_once_per_burst() {
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
        // The event that the sink is handling is no longer in the queue.
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
    assert_eq!((seen, dropped), (expected, 100), "delivery continues after a burst");

    log_in(&manager, 8..10).await;
    assert_eq!(figures.one(DROPPED), 2.0, "every event is dropped after the worker stopped");
    assert_eq!(told(), 3);
}

#[tokio::test]
async fn revocation_events_are_not_dropped_under_a_flood_of_bad_tokens() {
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
    // A slow sink: it is still handling the event of one bad token while the other events arrive.
    valve.hold();
    manager.authenticate("x").await.unwrap_err();
    valve.wait_held();
    for (number, session) in sessions.iter().enumerate() {
        for _ in 0..800 {
            manager.authenticate("x").await.unwrap_err();
        }
        manager.revoke(session.user_id(), session.id(), RevokeReason::Logout).await.unwrap();
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
    // State changes are delivered in order, before all other queued events.
    assert_eq!(seen[0], "rejected");
    let revoked: Vec<_> = (0..10).map(|number| format!("revoked u{number}")).collect();
    assert_eq!(seen[1..11], revoked);
    assert_eq!(seen[11..], vec!["rejected"; SHORT_QUEUE]);
}

#[tokio::test]
async fn logins_succeed_and_events_are_counted_as_dropped_without_a_worker() {
    let figures = Figures::capture();
    let (manager, worker, valve) = with_valve();
    log_in(&manager, 0..QUEUE + 3).await;
    assert_eq!(figures.one(DROPPED), 3.0);
    drop(worker);
    assert_eq!(figures.one(DROPPED), QUEUE as f64, "the queued events are dropped with the worker");
    log_in(&manager, 0..2).await;
    assert_eq!(figures.one(DROPPED), 2.0);
    assert!(valve.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stop_and_drop_of_the_manager_deliver_queued_events() {
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
            // A session that the caller still holds does not delay the end of the worker.
            drop(manager);
            worker.run().await;
        }
        release.join().unwrap();
        assert_eq!(valve.seen()[1..], created(0..100), "stopped: {by_stop}");
        drop(keeper);
    }
}

#[tokio::test(start_paused = true)]
async fn stop_waits_one_second_for_a_hanging_sink_and_serves_the_other_sinks() {
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
    // `stop` has returned although the sink hangs, so its wait has a limit.
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert_eq!(calm.seen(), created(0..3));
    assert!(valve.seen().is_empty());
    // The released sink still receives the remaining events.
    valve.release();
    valve.wait_for(3);
}

#[tokio::test]
async fn aborted_worker_task_loses_no_event() {
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

/// A sink that copies its events into `book` when it is dropped.
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
async fn types_and_closures_are_sinks_and_are_dropped_with_the_worker() {
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
    assert_eq!(
        Arc::strong_count(&closure),
        1,
        "the worker dropped the sink while the manager still exists"
    );
    drop(manager);
}
