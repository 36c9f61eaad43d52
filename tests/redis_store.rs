//! What `RedisStore` promises beyond the contract: keys, failures, recovery.

#![cfg(feature = "redis")]

mod support;

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::Value;
use support::redis::RedisServer;
use tower_session_auth::store::{
    Created, NewRecord, RedisStore, SessionStore, StoreError, StoreErrorKind, Touch, Touched,
    Updated,
};
use tower_session_auth::{EndReason, SessionId, UserId};

const HOUR: Duration = Duration::from_secs(3_600);
const LIVE: &str = "session:{jeju}:live";
const SEEN: &str = "session:{jeju}:seen";
const GONE: &str = "session:{jeju}:gone";

/// Patient with a machine that compiles beside the tests.
fn store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(3)).build().unwrap()
}

fn jeju() -> UserId {
    UserId::parse("jeju").unwrap()
}

fn record(idle_ttl: Duration, lifetime: Duration) -> NewRecord {
    NewRecord::new(idle_ttl, lifetime, Bytes::from_static(b"{}"))
}

async fn login(store: &RedisStore, idle_ttl: Duration, lifetime: Duration) -> SessionId {
    let id = SessionId::random().unwrap();
    let made = store.create(&jeju(), &id, &record(idle_ttl, lifetime)).await.unwrap();
    assert!(matches!(made, Created::Created(_)));
    id
}

async fn lives(store: &RedisStore, id: &SessionId) -> bool {
    store.load(&jeju(), id, None).await.unwrap().is_some()
}

async fn touch(
    store: &RedisStore,
    id: &SessionId,
    extend_below: Duration,
) -> Result<Touched, StoreError> {
    let touch = Touch::new(jeju(), id.clone(), Duration::ZERO, extend_below);
    store.touch(&[touch]).await.map(|touched| touched[0])
}

fn kind<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

fn minutes(millis: i64) -> i64 {
    (millis + 30_000) / 60_000
}

#[tokio::test]
async fn the_keys_live_as_long_as_the_sessions_and_are_never_shortened() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let ttl = async |key: &str| minutes(server.number(&["PTTL", key]).await);

    let first = login(&store, HOUR, 24 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "2 x idle TTL");
    login(&store, HOUR / 60, 24 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "a short one lowers nothing");
    login(&store, HOUR * 3 / 2, 3 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (120, 120), "enough is left");
    login(&store, 3 * HOUR, 4 * HOUR).await;
    assert_eq!((ttl(LIVE).await, ttl(SEEN).await), (240, 240), "at most its absolute deadline");

    // Less than the idle TTL left: the touch raises both, and leaves them alone the next time.
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

    // Somebody took the TTL away: it comes back, and cuts no session short.
    server.command(&["PERSIST", LIVE]).await;
    let brief = login(&store, Duration::from_secs(1), Duration::from_secs(1)).await;
    assert!((60..=180).contains(&ttl(LIVE).await), "{}", ttl(LIVE).await);

    // An update keeps it.
    store.update(&jeju(), &first, 1, Bytes::from_static(b"new")).await.unwrap();
    assert!(ttl(LIVE).await >= 60);

    // Tombstones: as long as the token could be shown, a day at most.
    store.delete(&jeju(), &brief, EndReason::Logout).await.unwrap();
    store.delete(&jeju(), &first, EndReason::Logout).await.unwrap();
    assert_eq!(ttl(GONE).await, 24 * 60);
    let long = login(&store, 48 * HOUR, 480 * HOUR).await;
    store.delete(&jeju(), &long, EndReason::Logout).await.unwrap();
    assert_eq!(ttl(GONE).await, 24 * 60);
}

#[tokio::test]
async fn abandoned_users_leave_nothing_behind() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(100);
    login(&store, short, 2 * short).await;
    let ended = login(&store, short, 2 * short).await;
    store.delete(&jeju(), &ended, EndReason::Logout).await.unwrap();
    tokio::time::sleep(4 * short).await;
    for key in [LIVE, SEEN, GONE] {
        assert_eq!(server.number(&["EXISTS", key]).await, 0, "{key}");
    }
}

