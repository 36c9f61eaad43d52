//! Session limits in Redis: which sessions are evicted, what remains of them, and what an eviction
//! costs.

use std::num::NonZeroU32;
use std::time::Duration;

use tower_session_auth::error::SessionError;
use tower_session_auth::store::{
    Created, NewRecord, Opened, RedisStore, Replacement, ScanSessions, SessionLimit, SessionStore,
    UpdatedAll, WhenFull,
};
use tower_session_auth::{NewSession, RevokeReason, SessionId, Target};

use crate::redis_store::{GONE, HOUR, LIVE, SEEN, jeju, login, record, store};
use crate::support::builder;
use crate::support::commands::Commands;
use crate::support::redis::RedisServer;

fn limited(max: u32, when_full: WhenFull) -> NewRecord {
    let mut new = record(HOUR, 24 * HOUR);
    new.limit = Some(SessionLimit::new(NonZeroU32::new(max).unwrap(), when_full));
    new
}

async fn evicting(store: &RedisStore, max: u32) -> Opened {
    let new = limited(max, WhenFull::EvictLeastRecentlyActive);
    match store.create(&jeju(), &SessionId::random().unwrap(), &new).await.unwrap() {
        Created::Created(opened) => opened,
        other => panic!("{other:?}"),
    }
}

/// Writes a session to Redis. `created` and `used` are the times of its creation and its last
/// activity.
async fn put(server: &RedisServer, id: &str, created: i64, used: i64) {
    let far = 99_999_999_999_999_i64;
    server.command(&["HSET", LIVE, id, &format!("1 1 {created} 1000 {far}\n{{}}")]).await;
    server.command(&["HSET", SEEN, id, &format!("{far}:{used}")]).await;
}

fn ids(names: &[&str]) -> Vec<SessionId> {
    names.iter().map(|name| SessionId::parse(name).unwrap()).collect()
}

#[tokio::test]
async fn eviction_takes_the_oldest_session_among_those_with_equal_activity() {
    let server = RedisServer::start().await;
    let store = store(&server);
    for (id, created, used) in
        [("e", 50, 900), ("d", 40, 900), ("c", 30, 900), ("b", 30, 900), ("a", 99, 1_000)]
    {
        put(&server, id, created, used).await;
    }
    put(&server, "z", 1_000, 800).await;
    assert_eq!(evicting(&store, 6).await.evicted, ids(&["z"]));
    assert_eq!(evicting(&store, 3).await.evicted, ids(&["b", "c", "d", "e"]));
    assert_eq!(evicting(&store, 3).await.evicted, ids(&["a"]));
}

#[tokio::test]
async fn eviction_leaves_only_a_tombstone() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let first = login(&store, HOUR, 2 * HOUR).await;
    let absolute = store.load(&jeju(), &first, None).await.unwrap().unwrap().absolute_deadline;
    assert_eq!(evicting(&store, 1).await.evicted, std::slice::from_ref(&first));
    for key in [LIVE, SEEN] {
        assert_eq!(server.number(&["HLEN", key]).await, 1, "{key}");
        assert_eq!(server.number(&["HEXISTS", key, first.as_str()]).await, 0, "{key}");
    }
    let stone = server.text(&["HGET", GONE, first.as_str()]).await.unwrap();
    assert_eq!(stone, format!("evicted:{}", absolute.as_millis()));
    assert_eq!(server.number(&["PEXPIRETIME", GONE]).await, absolute.as_millis());
}

#[tokio::test]
async fn unreadable_records_are_evicted_like_others() {
    let server = RedisServer::start().await;
    let store = store(&server);
    put(&server, "old", 10, 10).await;
    server.command(&["HSET", LIVE, "old", "2 a record of another version"]).await;
    put(&server, "new", 20, 20).await;
    assert_eq!(evicting(&store, 2).await.evicted, ids(&["old"]));
    let stone = store.revoke_reason(&jeju(), &ids(&["old"])[0]).await.unwrap();
    assert_eq!(stone, Some(RevokeReason::Evicted), "its token may be shown for a day");
    // The store cannot tell whether this session is live. It therefore keeps the session, but does
    // not count it towards the limit.
    server.command(&["HSET", SEEN, "new", "never"]).await;
    assert_eq!(evicting(&store, 2).await.evicted, []);
    assert_eq!(server.text(&["HGET", SEEN, "new"]).await.as_deref(), Some("never"));
    // A login that evicts removes a field that the store did not write.
    put(&server, "no session's name", 10, 10).await;
    assert_eq!(evicting(&store, 3).await.evicted, []);
    assert_eq!(server.number(&["HEXISTS", LIVE, "no session's name"]).await, 0);
}

