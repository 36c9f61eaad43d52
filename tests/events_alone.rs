//! Tests of event delivery that need their own process, because they look at all threads and at the
//! whole log.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected result, and may spawn tasks"
)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use tower_session_auth::telemetry::events::Event;
use tower_session_auth::worker::Worker;
use tower_session_auth::{NewSession, SessionManager};
use tracing_subscriber::filter::LevelFilter;

use crate::support::log::Log;
use crate::support::valve::Valve;
use crate::support::wait::PATIENCE;
use crate::support::{builder, user};

/// Number of threads that deliver events.
fn threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while this iterates.
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "session-events").count()
}

/// Waits until this number of threads is left. A thread that has ended may stay visible for a
/// moment.
fn wait_for_threads(count: usize) {
    let began = Instant::now();
    while threads() != count {
        assert!(began.elapsed() < PATIENCE, "{} threads", threads());
        std::thread::yield_now();
    }
}

fn with_sinks(valve: &Valve) -> (SessionManager, Worker) {
    let sinks = builder().event_sink(valve.clone()).event_sink(|_: &Event| {});
    sinks.build().unwrap()
}

// This is one test, because threads and the log belong to the whole process.
#[tokio::test]
async fn event_threads_start_and_stop_with_the_worker_and_log_no_secret() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let valve = Valve::default();

    let (manager, worker) = with_sinks(&valve);
    assert_eq!(threads(), 0, "a constructor starts no thread");
    drop(worker);
    assert_eq!(threads(), 0);
    drop(manager);

    let (manager, worker) = with_sinks(&valve);
    let background = worker.start();
    wait_for_threads(2);
    background.stop().await.unwrap();
    wait_for_threads(0);
    drop(manager);

    let (manager, worker) = with_sinks(&valve);
    let clone = manager.clone();
    let background = worker.start();
    let kept = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    wait_for_threads(2);
    drop((manager, background));
    drop(clone);
    // The worker detects that all managers were dropped, and ends.
    let began = Instant::now();
    while threads() != 0 {
        assert!(began.elapsed() < PATIENCE, "{} threads", threads());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(kept);

    let (_manager, worker) = with_sinks(&valve);
    let running = tokio::spawn(worker.run());
    while threads() != 2 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    wait_for_threads(0);

    // One sink panics, and one does not return.
    let (manager, worker) = builder()
        .event_sink(|event: &Event| panic!("the secret of {}", event.name()))
        .event_sink(valve.clone())
        .build()
        .unwrap();
    let background = worker.start();
    valve.hold();
    let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    valve.wait_held();
    // The shutdown gives sinks one second, and the backtrace of the panic can take longer.
    let began = Instant::now();
    while !log.text().contains("an event sink panicked sink=0 event=created") {
        assert!(began.elapsed() < PATIENCE, "{}", log.text());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    background.stop().await.unwrap();
    valve.release();
    let text = log.text();
    assert!(text.contains(
        "an event sink did not finish at shutdown: its queued events may be lost sink=1 \
         undelivered=1"
    ));
    assert!(text.contains(
        r#"tower_session_auth::event: a session was created event="created" user="jeju""#
    ));
    assert!(!text.contains("the secret of") && !text.contains(&login.access_token), "{text}");
    assert!(!text.contains(login.session.id().as_str()), "{text}");
    wait_for_threads(0);
}
