//! The Redis keys of sessions: their TTLs, their fields, and the commands that write them.

use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use tower_session_auth::store::{RedisStore, ScanSessions, SessionStore, Touched, Updated};
use tower_session_auth::{RevokeReason, Target};

use crate::redis_store::{
    GONE, HOUR, LIVE, MINUTE, SEEN, jeju, lives, login, minutes, store, touch,
};
use crate::support::commands::Commands;
use crate::support::redis::RedisServer;

#[tokio::test]
async fn key_ttl_covers_all_sessions_and_is_never_shortened() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let ttl = async |key: &str| minutes(server.number(&["PTTL", key]).await);

    let first = login(&store, HOUR, 24 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "2 x idle TTL");
    login(&store, HOUR / 60, 24 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "a short session does not lower it");
    login(&store, HOUR * 3 / 2, 3 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "the remaining TTL is sufficient");
    login(&store, 3 * HOUR, 4 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (240, 240), "at most the absolute deadline");

    // If the remaining TTL of a key is less than the idle TTL, a touch raises it. Otherwise, a
    // touch does not change it.
    for key in [LIVE, SEEN] {
        server.command(&["PEXPIRE", key, "1800000"]).await;
    }
    assert!(matches!(touch(&store, &first, HOUR).await.unwrap(), Touched::Lives(_)));
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120));
    for key in [LIVE, SEEN] {
        server.command(&["PEXPIRE", key, "3900000"]).await;
    }
    assert!(matches!(touch(&store, &first, HOUR).await.unwrap(), Touched::Lives(_)));
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (65, 65));

    // An operator has removed the TTL. The next login sets it again, and no session ends early.
    server.command(&["PERSIST", LIVE]).await;
    let brief = login(&store, Duration::from_secs(1), Duration::from_secs(1)).await;
    assert!((60..=180).contains(&ttl(LIVE).await), "{}", ttl(LIVE).await);

    // An update keeps the TTL of the key.
    store.update(&jeju(), &first, 1, Bytes::from_static(b"new")).await.unwrap();
    assert!(ttl(LIVE).await >= 60);

    // A tombstone is kept for as long as a client can present the token, but for at most one day.
    store.revoke(&jeju(), &Target::from(&brief), RevokeReason::Logout).await.unwrap();
    store.revoke(&jeju(), &Target::from(&first), RevokeReason::Logout).await.unwrap();
    assert_eq!(ttl(GONE).await, 24 * 60);
    let long = login(&store, 48 * HOUR, 480 * HOUR).await;
    store.revoke(&jeju(), &Target::from(&long), RevokeReason::Logout).await.unwrap();
    assert_eq!(ttl(GONE).await, 24 * 60);
}

#[tokio::test]
async fn keys_of_abandoned_users_expire() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(100);
    login(&store, short, 2 * short).await;
    let ended = login(&store, short, 2 * short).await;
    store.revoke(&jeju(), &Target::from(&ended), RevokeReason::Logout).await.unwrap();
    tokio::time::sleep(4 * short).await;
    for key in [LIVE, SEEN, GONE] {
        assert_eq!(server.number(&["EXISTS", key]).await, 0, "{key}");
    }
}

#[tokio::test]
async fn login_prunes_expired_sessions_and_keeps_live_ones() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(50);
    for _ in 0..5 {
        login(&store, short, HOUR).await;
    }
    let kept = login(&store, HOUR, HOUR).await;
    server.command(&["HSET", LIVE, "half", "1 1 1 1 9999999999999\n"]).await;
    server.command(&["HSET", SEEN, "other-half", "9999999999999:1"]).await;
    tokio::time::sleep(2 * short).await;
    login(&store, HOUR, HOUR).await;
    for key in [LIVE, SEEN] {
        assert_eq!(server.number(&["HLEN", key]).await, 2, "{key}");
        assert_eq!(server.number(&["HEXISTS", key, kept.as_str()]).await, 1, "{key}");
    }
}

#[tokio::test]
async fn session_without_its_seen_key_ends_at_the_known_idle_deadline() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(50);
    let _keeps_the_keys = login(&store, HOUR, HOUR).await;
    let id = login(&store, short, HOUR).await;
    let bound = store.activity(&jeju(), &id).await.unwrap().map(|uses| uses.idle_deadline);
    server.command(&["DEL", SEEN]).await;
    tokio::time::sleep(2 * short).await;
    assert_eq!(server.number(&["HEXISTS", LIVE, id.as_str()]).await, 1);
    for known in [None, bound] {
        assert!(store.load(&jeju(), &id, known).await.unwrap().is_none(), "{known:?}");
    }
}