/// Returns the commands that Redis runs during `work`, each with its number of calls.
async fn commands(server: &RedisServer, work: impl Future<Output = ()>) -> Vec<String> {
    server.command(&["CONFIG", "RESETSTAT"]).await;
    work.await;
    let commands = Commands::of(server).await;
    commands.all().map(|(name, calls)| format!("{name} {calls}")).collect()
}

#[tokio::test]
async fn session_limit_that_is_not_reached_costs_no_command() {
    let server = RedisServer::start().await;
    let store = store(&server);
    for _ in 0..10 {
        login(&store, HOUR, 24 * HOUR).await;
    }
    let without = commands(&server, async { drop(login(&store, HOUR, 24 * HOUR).await) }).await;
    let with = commands(&server, async { drop(evicting(&store, 100).await) }).await;
    assert_eq!(with, without);
    let expected =
        ["evalsha 1", "hgetall 1", "hkeys 1", "hlen 1", "hmget 1", "hset 2", "pttl 2", "time 1"];
    assert_eq!(with, expected);
}

/// Writes the sessions `s0`, `s1` and so on to Redis. Their last activities have the same order.
async fn put_many(server: &RedisServer, numbers: std::ops::Range<usize>) {
    let far = 99_999_999_999_999_i64;
    let mut fill = redis::pipe();
    for i in numbers {
        let id = format!("s{i}");
        fill.cmd("HSET").arg(LIVE).arg(&id).arg(format!("1 1 {i} 1000 {far}\n{{}}")).ignore();
        fill.cmd("HSET").arg(SEEN).arg(&id).arg(format!("{far}:{i}")).ignore();
    }
    for key in [LIVE, SEEN] {
        fill.cmd("PEXPIREAT").arg(key).arg(far).ignore();
    }
    fill.exec_async(&mut server.connection().await).await.unwrap();
}

/// Measures the cost of a login's script by the commands that the script runs. None of these
/// commands reads all fields of a hash.
#[tokio::test]
async fn login_cost_does_not_grow_with_the_number_of_sessions() {
    let server = RedisServer::start().await;
    let store = store(&server);
    // The first commands of a connection are not part of the cost of a login.
    login(&store, HOUR, 24 * HOUR).await;
    let mut held = 0;
    for many in [200, 1_000, 5_000] {
        put_many(&server, held..many).await;
        held = many;
        for unlimited in [true, false] {
            let commands = commands(&server, async {
                if unlimited {
                    drop(login(&store, HOUR, 24 * HOUR).await);
                } else {
                    assert_eq!(evicting(&store, 10_000).await.evicted, []);
                }
            });
            let expected =
                ["evalsha 1", "hget 1", "hlen 1", "hmget 1", "hset 2", "pttl 2", "time 1"];
            assert_eq!(commands.await, expected, "with {many} sessions");
        }
    }
}

