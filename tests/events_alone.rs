//! What only a process of its own can show: which threads there are, and what they log.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and may start tasks"
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

/// How many threads deliver events.
fn threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    // One may end while we look.
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "session-events").count()
}

/// Waits until that many are left: a thread that was joined or has ended may be seen for a moment longer.
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

// One test: threads and the log are those of the whole process.
#[tokio::test]
async fn threads_come_and_go_with_the_worker_and_log_no_secret() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let valve = Valve::default();

    let (manager, worker) = with_sinks(&valve);
    assert_eq!(threads(), 0, "nothing is started in a constructor");
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
    // The worker sees that the managers are gone, and ends.
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

    // A sink that panics, and one that does not come back.
    let (manager, worker) = builder()
        .event_sink(|event: &Event| panic!("the secret of {}", event.name()))
        .event_sink(valve.clone())
        .build()
        .unwrap();
    let background = worker.start();
    valve.hold();
    let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    valve.wait_held();
    background.stop().await.unwrap();
    valve.release();
    let text = log.text();
    assert!(text.contains("an event sink panicked sink=0 event=created"), "{text}");
    assert!(text.contains("an event sink does not finish: it is left behind sink=1 undelivered=1"));
    assert!(text.contains(
        r#"tower_session_auth::event: a session was opened event="created" user="jeju""#
    ));
    assert!(!text.contains("the secret of") && !text.contains(&login.access_token), "{text}");
    assert!(!text.contains(login.session.id().as_str()), "{text}");
    wait_for_threads(0);
}