#[tokio::test]
async fn logout_removes_the_fields_of_the_session() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let (ended, _kept) = (login(&store, HOUR, HOUR).await, login(&store, HOUR, HOUR).await);
    let revoked = store.revoke(&jeju(), &Target::from(&ended), RevokeReason::Logout).await.unwrap();
    assert!(revoked.was_live());
    for key in [LIVE, SEEN] {
        assert_eq!(server.number(&["HLEN", key]).await, 1, "{key}");
        assert_eq!(server.number(&["HEXISTS", key, ended.as_str()]).await, 0, "{key}");
    }
}

#[tokio::test]
async fn operator_logs_a_user_out_by_deleting_either_key() {
    let server = RedisServer::start().await;
    let store = store(&server);
    for key in [LIVE, SEEN] {
        let id = login(&store, HOUR, HOUR).await;
        let known = store.activity(&jeju(), &id).await.unwrap().unwrap();
        server.command(&["DEL", key]).await;
        assert_eq!(store.activity(&jeju(), &id).await.unwrap(), None, "{key}");
        assert_eq!(touch(&store, &id, HOUR).await.unwrap(), Touched::Ended, "{key}");
        let updated = store.update(&jeju(), &id, 1, Bytes::new()).await.unwrap();
        assert_eq!(updated, Updated::Gone, "{key}");
        // Without the key `live`, `load` no longer finds the session. If only the key `seen` is
        // missing, `load` still finds the session, until the idle deadline that was last known.
        assert_eq!(lives(&store, &id).await, key == SEEN, "{key}");
        assert!(
            !store
                .revoke(&jeju(), &Target::from(&id), RevokeReason::Logout)
                .await
                .unwrap()
                .was_live(),
            "{key}"
        );
        assert!(!lives(&store, &id).await, "{key}");
        assert!(known.idle_deadline > store.now());
    }
}

#[tokio::test]
async fn load_is_one_command_and_touch_does_not_change_the_record() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, 24 * HOUR).await;
    let record = server.text(&["HGET", LIVE, id.as_str()]).await;
    server.command(&["CONFIG", "RESETSTAT"]).await;
    assert!(lives(&store, &id).await);
    let commands = Commands::of(&server).await;
    assert_eq!(commands.calls("hget"), 1, "{commands:?}");

    server.command(&["CONFIG", "RESETSTAT"]).await;
    touch(&store, &id, Duration::MAX).await.unwrap();
    let commands = Commands::of(&server).await;
    assert_eq!(commands.calls("hset"), 1, "{commands:?}");
    assert!(!commands.all().any(|(name, _)| name.contains("expire")), "{commands:?}");
    assert_eq!(server.text(&["HGET", LIVE, id.as_str()]).await, record);
}

#[tokio::test]
async fn touch_sends_no_invalidation_and_logout_sends_one() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, 24 * HOUR).await;
    let (pushes, mut pushed) = tokio::sync::mpsc::unbounded_channel();
    let url = format!("{}?protocol=resp3", server.url());
    let config = redis::AsyncConnectionConfig::new().set_push_sender(pushes);
    let client = redis::Client::open(url).unwrap();
    let mut near = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    redis::cmd("CLIENT").arg(&["TRACKING", "ON"]).exec_async(&mut near).await.unwrap();
    redis::cmd("HGET").arg(LIVE).arg(id.as_str()).exec_async(&mut near).await.unwrap();

    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        touch(&store, &id, Duration::MAX).await.unwrap();
    }
    redis::cmd("PING").exec_async(&mut near).await.unwrap();
    assert!(pushed.try_recv().is_err(), "a touch must not invalidate a read");
    store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap();
    redis::cmd("PING").exec_async(&mut near).await.unwrap();
    assert_eq!(pushed.try_recv().unwrap().kind, redis::PushKind::Invalidate);
}

#[tokio::test]
async fn stores_with_other_prefixes_or_databases_are_isolated() {
    let server = RedisServer::start().await;
    let one = store(&server);
    let url = server.url();
    let two =
        RedisStore::builder(url.as_str()).prefix("session:2").timeout(MINUTE).build().unwrap();
    let three = RedisStore::new(&format!("{url}3")).unwrap();
    let id = login(&one, HOUR, HOUR).await;
    for other in [&two, &three] {
        assert!(!lives(other, &id).await);
        assert!(
            other
                .revoke(&jeju(), &Target::All, RevokeReason::Admin)
                .await
                .unwrap()
                .sessions
                .is_empty()
        );
        assert!(other.scan(None, 10).await.unwrap().unwrap().sessions.is_empty());
    }
    assert!(lives(&one, &id).await);
    assert_eq!(one.scan(None, 10).await.unwrap().unwrap().sessions.len(), 1);
    assert!(
        matches!(server.command(&["KEYS", "session:*"]).await, Value::Array(keys) if keys.len() == 3)
    );
}
