//! Damaged and foreign records in Redis. Also tests which clock decides about deadlines.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::store::{Created, SessionStore, StoreErrorKind, Touch, Touched};
use tower_session_auth::{RevokeReason, SessionId, Target};

use crate::architecture::sources;
use crate::redis_store::{GONE, HOUR, LIVE, SEEN, jeju, kind, lives, login, record, store, touch};
use crate::support::redis::RedisServer;
use crate::support::usable;

#[tokio::test]
async fn unreadable_record_is_refused_and_can_be_deleted() {
    let server = RedisServer::start().await;
    let store = store(&server);
    for foreign in ["", "garbage", "2 1 1 1 9999999999999\n{}", "1 1 1 1\n", "{\"user\":\"jeju\"}"]
    {
        let (bad, good) = (login(&store, HOUR, HOUR).await, login(&store, HOUR, HOUR).await);
        server.command(&["HSET", LIVE, bad.as_str(), foreign]).await;
        let unreadable = StoreErrorKind::Unreadable;
        assert_eq!(kind(store.load(&jeju(), &bad, None).await), unreadable, "{foreign}");
        assert_eq!(kind(store.activity(&jeju(), &bad).await), unreadable, "{foreign}");
        let updated = store.update(&jeju(), &bad, 1, Bytes::new()).await;
        assert_eq!(kind(updated), unreadable, "{foreign}");
        // The unreadable record must not prevent the touches of the other sessions in the same
        // batch.
        let touches =
            [&bad, &good].map(|id| Touch::new(jeju(), id.clone(), Duration::ZERO, Duration::MAX));
        let touched = store.touch(&touches).await.unwrap();
        assert!(matches!(touched[..], [Touched::Ended, Touched::Lives(_)]), "{foreign}");
        assert_eq!(server.text(&["HGET", LIVE, bad.as_str()]).await.as_deref(), Some(foreign));
        let made = store.create(&jeju(), &bad, &record(HOUR, HOUR)).await.unwrap();
        assert_eq!(made, Created::AlreadyExists, "{foreign}");

        assert!(
            !store
                .revoke(&jeju(), &Target::from(&bad), RevokeReason::Logout)
                .await
                .unwrap()
                .was_live(),
            "{foreign}"
        );
        assert!(!lives(&store, &bad).await, "{foreign}");
        server.command(&["HSET", LIVE, bad.as_str(), foreign]).await;
        assert_eq!(
            store.revoke(&jeju(), &Target::All, RevokeReason::Logout).await.unwrap().sessions,
            [good],
            "{foreign}"
        );
        assert_eq!(server.number(&["EXISTS", LIVE, SEEN]).await, 0, "{foreign}");
    }
}

#[tokio::test]
async fn session_with_a_damaged_seen_field_is_not_live() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(50);
    let _keeps_the_keys = login(&store, HOUR, HOUR).await;
    let id = login(&store, short, HOUR).await;
    server.command(&["HSET", SEEN, id.as_str(), "never"]).await;
    tokio::time::sleep(2 * short).await;
    assert_eq!(kind(store.load(&jeju(), &id, None).await), StoreErrorKind::Unreadable);
    assert_eq!(touch(&store, &id, HOUR).await.unwrap(), Touched::Ended);
    assert!(
        !store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap().was_live()
    );
}

#[tokio::test]
async fn keys_of_a_wrong_type_are_unreadable_and_revoke_all_clears_them() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = SessionId::random().unwrap();
    let unreadable = StoreErrorKind::Unreadable;
    for key in [LIVE, SEEN] {
        server.command(&["FLUSHALL"]).await;
        server.command(&["SET", key, "text"]).await;
        assert_eq!(
            kind(store.create(&jeju(), &id, &record(HOUR, HOUR)).await),
            unreadable,
            "{key}"
        );
        assert_eq!(kind(store.activity(&jeju(), &id).await), unreadable, "{key}");
        assert_eq!(kind(store.update(&jeju(), &id, 1, Bytes::new()).await), unreadable, "{key}");
        assert_eq!(
            kind(store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await),
            unreadable,
            "{key}"
        );
        assert_eq!(touch(&store, &id, HOUR).await.unwrap(), Touched::Ended, "{key}");
        assert!(
            store
                .revoke(&jeju(), &Target::All, RevokeReason::Logout)
                .await
                .unwrap()
                .sessions
                .is_empty(),
            "{key}"
        );
        assert_eq!(server.number(&["EXISTS", LIVE, SEEN]).await, 0, "{key}");
    }
    server.command(&["SET", LIVE, "text"]).await;
    assert_eq!(kind(store.load(&jeju(), &id, None).await), unreadable);
    server.command(&["SET", GONE, "text"]).await;
    assert_eq!(kind(store.revoke_reason(&jeju(), &id).await), unreadable);
}

#[tokio::test]
async fn only_the_clock_of_redis_decides_about_deadlines() {
    let server = RedisServer::start().await;
    let store = store(&server);
    // Before its first contact with Redis, the store knows no time, because it ignores the host's
    // clock.
    assert_eq!(store.now().as_millis(), 0);
    usable(&store).await.unwrap();
    let time: Vec<i64> = redis::from_redis_value(server.command(&["TIME"]).await).unwrap();
    let apart = (store.now().as_millis() - (time[0] * 1_000 + time[1] / 1_000)).abs();
    assert!(apart < 1_000, "{apart} ms");
    // A session ends as soon as its deadline has passed on the clock of the server.
    let now = time[0] * 1_000;
    let id = SessionId::random().unwrap();
    for (absolute, idle, alive) in [
        (now + 3_600_000, now + 3_600_000, true),
        (now - 5_000, now + 3_600_000, false),
        (now + 3_600_000, now - 5_000, false),
    ] {
        let record = format!("1 1 {} 1 {absolute}\n{{}}", now - 10_000);
        server.command(&["HSET", LIVE, id.as_str(), &record]).await;
        server.command(&["HSET", SEEN, id.as_str(), &format!("{idle}:{}", now - 10_000)]).await;
        assert_eq!(lives(&store, &id).await, alive, "{absolute} {idle}");
        let touched = touch(&store, &id, Duration::ZERO).await.unwrap();
        assert_eq!(touched != Touched::Ended, alive, "{absolute} {idle}");
    }
}

#[test]
fn store_never_reads_the_wall_clock_of_the_host() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/redis");
    let mut seen = 0;
    for (_, path, source) in sources() {
        if !path.starts_with(&folder) {
            continue;
        }
        seen += 1;
        if path.ends_with("diagnosis.rs") {
            // The diagnosis is allowed to compare the two clocks, because it does not handle
            // sessions.
            assert!(!source.contains("Script") && !source.contains("ServerClock"));
            continue;
        }
        for word in ["SystemTime", "SystemClock", "Utc::now", "Local::now"] {
            assert!(!source.contains(word), "{word} in {}", path.display());
        }
    }
    assert!(seen > 40, "the test must find the files in the subfolders too: {seen}");
}