#[tokio::test]
async fn a_login_prunes_what_has_ended_and_nothing_else() {
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
async fn the_login_guard_is_no_tombstone() {
    let server = RedisServer::start().await;
    let store = store(&server);
    server.command(&["HSET", GONE, "#", "random-value"]).await;
    for _ in 0..70 {
        let id = login(&store, HOUR, HOUR).await;
        store.delete(&jeju(), &id, EndReason::Logout).await.unwrap();
    }
    assert_eq!(server.text(&["HGET", GONE, "#"]).await.as_deref(), Some("random-value"));
    assert_eq!(server.number(&["HLEN", GONE]).await, 65);
    assert!(minutes(server.number(&["PTTL", GONE]).await) >= 24 * 60 - 1);
}

#[tokio::test]
async fn an_operator_can_log_a_user_out() {
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
        // A missing `seen` shows when the bound has passed that is known; a missing `live` at once.
        assert_eq!(lives(&store, &id).await, key == SEEN, "{key}");
        assert!(!store.delete(&jeju(), &id, EndReason::Logout).await.unwrap(), "{key}");
        assert!(!lives(&store, &id).await, "{key}");
        assert!(known.idle_deadline > store.now());
    }
}

#[tokio::test]
async fn a_load_is_one_command_and_a_touch_leaves_the_record_alone() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, 24 * HOUR).await;
    let record = server.text(&["HGET", LIVE, id.as_str()]).await;
    server.command(&["CONFIG", "RESETSTAT"]).await;
    assert!(lives(&store, &id).await);
    let stats = server.text(&["INFO", "commandstats"]).await.unwrap();
    assert!(stats.contains("cmdstat_hget:calls=1,"), "{stats}");

    server.command(&["CONFIG", "RESETSTAT"]).await;
    touch(&store, &id, Duration::MAX).await.unwrap();
    let stats = server.text(&["INFO", "commandstats"]).await.unwrap();
    assert!(stats.contains("cmdstat_hset:calls=1,"), "{stats}");
    assert!(!stats.contains("expire"), "{stats}");
    assert_eq!(server.text(&["HGET", LIVE, id.as_str()]).await, record);
}

#[tokio::test]
async fn a_touch_invalidates_nobody_and_a_logout_everybody() {
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
    assert!(pushed.try_recv().is_err(), "a touch must not invalidate what was read");
    store.delete(&jeju(), &id, EndReason::Logout).await.unwrap();
    redis::cmd("PING").exec_async(&mut near).await.unwrap();
    assert_eq!(pushed.try_recv().unwrap().kind, redis::PushKind::Invalidate);
}

#[tokio::test]
async fn scripts_that_were_flushed_are_loaded_again() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    let flush = async || server.command(&["SCRIPT", "FLUSH"]).await;
    flush().await;
    let other = login(&store, HOUR, HOUR).await;
    flush().await;
    let unknown = SessionId::parse("unknown").unwrap();
    let touches = [&id, &unknown, &other]
        .map(|id| Touch::new(jeju(), id.clone(), Duration::ZERO, Duration::ZERO));
    let touched = store.touch(&touches).await.unwrap();
    assert!(matches!(touched[..], [Touched::Lives(_), Touched::Ended, Touched::Lives(_)]));
    flush().await;
    let updated = store.update(&jeju(), &id, 1, Bytes::new()).await.unwrap();
    assert_eq!(updated, Updated::Written(2));
    flush().await;
    assert!(store.delete(&jeju(), &id, EndReason::Logout).await.unwrap());
    flush().await;
    assert_eq!(store.delete_all(&jeju(), EndReason::Admin).await.unwrap(), [other]);
}

