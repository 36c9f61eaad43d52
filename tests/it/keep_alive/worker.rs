//! The worker that writes touches, while the store is down or slow. Also tests the stop of the
//! worker, and a manager whose worker was not started.

use std::time::Duration;

use tokio::time::advance;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::testing::ManualClock;
use tower_session_auth::worker::WorkerState;

use crate::keep_alive::{HOUR, MINUTE, at, stored, written};
use crate::support::log::Log;
use crate::support::switch::Mood;
use crate::support::{START, builder, clocked, login};

#[tokio::test(start_paused = true)]
async fn touches_queue_while_the_store_is_down_and_keep_the_time_of_use() {
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(50 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    for _ in 0..5 {
        advance(MINUTE).await;
        written().await;
    }
    store.set(Mood::Answer);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let session = stored(&manager, &login.session).await;
    assert_eq!(session.last_activity(), at(50 * MINUTE), "the outage does not count as activity");
    assert_eq!(session.idle_deadline(), at(50 * MINUTE + HOUR));
    let report = background.stop().await.unwrap();
    assert_eq!(report.lost, 0);
}

#[tokio::test(start_paused = true)]
async fn touch_that_the_store_rejects_for_good_does_not_block_later_touches() {
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    store.set(Mood::FailWrites(StoreErrorKind::Unsupported));
    manager.authenticate(&login.access_token).await.unwrap();
    written().await;
    store.set(Mood::Answer);
    // Less than one minute has passed since the lost touch. The next request still queues another
    // touch at once.
    manager.authenticate(&login.access_token).await.unwrap();
    let report = background.stop().await.unwrap();
    assert_eq!((report.written, report.lost), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn worker_pauses_up_to_one_second_between_attempts_while_the_store_refuses_writes() {
    let (manager, worker, store) = clocked();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    let before = store.calls();
    tokio::time::sleep(Duration::from_secs(10)).await;
    // The worker tries to write the touch after 0.1, 0.3, 0.7 and 1.5 seconds, and afterwards once
    // per second. In addition, the upkeep calls the store once per second.
    let calls = store.calls() - before;
    assert!((20..=24).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn stop_writes_the_touches_that_wait() {
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    assert_eq!(store.touches(), 0, "the worker still collects uses");
    let report = background.stop().await.unwrap();
    assert_eq!((report.written, report.lost), (1, 0));
    let session = stored(&manager, &login.session).await;
    assert_eq!(session.last_activity(), at(2 * MINUTE));
}

#[tokio::test(start_paused = true)]
async fn stop_gives_up_on_a_store_that_hangs() {
    let (manager, worker, store) = clocked();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    store.set(Mood::Hang);
    let background = worker.start();
    let asked = tokio::time::Instant::now();
    let report = background.stop().await.unwrap();
    assert_eq!((report.written, report.lost), (0, 1));
    assert!(asked.elapsed() <= Duration::from_secs(7), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn stop_keeps_its_time_limit_with_many_touches_and_a_slow_store() {
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let mut tokens = Vec::new();
    for n in 0..10_000 {
        tokens.push(login(&manager, &format!("u{n}")).await.access_token);
    }
    advance(2 * MINUTE).await;
    for token in &tokens {
        manager.authenticate(token).await.unwrap();
    }
    store.set(Mood::SlowWrites(Duration::from_millis(900)));
    // When `stop` is called, the worker is writing the first batches.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = tokio::time::Instant::now();
    let report = background.stop().await.unwrap();
    assert!(asked.elapsed() <= Duration::from_secs(6), "{:?}", asked.elapsed());
    assert_eq!(report.written + report.lost, 10_000);
    assert!(report.written >= 2_500 && report.lost > 0, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn touch_is_written_to_a_store_that_answers_within_one_second() {
    let (manager, worker, store) = clocked();
    let _background = worker.start();
    let token = login(&manager, "jeju").await.access_token;
    advance(2 * MINUTE).await;
    store.set(Mood::SlowWrites(Duration::from_millis(900)));
    manager.authenticate(&token).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(store.touches(), 1);
}

#[tokio::test(start_paused = true)]
async fn uses_within_100_ms_are_written_together() {
    let (manager, worker, store) = clocked();
    let _background = worker.start();
    let tokens = [login(&manager, "a").await.access_token, login(&manager, "b").await.access_token];
    advance(2 * MINUTE).await;
    for token in &tokens {
        manager.authenticate(token).await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert_eq!(store.touches(), 0);
    }
    written().await;
    assert_eq!(store.touches(), 2);
}

#[tokio::test(start_paused = true)]
async fn touches_of_many_sessions_are_written_without_a_pause_between_their_batches() {
    let (manager, worker, store) = clocked();
    let _background = worker.start();
    let mut tokens = Vec::new();
    for n in 0..1_600 {
        tokens.push(login(&manager, &format!("u{n}")).await.access_token);
    }
    advance(2 * MINUTE).await;
    for token in &tokens {
        manager.authenticate(token).await.unwrap();
    }
    // If the worker paused between two batches, each pause would last 100 ms.
    written().await;
    assert_eq!(store.touches(), 1_600);
}

#[tokio::test(start_paused = true)]
async fn slow_touches_do_not_cause_rejected_requests() {
    let (manager, worker, store) = clocked();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    // Each write takes longer than the timeout of the worker.
    store.set(Mood::SlowWrites(Duration::from_secs(2)));
    for _ in 0..200 {
        manager.authenticate(&login.access_token).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn worker_flushes_and_ends_when_the_last_manager_is_dropped() {
    let (manager, worker, store) = clocked();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    drop(manager);
    let report = worker.run().await;
    assert_eq!((report.written, store.touches()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn requests_succeed_without_a_worker_and_dropped_touches_are_counted() {
    let (manager, _worker, store) = clocked();
    let mut tokens = Vec::new();
    for n in 0..16_400 {
        tokens.push(login(&manager, &format!("u{n}")).await.access_token);
    }
    advance(2 * MINUTE).await;
    for token in &tokens {
        manager.authenticate(token).await.unwrap();
    }
    assert_eq!(manager.dropped_touches(), 16);
    assert_eq!(store.touches(), 0);
}

/// The log lines that report that the worker is not running.
fn reports(log: &Log) -> usize {
    log.text().lines().filter(|line| line.contains("the background worker does not run")).count()
}

#[tokio::test(start_paused = true)]
async fn dropped_worker_is_logged_once_at_the_first_use_and_shown_in_health() {
    let log = Log::default();
    let _capture = log.capture();
    let (manager, _, _store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    assert_eq!(reports(&log), 0, "a login does not count as a use");
    assert_eq!(manager.health().await.worker, WorkerState::Lost);
    for _ in 0..3 {
        advance(10 * MINUTE).await;
        manager.authenticate(&token).await.unwrap();
    }
    assert_eq!(reports(&log), 1, "{}", log.text());
    assert!(log.text().contains("ERROR"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn worker_that_was_never_started_is_logged_once_at_the_first_use() {
    let log = Log::default();
    let _capture = log.capture();
    let (manager, worker, _store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    assert_eq!(manager.health().await.worker, WorkerState::NotStarted);
    for _ in 0..2 {
        advance(10 * MINUTE).await;
        manager.authenticate(&token).await.unwrap();
    }
    assert_eq!(reports(&log), 1, "{}", log.text());
    // A worker that is started late still writes touches.
    let background = worker.start();
    assert_eq!(manager.health().await.worker, WorkerState::Running);
    background.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn running_or_stopped_worker_is_not_logged() {
    let log = Log::default();
    let _capture = log.capture();
    let (manager, worker, _store) = clocked();
    let background = worker.start();
    let token = login(&manager, "jeju").await.access_token;
    advance(10 * MINUTE).await;
    manager.authenticate(&token).await.unwrap();
    background.stop().await.unwrap();
    assert_eq!(manager.health().await.worker, WorkerState::Stopped);
    advance(10 * MINUTE).await;
    manager.authenticate(&token).await.unwrap();
    assert_eq!(reports(&log), 0, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn aborted_worker_is_logged_and_shown_in_health() {
    let log = Log::default();
    let _capture = log.capture();
    let (manager, worker, _store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(worker.run());
    tokio::task::yield_now().await;
    assert_eq!(manager.health().await.worker, WorkerState::Running);
    tasks.shutdown().await;
    assert_eq!(manager.health().await.worker, WorkerState::Lost);
    advance(10 * MINUTE).await;
    manager.authenticate(&token).await.unwrap();
    assert_eq!(reports(&log), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn touch_queued_while_the_host_is_suspended_keeps_the_time_of_use() {
    let host = ManualClock::new(START);
    let store = MemoryStore::with_clock(host.clone());
    let (manager, worker) = builder().clock(host.clone()).store(store).build().unwrap();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    host.advance(50 * MINUTE);
    manager.authenticate(&login.access_token).await.unwrap();
    // The host is suspended before the worker writes the touch. Tokio's clock stands still during
    // that time.
    host.advance(5 * MINUTE);
    written().await;
    let session = stored(&manager, &login.session).await;
    assert_eq!(session.last_activity(), at(50 * MINUTE));
    assert_eq!(session.idle_deadline(), at(50 * MINUTE + HOUR));
}
