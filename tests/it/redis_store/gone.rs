//! The hash `gone` of a user. It contains the tombstones, the login fence, and the counter of
//! logins.

use std::time::Duration;

use redis::Value;
use tower_session_auth::store::{
    Created, FenceValue, NewRecord, RedisStore, SessionStore, StoreErrorKind,
};
use tower_session_auth::{RevokeReason, SessionId, Target};

use crate::redis_store::{GONE, HOUR, LIVE, SEEN, jeju, kind, login, record, store};
use crate::support::redis::RedisServer;
use crate::support::usable;

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn create(store: &RedisStore, new: &NewRecord) -> Created {
    store.create(&jeju(), &SessionId::random().unwrap(), new).await.unwrap()
}

/// Logs in with this login fence. Returns whether the login succeeds.
async fn logs_in(store: &RedisStore, login_fence: Option<&str>) -> bool {
    let mut new = record(HOUR, HOUR);
    new.login_fence = Some(FenceValue::new(login_fence));
    match create(store, &new).await {
        Created::Created(_) => true,
        Created::Superseded => false,
        other => panic!("{other:?}"),
    }
}

/// Logs in. Returns the number of logins within this window.
async fn recent(store: &RedisStore, window: Duration) -> u32 {
    let mut new = record(HOUR, HOUR);
    new.count_within = Some(window);
    match create(store, &new).await {
        Created::Created(opened) => opened.recent,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn revoke_all_leaves_a_login_fence_for_a_day_even_without_sessions() {
    let server = RedisServer::start().await;
    let store = store(&server);
    assert_eq!(store.login_fence(&jeju()).await.unwrap(), FenceValue::new(None));
    assert!(
        store
            .revoke(&jeju(), &Target::All, RevokeReason::LogoutAll)
            .await
            .unwrap()
            .sessions
            .is_empty()
    );
    let login_fence = server.text(&["HGET", GONE, "#"]).await.unwrap();
    assert_eq!(store.login_fence(&jeju()).await.unwrap().value(), Some(&*login_fence));
    let (text, until) = login_fence.split_once(':').unwrap();
    assert_eq!(text.len(), 24, "{login_fence}: 144 random bits");
    let left = until.parse::<i64>().unwrap() - store.now().as_millis();
    assert!((left - 86_400_000).abs() < 60_000, "{left}");
    assert_eq!(server.number(&["HLEN", GONE]).await, 1);
    assert_eq!(server.number(&["EXISTS", LIVE, SEEN]).await, 0);
    let ends = server.number(&["PEXPIRETIME", GONE]).await;
    assert_eq!(ends, until.parse::<i64>().unwrap(), "the key expires with the login fence");
}

#[tokio::test]
async fn gone_key_ttl_is_never_shortened() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let second = Duration::from_secs(1);
    let brief = async || {
        let id = login(&store, second, second).await;
        let revoked =
            store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap();
        assert!(revoked.was_live());
    };
    let ends = async || server.number(&["PEXPIRETIME", GONE]).await;
    // Each write sets the TTL of the key to the TTL of the field that must be kept longest.
    brief().await;
    let mut last = ends().await;
    let step = async |what: &str, at_least: Duration, last: &mut i64| {
        let now = ends().await;
        assert!(now >= *last, "{what}: {now} after {last}");
        let needed = store.now().saturating_add(at_least).as_millis() - 10_000;
        assert!(now >= needed, "{what}: {now}, and {needed} is needed");
        *last = now;
    };
    assert_eq!(recent(&store, 60 * second).await, 1);
    step("a counter", 60 * second, &mut last).await;
    assert_eq!(recent(&store, second).await, 2);
    step("a shorter window", 60 * second, &mut last).await;
    store.revoke(&jeju(), &Target::All, RevokeReason::LogoutAll).await.unwrap();
    step("a guard", DAY, &mut last).await;
    brief().await;
    step("a tombstone", DAY, &mut last).await;
    assert_eq!(recent(&store, 3 * DAY).await, 3);
    step("a longer window", 3 * DAY, &mut last).await;
    store.revoke(&jeju(), &Target::All, RevokeReason::LogoutAll).await.unwrap();
    step("another guard", 3 * DAY, &mut last).await;
    // An operator has removed the TTL. The next write sets it again, to the TTL of the field that
    // must be kept longest.
    for what in ["a tombstone", "a guard", "a counter"] {
        server.command(&["PERSIST", GONE]).await;
        match what {
            "a guard" => drop(
                store.revoke(&jeju(), &Target::All, RevokeReason::Admin).await.unwrap().sessions,
            ),
            "a counter" => assert!(recent(&store, 3 * DAY).await > 3),
            _ => brief().await,
        }
        last = 0;
        step(what, 3 * DAY, &mut last).await;
    }
}

#[tokio::test]
async fn login_fence_and_counter_are_not_pruned_as_tombstones() {
    let server = RedisServer::start().await;
    let store = store(&server);
    server.command(&["HSET", GONE, "#", "random-value"]).await;
    assert_eq!(recent(&store, HOUR).await, 1);
    for _ in 0..70 {
        let id = login(&store, HOUR, HOUR).await;
        store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap();
    }
    assert_eq!(server.text(&["HGET", GONE, "#"]).await.as_deref(), Some("random-value"));
    assert_eq!(server.number(&["HLEN", GONE]).await, 66);
    assert_eq!(recent(&store, HOUR).await, 2);
    let left = server.number(&["PTTL", GONE]).await;
    assert!(left > 86_000_000, "an unreadable login fence is kept as well: {left} ms");
}

#[tokio::test]
async fn expired_login_fence_equals_no_login_fence() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let (over, other, lasting) = ("old:1000", "older:999", "new:99999999999999");
    for (there, fits) in [
        (None, [Some(over), Some(other), None]),
        (Some(over), [Some(over), Some(other), None]),
        (Some(lasting), [Some(lasting); 3]),
        // Another version of the library may have written this value. The value is valid until its
        // key expires.
        (Some("text"), [Some("text"); 3]),
    ] {
        server.command(&["DEL", GONE]).await;
        if let Some(there) = there {
            server.command(&["HSET", GONE, "#", there]).await;
        }
        for expected in [None, Some(over), Some(other), Some(lasting), Some("text")] {
            let lives = logs_in(&store, expected).await;
            assert_eq!(lives, fits.contains(&expected), "{there:?} {expected:?}");
        }
    }
}