#[tokio::test]
async fn a_read_survives_a_killed_connection() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    for _ in 0..20 {
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]).await;
        assert!(lives(&store, &id).await);
        assert!(store.activity(&jeju(), &id).await.unwrap().is_some());
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]).await;
        tokio::task::yield_now().await;
        store.upkeep().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_at_once_and_back_by_itself() {
    let mut server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    server.stop();
    for _ in 0..3 {
        let start = Instant::now();
        let refused = store.load(&jeju(), &id, None).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
        // No waiting for a time-out: the refusal itself is the answer.
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(
            refused.source().unwrap().to_string().contains("refused"),
            "{:?}",
            refused.source()
        );
    }
    assert_eq!(
        kind(store.delete(&jeju(), &id, EndReason::Logout).await),
        StoreErrorKind::Unavailable
    );
    assert_eq!(kind(touch(&store, &id, HOUR).await), StoreErrorKind::Unavailable);
    assert_eq!(kind(store.check().await), StoreErrorKind::Unavailable);
    server.restart().await;
    // Emptied: old sessions are dead, new ones work.
    assert!(!lives(&store, &id).await);
    let new = login(&store, HOUR, HOUR).await;
    assert!(lives(&store, &new).await);
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_within_the_limit() {
    let server = RedisServer::start().await;
    let limit = Duration::from_millis(250);
    let builder = RedisStore::builder(server.url().as_str()).timeout(limit);
    let store = builder.build().unwrap();
    let id = login(&store, HOUR, HOUR).await;
    server.pause();
    let user = jeju();
    for _ in 0..4 {
        let start = Instant::now();
        let answers = tokio::join!(
            store.load(&user, &id, None),
            store.load(&user, &id, None),
            store.load(&user, &id, None)
        );
        for answer in [answers.0, answers.1, answers.2] {
            assert_eq!(kind(answer), StoreErrorKind::Unavailable);
        }
        // Twice the limit is for the machine, not for the store.
        assert!(start.elapsed() < 2 * limit, "{:?}", start.elapsed());
    }
    server.resume();
    let deadline = Instant::now() + Duration::from_secs(5);
    while store.load(&jeju(), &id, None).await.is_err() {
        assert!(Instant::now() < deadline, "no recovery");
    }
    assert!(lives(&store, &id).await);
}

#[tokio::test]
async fn a_connection_that_answers_nothing_is_replaced_even_if_only_callers_give_up() {
    // A host that vanished without a word: packets go nowhere, the socket stays open.
    let server = RedisServer::start().await;
    let builder = RedisStore::builder(server.url().as_str()).pool_size(1);
    let store = builder.timeout(Duration::from_millis(400)).build().unwrap();
    let id = login(&store, HOUR, HOUR).await;
    let connected = async || {
        let list = server.text(&["CLIENT", "LIST", "TYPE", "NORMAL"]).await.unwrap();
        let line =
            list.lines().find(|line| line.contains("cmd=hget") || line.contains("cmd=evalsha"));
        line.and_then(|line| line.split(' ').next()).map(str::to_owned)
    };
    assert!(lives(&store, &id).await);
    let before = connected().await;
    server.pause();
    let given_up =
        tokio::time::timeout(Duration::from_millis(250), store.load(&jeju(), &id, None)).await;
    assert!(given_up.is_err());
    server.resume();
    assert!(lives(&store, &id).await);
    assert!(before.is_some());
    assert_ne!(connected().await, before);
}

#[tokio::test]
async fn a_wrong_password_is_unavailable_and_shown_nowhere() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    for url in [
        format!("redis://:wrong-secret@127.0.0.1:{}/", server.port()),
        format!("redis://nobody:wrong-secret@127.0.0.1:{}/", server.port()),
        format!("redis://127.0.0.1:{}/", server.port()),
    ] {
        let store =
            RedisStore::builder(url.as_str()).timeout(Duration::from_secs(3)).build().unwrap();
        let start = Instant::now();
        let refused = store.check().await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable, "{url}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let source = refused.source().unwrap();
        let shown = format!("{store:?} {refused} {refused:?} {source} {source:?}");
        assert!(!shown.contains("wrong-secret") && !shown.contains("127.0.0.1"), "{shown}");
        assert_eq!(kind(store.health().await), StoreErrorKind::Unavailable);
        let id = SessionId::random().unwrap();
        assert_eq!(kind(store.load(&jeju(), &id, None).await), StoreErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_missing_permission_is_unsupported_at_the_start() {
    let server = RedisServer::start().await;
    server.command(&["ACL", "SETUSER", "app", "on", ">p", "~session:*", "+@all", "-evalsha"]).await;
    server.command(&["ACL", "SETUSER", "none", "on", ">p", "~session:*", "+hget"]).await;
    let store = |user: &str| {
        let url = format!("redis://{user}:p@127.0.0.1:{}/", server.port());
        RedisStore::builder(url.as_str()).timeout(Duration::from_secs(3)).build().unwrap()
    };
    assert_eq!(kind(store("none").check().await), StoreErrorKind::Unsupported);
    let id = SessionId::random().unwrap();
    let made = store("app").create(&jeju(), &id, &record(HOUR, HOUR)).await;
    assert_eq!(kind(made), StoreErrorKind::Unsupported);
}

#[tokio::test]
async fn a_full_server_refuses_logins_and_still_logs_out() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    let other = login(&store, HOUR, HOUR).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let new = SessionId::random().unwrap();
    let made = store.create(&jeju(), &new, &record(HOUR, HOUR)).await;
    assert_eq!(kind(made), StoreErrorKind::WriteRefused);
    assert_eq!(kind(touch(&store, &id, Duration::MAX).await), StoreErrorKind::WriteRefused);
    let updated = store.update(&jeju(), &id, 1, Bytes::new()).await;
    assert_eq!(kind(updated), StoreErrorKind::WriteRefused);
    assert!(lives(&store, &id).await);
    assert!(store.activity(&jeju(), &id).await.unwrap().is_some());
    assert!(store.delete(&jeju(), &id, EndReason::Logout).await.unwrap());
    assert!(!lives(&store, &id).await);
    assert_eq!(store.ended(&jeju(), &id).await.unwrap(), Some(EndReason::Logout));
    assert_eq!(store.delete_all(&jeju(), EndReason::LogoutAll).await.unwrap(), [other]);
}

#[tokio::test]
async fn a_replica_refuses_writes_and_still_answers() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    // A primary that is not there: this server keeps its data and becomes read-only.
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    for _ in 0..2 {
        let new = SessionId::random().unwrap();
        let made = store.create(&jeju(), &new, &record(HOUR, HOUR)).await;
        assert_eq!(kind(made), StoreErrorKind::WriteRefused);
        let deleted = store.delete(&jeju(), &id, EndReason::Logout).await;
        assert_eq!(kind(deleted), StoreErrorKind::WriteRefused);
        let all = store.delete_all(&jeju(), EndReason::Logout).await;
        assert_eq!(kind(all), StoreErrorKind::WriteRefused);
        assert_eq!(kind(touch(&store, &id, Duration::MAX).await), StoreErrorKind::WriteRefused);
        assert!(lives(&store, &id).await);
    }
    assert_eq!(store.check().await.unwrap().role, "replica");
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert!(store.delete(&jeju(), &id, EndReason::Logout).await.unwrap());
}

#[tokio::test]
async fn too_few_replicas_refuse_writes() {
    let server = RedisServer::start_with(&["--min-replicas-to-write", "1"]).await;
    let store = store(&server);
    let new = SessionId::random().unwrap();
    let made = store.create(&jeju(), &new, &record(HOUR, HOUR)).await;
    assert_eq!(kind(made), StoreErrorKind::WriteRefused);
    assert!(!lives(&store, &new).await);
}

#[tokio::test]
async fn an_unreadable_record_is_refused_and_can_be_deleted() {
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
        // It must not keep the others of its batch from being touched.
        let touches =
            [&bad, &good].map(|id| Touch::new(jeju(), id.clone(), Duration::ZERO, Duration::MAX));
        let touched = store.touch(&touches).await.unwrap();
        assert!(matches!(touched[..], [Touched::Ended, Touched::Lives(_)]), "{foreign}");
        assert_eq!(server.text(&["HGET", LIVE, bad.as_str()]).await.as_deref(), Some(foreign));
        let made = store.create(&jeju(), &bad, &record(HOUR, HOUR)).await.unwrap();
        assert_eq!(made, Created::AlreadyExists, "{foreign}");

        assert!(!store.delete(&jeju(), &bad, EndReason::Logout).await.unwrap(), "{foreign}");
        assert!(!lives(&store, &bad).await, "{foreign}");
        server.command(&["HSET", LIVE, bad.as_str(), foreign]).await;
        assert_eq!(
            store.delete_all(&jeju(), EndReason::Logout).await.unwrap(),
            [good],
            "{foreign}"
        );
        assert_eq!(server.number(&["EXISTS", LIVE, SEEN]).await, 0, "{foreign}");
    }
}