/// With `session_limit(0)`, the manager applies the hard limit. At this limit, a login first
/// removes expired sessions. If there are none, it evicts enough sessions to make room for the next
/// hundred logins.
#[tokio::test]
async fn at_the_hard_limit_one_login_in_a_hundred_reads_all_sessions() {
    const HARD: usize = 10_000;
    let server = RedisServer::start().await;
    let store = store(&server);
    put_many(&server, 0..HARD).await;
    for ended in ["s7000", "s9998"] {
        server.command(&["HSET", SEEN, ended, "5:5"]).await;
    }
    let manager = builder().store(store.clone()).store_timeout(Duration::from_secs(10));
    let manager = manager.session_limit(0).build().unwrap().0;
    let surveys = async |logins: usize| {
        let before = Commands::of(&server).await;
        for _ in 0..logins {
            manager.create(NewSession::new(jeju())).await.unwrap();
        }
        before.since(&server).await.calls("hgetall")
    };
    assert_eq!(surveys(1).await, 1, "the login reads all sessions");
    assert_eq!(
        server.number(&["HLEN", LIVE]).await,
        9_999,
        "the expired sessions made room for two"
    );
    for ended in ["s7000", "s9998"] {
        assert_eq!(server.number(&["HEXISTS", LIVE, ended]).await, 0, "{ended}");
    }
    assert_eq!(surveys(1).await, 0);
    assert_eq!(server.number(&["HLEN", LIVE]).await, 10_000, "no session was evicted");
    // An eviction reads all tombstones of the user as well. It keeps 64 of them.
    assert!(surveys(1).await <= 2);
    assert_eq!(server.number(&["HLEN", LIVE]).await, 9_901, "100 sessions were evicted");
    for (id, lives) in [("s0", 0), ("s99", 0), ("s100", 1)] {
        assert_eq!(server.number(&["HEXISTS", LIVE, id]).await, lives, "{id}");
    }
    assert_eq!(surveys(99).await, 0, "the next 99 logins do not read all sessions");
    assert_eq!(server.number(&["HLEN", LIVE]).await, 10_000);
    let refusing = builder().store(store.clone()).store_timeout(Duration::from_secs(10));
    let refusing = refusing.session_limit(0).when_full(WhenFull::Refuse).build().unwrap().0;
    let refused = refusing.create(NewSession::new(jeju())).await.unwrap_err();
    assert!(matches!(refused, SessionError::LimitReached), "{refused:?}");
}

#[tokio::test]
async fn refused_login_writes_nothing() {
    let server = RedisServer::start().await;
    let store = store(&server);
    login(&store, HOUR, HOUR).await;
    let refused = commands(&server, async {
        let new = limited(1, WhenFull::Refuse);
        let made = store.create(&jeju(), &SessionId::random().unwrap(), &new).await.unwrap();
        assert_eq!(made, Created::LimitReached);
    });
    assert_eq!(refused.await, ["evalsha 1", "hgetall 1", "hkeys 1", "hlen 1", "hmget 1", "time 1"]);
}

#[tokio::test]
async fn operations_work_for_a_user_with_ten_thousand_sessions() {
    const MANY: usize = 10_000;
    let server = RedisServer::start().await;
    let store = store(&server);
    let far = 99_999_999_999_999_i64;
    let mut fill = redis::pipe();
    for i in 0..MANY {
        let id = format!("s{i}");
        fill.cmd("HSET").arg(LIVE).arg(&id).arg(format!("1 1 {i} 1000 {far}\n{{}}")).ignore();
        fill.cmd("HSET").arg(SEEN).arg(&id).arg(format!("{far}:{i}")).ignore();
    }
    fill.exec_async(&mut server.connection().await).await.unwrap();
    let list = store.list(&jeju()).await.unwrap();
    assert_eq!(list.len(), MANY);
    let new: Vec<_> = list
        .into_iter()
        .map(|old| Replacement::new(old.id, old.record.revision, old.record.payload))
        .collect();
    assert_eq!(store.update_all(&jeju(), &new).await.unwrap(), UpdatedAll::Written);
    assert_eq!(store.update_all(&jeju(), &new).await.unwrap(), UpdatedAll::Conflict);
    let mut from = None;
    let mut shown = 0;
    loop {
        let page = store.scan(from.as_ref(), 999).await.unwrap().unwrap();
        shown += page.sessions.len();
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(shown, MANY, "each session is listed once");
    let evicted = evicting(&store, 5_001).await.evicted;
    assert_eq!(evicted.len(), 5_000);
    assert_eq!((evicted[0].as_str(), evicted[4_999].as_str()), ("s0", "s4999"));
    assert_eq!(server.number(&["HLEN", GONE]).await, 65, "64 tombstones and the login fence");
    let kept = SessionId::parse("s9999").unwrap();
    let ended = store
        .revoke(&jeju(), &Target::AllExcept(kept.clone()), RevokeReason::LogoutAll)
        .await
        .unwrap()
        .sessions;
    assert_eq!(ended.len(), 5_000);
    for key in [LIVE, SEEN] {
        assert_eq!(server.number(&["HLEN", key]).await, 1, "{key}");
    }
    assert_eq!(server.number(&["HLEN", GONE]).await, 65);
}