#[tokio::test]
async fn invalid_login_counter_starts_again() {
    let server = RedisServer::start().await;
    let store = store(&server);
    usable(&store).await.unwrap();
    let now = store.now().as_millis();
    let ahead = now + 3_600_000;
    for (there, expected) in [
        (String::new(), 1),
        ("text".to_owned(), 1),
        (format!("7:{now}:{ahead}"), 8),
        (format!("-7:{now}:{ahead}"), 1),
        (format!("7:{ahead}:{ahead}"), 1),
        (format!("7:{}:{ahead}", now - 3_600_001), 1),
        (format!("99999999999:{now}:{ahead}"), u32::MAX),
    ] {
        server.command(&["HSET", GONE, "+", &there]).await;
        assert_eq!(recent(&store, HOUR).await, expected, "{there:?}");
    }
    // A window of zero counts as the shortest window. Its key still expires.
    server.command(&["DEL", GONE]).await;
    assert_eq!(recent(&store, Duration::ZERO).await, 1);
    assert!(server.number(&["PTTL", GONE]).await != -1);
    server.command(&["DEL", GONE]).await;
    assert_eq!(recent(&store, Duration::MAX).await, 1);
    assert_eq!(recent(&store, Duration::MAX).await, 2);
    assert!(server.number(&["PTTL", GONE]).await > 0);
}

#[tokio::test]
async fn login_without_a_fence_or_counter_writes_no_gone_key() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let mut new = record(HOUR, HOUR);
    new.login_fence = Some(FenceValue::new(None));
    assert!(matches!(create(&store, &new).await, Created::Created(_)));
    assert_eq!(server.number(&["EXISTS", GONE]).await, 0);
}

#[tokio::test]
async fn gone_key_of_a_wrong_type_is_unreadable_and_revoke_all_clears_it() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    server.command(&["SET", GONE, "text"]).await;
    let unreadable = StoreErrorKind::Unreadable;
    assert_eq!(kind(store.login_fence(&jeju()).await), unreadable);
    let other = SessionId::random().unwrap();
    assert_eq!(kind(store.create(&jeju(), &other, &record(HOUR, HOUR)).await), unreadable);
    let ended = store.revoke(&jeju(), &Target::All, RevokeReason::Admin).await.unwrap().sessions;
    assert_eq!(ended, std::slice::from_ref(&id));
    assert_eq!(store.revoke_reason(&jeju(), &id).await.unwrap(), Some(RevokeReason::Admin));
    assert!(store.login_fence(&jeju()).await.unwrap().value().is_some());
    // A login fence that is not UTF-8 matches no login.
    let mut connection = server.connection().await;
    let set: Value = redis::cmd("HSET")
        .arg(GONE)
        .arg("#")
        .arg(&b"\xff:99999999999999"[..])
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(set, Value::Int(0));
    assert_eq!(kind(store.login_fence(&jeju()).await), unreadable);
    assert!(!logs_in(&store, None).await);
}