#[tokio::test]
async fn a_damaged_seen_field_is_no_endless_session() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let short = Duration::from_millis(50);
    let id = login(&store, short, HOUR).await;
    server.command(&["HSET", SEEN, id.as_str(), "never"]).await;
    server.command(&["PERSIST", LIVE]).await;
    server.command(&["PERSIST", SEEN]).await;
    tokio::time::sleep(2 * short).await;
    assert_eq!(kind(store.load(&jeju(), &id, None).await), StoreErrorKind::Unreadable);
    assert_eq!(touch(&store, &id, HOUR).await.unwrap(), Touched::Ended);
    assert!(!store.delete(&jeju(), &id, EndReason::Logout).await.unwrap());
}

#[tokio::test]
async fn keys_of_a_wrong_type_are_unreadable_and_a_logout_of_all_clears_them() {
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
        assert_eq!(kind(store.delete(&jeju(), &id, EndReason::Logout).await), unreadable, "{key}");
        assert_eq!(touch(&store, &id, HOUR).await.unwrap(), Touched::Ended, "{key}");
        assert!(store.delete_all(&jeju(), EndReason::Logout).await.unwrap().is_empty(), "{key}");
        assert_eq!(server.number(&["EXISTS", LIVE, SEEN]).await, 0, "{key}");
    }
    server.command(&["SET", LIVE, "text"]).await;
    assert_eq!(kind(store.load(&jeju(), &id, None).await), unreadable);
    server.command(&["SET", GONE, "text"]).await;
    assert_eq!(kind(store.ended(&jeju(), &id).await), unreadable);
}

