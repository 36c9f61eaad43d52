//! Statistics and cleanup: scans over the sessions of all users.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::store::{MemoryStore, NewRecord, SessionStore};
use tower_session_auth::testing::{ManualClock, TokioClock};
use tower_session_auth::{NewSession, RevokeReason, SessionId};

use crate::operations::{HOUR, Place, login, on_both_stores, redis};
use crate::support::{START, builder, user};

on_both_stores!(
    statistics_count_each_live_session_once,
    cleanup_removes_expired_sessions_and_keeps_tombstones
);

async fn statistics_count_each_live_session_once(place: &Place) {
    let manager = place.manager();
    let none = manager.statistics(|_| {}).await.unwrap();
    assert_eq!((none.total, none.average_ttl), (0, Duration::ZERO));
    for i in 0..30 {
        login(&manager, &format!("user {i}")).await;
    }
    let new = || NewSession::new(user("admin")).idle_ttl(3 * HOUR);
    for _ in 0..10 {
        manager.create(new().role("super_admin")).await.unwrap();
    }
    let gone = manager.create(new()).await.unwrap();
    manager.create(new()).await.unwrap();
    manager.logout(&gone.access_token).await.unwrap();

    let mut progress = Vec::new();
    let statistics = manager.statistics(|step| progress.push(step)).await.unwrap();
    assert_eq!(statistics.total, 41);
    let by_role: Vec<_> =
        statistics.by_role.iter().map(|(role, count)| (role.as_str(), *count)).collect();
    assert_eq!(by_role, [("", 1), ("super_admin", 10), ("user", 30)]);
    // There are 30 sessions with an idle TTL of one hour, and 11 with an idle TTL of three hours.
    let average = (30 * HOUR + 11 * 3 * HOUR) / 41;
    assert!(statistics.average_ttl <= average, "{statistics:?}");
    assert!(statistics.average_ttl > average - HOUR / 60, "{statistics:?}");
    assert_eq!(progress.last().unwrap().sessions, 41);
    assert!(progress.windows(2).all(|two| two[0].steps < two[1].steps));

    // The results of one scan are returned to all calls within one minute.
    let minute = Duration::from_secs(60);
    let first = manager.recent_statistics(minute).await.unwrap();
    login(&manager, "jeju").await;
    let second = manager.recent_statistics(minute).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(manager.recent_statistics(Duration::ZERO).await.unwrap().total, 42);
}

async fn cleanup_removes_expired_sessions_and_keeps_tombstones(place: &Place) {
    let manager = place.manager();
    let alive = login(&manager, "alive").await;
    let ended = login(&manager, "jeju").await;
    manager.revoke(&user("jeju"), ended.session.id(), RevokeReason::Admin).await.unwrap();
    // Creates sessions that expire after a few milliseconds, beside sessions that stay live. The
    // test creates the short ones directly in the store, because the manager does not allow such a
    // short lifetime.
    let brief =
        NewRecord::new(Duration::from_millis(20), HOUR, Bytes::from_static(b"{\"data\":null}"));
    for i in 0..30 {
        let (owner, id) = (user(&format!("user {}", i % 3)), SessionId::random().unwrap());
        match place {
            Place::Memory(store) => drop(store.create(&owner, &id, &brief).await.unwrap()),
            Place::Redis(server) => drop(redis(server).create(&owner, &id, &brief).await.unwrap()),
        }
    }
    for i in 0..3 {
        login(&manager, &format!("user {i}")).await;
    }
    let expired = || async { manager.statistics(|_| {}).await.unwrap().total == 4 };
    while !expired().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut last = None;
    let freed = manager.cleanup(|step| last = Some(step)).await.unwrap();
    // Logins, lists and scans also remove the expired sessions that they find.
    assert!(freed <= 30, "{freed}");
    assert_eq!(last.unwrap().sessions, freed);
    assert_eq!(manager.cleanup(|_| {}).await.unwrap(), 0, "the first cleanup removed everything");
    manager.authenticate(&alive.access_token).await.unwrap();
    let refused = manager.authenticate(&ended.access_token).await.unwrap_err();
    assert_eq!(refused.reason(), Some(RevokeReason::Admin), "tombstones stay");
    assert_eq!(manager.statistics(|_| {}).await.unwrap().total, 4);
}

#[tokio::test(start_paused = true)]
async fn cleanup_returns_the_number_of_removed_sessions() {
    let clock = TokioClock::new(START);
    let store = MemoryStore::with_clock(clock);
    let (manager, _worker) = builder().clock(clock).store(store.clone()).build().unwrap();
    for i in 0..700 {
        login(&manager, &format!("user {}", i % 50)).await;
    }
    let later = manager.create(NewSession::new(user("jeju")).idle_ttl(3 * HOUR)).await.unwrap();
    tokio::time::advance(2 * HOUR).await;
    assert_eq!(store.len(), 701);
    assert_eq!(manager.cleanup(|_| {}).await.unwrap(), 700);
    assert_eq!(store.len(), 1);
    assert!(manager.exists(&user("jeju"), later.session.id()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn recent_statistics_are_computed_again_after_the_maximum_age() {
    let clock = TokioClock::new(START);
    let (manager, _worker) =
        builder().clock(clock).store(MemoryStore::with_clock(clock)).build().unwrap();
    let minute = Duration::from_secs(60);
    let first = manager.recent_statistics(minute).await.unwrap();
    tokio::time::advance(minute).await;
    assert!(Arc::ptr_eq(&first, &manager.recent_statistics(minute).await.unwrap()));
    tokio::time::advance(Duration::from_millis(1)).await;
    let second = manager.recent_statistics(minute).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(second.as_of.saturating_since(first.as_of).as_millis(), 60_001);
}

#[tokio::test(start_paused = true)]
async fn recent_statistics_age_while_the_host_is_suspended() {
    let host = ManualClock::new(START);
    let (manager, _worker) = builder().clock(host.clone()).build().unwrap();
    let minute = Duration::from_secs(60);
    let first = manager.recent_statistics(minute).await.unwrap();
    // Tokio's clock stands still, as the monotonic clock of most systems does while the host is
    // suspended.
    host.advance(minute);
    assert!(Arc::ptr_eq(&first, &manager.recent_statistics(minute).await.unwrap()));
    host.advance(Duration::from_millis(1));
    assert!(!Arc::ptr_eq(&first, &manager.recent_statistics(minute).await.unwrap()));
}