#[tokio::test]
async fn only_the_servers_clock_decides() {
    let server = RedisServer::start().await;
    let store = store(&server);
    // Nothing is known before the first contact, least of all from this host.
    assert_eq!(store.now().as_millis(), 0);
    store.check().await.unwrap();
    let time: Vec<i64> = redis::from_redis_value(server.command(&["TIME"]).await).unwrap();
    let apart = (store.now().as_millis() - (time[0] * 1_000 + time[1] / 1_000)).abs();
    assert!(apart < 1_000, "{apart} ms");
    // Deadlines written on the server's clock end a session there.
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
fn the_store_never_reads_the_hosts_wall_clock() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/redis");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let source = std::fs::read_to_string(&path).unwrap();
            for word in ["SystemTime", "SystemClock", "Utc::now", "Local::now"] {
                assert!(!source.contains(word), "{word} in {}", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_calls_never_mix_up_answers() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let mut payloads = HashMap::new();
    for i in 0..50 {
        let user = UserId::parse(&format!("user {i}")).unwrap();
        let id = SessionId::random().unwrap();
        let payload = Bytes::from(format!("payload of {i}"));
        let new = NewRecord::new(HOUR, HOUR, payload.clone());
        store.create(&user, &id, &new).await.unwrap();
        payloads.insert((user, id), payload);
    }
    let mut cancelled = 0;
    for turn in 0..40_u64 {
        for ((user, id), payload) in &payloads {
            let wait = Duration::from_micros(turn * 7 % 90);
            let load = store.load(user, id, None);
            match tokio::time::timeout(wait, load).await {
                Ok(found) => assert_eq!(found.unwrap().unwrap().payload, payload),
                Err(_) => cancelled += 1,
            }
        }
        for ((user, id), payload) in &payloads {
            let found = store.load(user, id, None).await.unwrap().unwrap();
            assert_eq!(found.payload, payload);
        }
    }
    assert!(cancelled > 100, "{cancelled}");
}

#[tokio::test]
async fn stores_of_two_prefixes_and_two_databases_do_not_meet() {
    let server = RedisServer::start().await;
    let one = store(&server);
    let url = server.url();
    let two = RedisStore::builder(url.as_str()).prefix("other").build().unwrap();
    let three = RedisStore::new(&format!("{url}3")).unwrap();
    let id = login(&one, HOUR, HOUR).await;
    for other in [&two, &three] {
        assert!(!lives(other, &id).await);
        assert!(other.delete_all(&jeju(), EndReason::Admin).await.unwrap().is_empty());
    }
    assert!(lives(&one, &id).await);
    assert!(
        matches!(server.command(&["KEYS", "session:*"]).await, Value::Array(keys) if keys.len() == 2)
    );
}

#[tokio::test]
async fn a_check_names_the_server() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let info = store.check().await.unwrap();
    assert_eq!((info.name.as_str(), info.role.as_str()), ("redis", "master"));
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{}", info.version);
    assert_eq!(store.health().await.unwrap().version, Some(info.version));
    assert_eq!(store.kind(), "redis");
}
