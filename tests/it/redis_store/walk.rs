//! Lists, scans and cleanups of the sessions in Redis. They use a separate connection.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tower_session_auth::store::{
    Created, Listed, NewRecord, RedisStore, Replacement, ScanCursor, ScanSessions, SessionStore,
    StoreErrorKind, UpdatedAll,
};
use tower_session_auth::{SessionId, UserId};

use crate::redis_store::{HOUR, LIVE, SEEN, jeju, kind, lives, login, record, store, touch};
use crate::support::redis::RedisServer;
use crate::support::wait::{until, while_nothing_answers};
use crate::support::{UNHURRIED, ms};

const FAR: &str = "99999999999999";

async fn scan_all(store: &RedisStore, limit: usize) -> (Vec<Listed>, usize) {
    let (mut shown, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let page = store.scan(from.as_ref(), limit).await.unwrap().unwrap();
        shown.extend(page.sessions);
        pages += 1;
        from = page.next;
        if from.is_none() {
            return (shown, pages);
        }
    }
}

async fn clean_up(store: &RedisStore) -> u64 {
    let (mut count, mut from) = (0, None);
    loop {
        let step = store.cleanup(from.as_ref()).await.unwrap().unwrap();
        count += step.count;
        from = step.next;
        if from.is_none() {
            return count;
        }
    }
}

async fn create_users(store: &RedisStore, users: usize) {
    for i in 0..users {
        let owner = UserId::parse(&format!("u{i}")).unwrap();
        let id = SessionId::random().unwrap();
        let made = store.create(&owner, &id, &record(HOUR, HOUR)).await.unwrap();
        assert!(matches!(made, Created::Created(_)));
    }
}

#[tokio::test]
async fn lists_scans_and_cleanups_skip_foreign_keys_and_keep_them() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let good = login(&store, HOUR, HOUR).await;
    // Creates keys that are foreign because of their names or their contents.
    for key in
        ["session:{%41}:live", "session:{}:live", "session:{a}:b}:live", "session:{a b}:seen"]
    {
        server.command(&["HSET", key, "id", "1 1 1 1 1\n"]).await;
    }
    server.command(&["SET", "session:{text}:live", "text"]).await;
    server.command(&["SET", "session:{text}:seen", "text"]).await;
    server.command(&["SET", "session:{half}:seen", "text"]).await;
    server.command(&["HSET", "session:{half}:live", "id", "1 1 1 1 99999999999999\n"]).await;
    server.command(&["HSET", "session:{other-half}:seen", "id", "1:1"]).await;
    server.command(&["SET", "session:{other-half}:live", "text"]).await;
    let mut bytes = redis::cmd("HSET");
    bytes.arg(&b"session:{\xff}:live"[..]).arg("id").arg("1 1 1 1 1\n");
    bytes.exec_async(&mut server.connection().await).await.unwrap();
    // Adds foreign fields to a key of the store.
    for (field, value) in [("no session's name", "1 1 1 1 99999999999999\n"), ("bad", "2\n")] {
        server.command(&["HSET", LIVE, field, value]).await;
        server.command(&["HSET", SEEN, field, "99999999999999:1"]).await;
    }
    server.command(&["HSET", LIVE, "worse", "1 1 1 1 99999999999999\n"]).await;
    server.command(&["HSET", SEEN, "worse", "never"]).await;
    let keys = server.number(&["DBSIZE"]).await;
    for limit in [1, 3, 1_000] {
        let (shown, _) = scan_all(&store, limit).await;
        let shown: Vec<_> = shown.iter().map(|shown| (shown.user.as_str(), &shown.id)).collect();
        assert_eq!(shown, [("jeju", &good)], "{limit}");
    }
    let list = store.list(&jeju()).await.unwrap();
    assert!(list.iter().map(|listed| &listed.id).eq([&good]));
    let half = store.list(&UserId::parse("half").unwrap()).await;
    assert_eq!(kind(half), StoreErrorKind::Unreadable);
    assert_eq!(clean_up(&store).await, 0);
    assert_eq!(server.number(&["DBSIZE"]).await, keys, "a cleanup deletes no foreign key");
    assert_eq!(server.number(&["HLEN", LIVE]).await, 4);
    // While a session that the store cannot read may be live, the store cannot report that all
    // sessions were updated.
    for bad in ["bad", "worse"] {
        let new = Replacement::new(good.clone(), 1, Bytes::new());
        assert_eq!(kind(store.update_all(&jeju(), &[new]).await), StoreErrorKind::Unreadable);
        server.command(&["HDEL", LIVE, bad]).await;
    }
    let new = Replacement::new(good.clone(), 1, Bytes::new());
    assert_eq!(store.update_all(&jeju(), &[new]).await.unwrap(), UpdatedAll::Written);
}

#[tokio::test]
async fn cleanup_counts_each_deleted_session_once() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let kept = login(&store, HOUR, HOUR).await;
    let put = async |owner: &str, part: &str, fields: &[(&str, &str)]| {
        for (field, value) in fields {
            let key = format!("session:{{{owner}}}:{part}");
            server.command(&["HSET", &key, field, value]).await;
        }
    };
    let record = format!("1 1 1 1 {FAR}\n{{}}");
    let record = record.as_str();
    // Adds expired sessions beside a live session. They have both fields, or only one of them.
    put("jeju", "live", &[("a", record), ("b", record)]).await;
    put("jeju", "seen", &[("a", "1:1"), ("c", "99999999999999:1")]).await;
    // Adds users with only expired sessions, and users with only one of the two Redis keys.
    put("idle", "live", &[("a", record), ("b", record)]).await;
    put("idle", "seen", &[("a", "1:1"), ("b", "1:1")]).await;
    put("live-only", "live", &[("a", record)]).await;
    put("seen-only", "seen", &[("a", "99999999999999:1"), ("b", "1:1")]).await;
    assert_eq!(clean_up(&store).await, 3 + 2 + 1 + 2);
    let keys = server.command(&["KEYS", "*"]).await;
    let keys: HashSet<String> = redis::from_redis_value(keys).unwrap();
    assert_eq!(keys, HashSet::from([LIVE, SEEN].map(str::to_owned)));
    assert!(lives(&store, &kept).await);
    assert_eq!(clean_up(&store).await, 0);
}

async fn create_foreign_keys(server: &RedisServer) {
    let mut fill = redis::pipe();
    for i in 0..20_000 {
        fill.cmd("SET").arg(format!("other:{i}")).arg("x").ignore();
    }
    fill.exec_async(&mut server.connection().await).await.unwrap();
}

#[tokio::test]
async fn page_of_a_slow_scan_ends_before_all_keys_are_searched() {
    let server = RedisServer::start().await;
    let store = store(&server);
    create_foreign_keys(&server).await;
    // The store connects.
    store.scan(None, 10).await.unwrap().unwrap();
    server.pause();
    let resume = async {
        tokio::time::sleep(ms(100)).await;
        server.resume();
    };
    let (page, ()) = tokio::join!(store.scan(None, 10), resume);
    let page = page.unwrap().unwrap();
    assert!(page.sessions.is_empty() && page.next.is_some());
}

#[tokio::test]
async fn scan_through_foreign_keys_doubles_its_step_size() {
    let server = RedisServer::start().await;
    let store = store(&server);
    create_foreign_keys(&server).await;
    let mut monitor = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    monitor.write_all(b"MONITOR\r\n").await.unwrap();
    let mut lines = BufReader::new(monitor).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
    let (mut pages, mut from) = (0, None);
    loop {
        let page = store.scan(from.as_ref(), 10).await.unwrap().unwrap();
        assert!(page.sessions.is_empty());
        (pages, from) = (pages + 1, page.next);
        if from.is_none() {
            break;
        }
    }
    server.command(&["ECHO", "the end"]).await;
    let mut counts = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap()
        && !line.contains("ECHO")
    {
        if let Some((_, rest)) = line.split_once("\"COUNT\" \"") {
            counts.push(rest.split('"').next().unwrap().parse::<u32>().unwrap());
        }
    }
    // The number of steps per page depends on the machine. Within one page, each step is twice as
    // large as the previous step, up to 1,000.
    let begins = counts.iter().filter(|count| **count == 10).count();
    assert_eq!(begins, pages, "{counts:?}");
    for pair in counts.windows(2) {
        assert!(pair[1] == 10 || pair[1] == (pair[0] * 2).min(1_000), "{counts:?}");
    }
}

#[tokio::test]
async fn cursor_is_short_and_continues_where_its_page_ended() {
    let server = RedisServer::start().await;
    let store = store(&server);
    create_users(&store, 500).await;
    for limit in [1, 10, 100] {
        let (mut seen, mut from) = (HashSet::new(), None::<ScanCursor>);
        loop {
            // Each page starts at the cursor that the previous page has returned.
            let page = store.scan(from.as_ref(), limit).await.unwrap().unwrap();
            for shown in page.sessions {
                assert!(
                    seen.insert((shown.user, shown.id)),
                    "no key moves, so each session is listed once"
                );
            }
            from = page.next;
            let Some(next) = &from else { break };
            assert!(next.as_str().len() < 1_000, "{}", next.as_str());
        }
        assert_eq!(seen.len(), 500, "{limit}");
    }
}

#[tokio::test]
async fn requests_are_answered_during_a_long_pipeline_of_a_cleanup() {
    let server = RedisServer::start().await;
    let builder = RedisStore::builder(server.url().as_str()).pool_size(1);
    let store = builder.timeout(UNHURRIED).build().unwrap();
    create_users(&store, 1_500).await;
    let id = login(&store, HOUR, HOUR).await;
    let mut monitor = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    monitor.write_all(b"MONITOR\r\n").await.unwrap();
    let mut lines = BufReader::new(monitor).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
    // The commands in the order in which the server ran them. Each entry has the client and the
    // name of the command.
    let mut done: Vec<(String, String)> = Vec::new();
    let amid = |done: &[(String, String)]| {
        // Each pipeline starts after its own SCAN. Therefore only commands of other clients can run
        // between two scripts of one pipeline.
        let mut steps: Vec<_> = done.iter().map(|did| &*did.1).collect();
        steps.dedup();
        steps.windows(3).filter(|three| *three == ["EVALSHA", "HGET", "EVALSHA"]).count()
    };
    // The scheduler of the machine decides whether a load runs in the middle of a pipeline. If
    // loads had to wait for pipelines, no load would ever run there.
    until("a load is answered in the middle of a pipeline", async || {
        let loading = async {
            loop {
                assert!(lives(&store, &id).await);
            }
        };
        tokio::select! {
            _ = clean_up(&store) => {}
            () = loading => {}
        }
        server.command(&["ECHO", "the end"]).await;
        while let Some(line) = lines.next_line().await.unwrap() {
            let (_, rest) = line.split_once('[').unwrap();
            let (who, what) = rest.split_once("] \"").unwrap();
            match what.split('"').next().unwrap() {
                "ECHO" => break,
                what @ ("HGET" | "SCAN" | "EVALSHA") if who != "0 lua" => {
                    done.push((who.to_owned(), what.to_owned()));
                }
                _ => {}
            }
        }
        amid(&done) > 0
    })
    .await;
    let who = |what: &str| -> HashSet<&str> {
        done.iter().filter(|did| did.1 == what).map(|did| &*did.0).collect()
    };
    assert_eq!((who("SCAN").len(), who("HGET").len()), (1, 1));
    assert_eq!(who("SCAN"), who("EVALSHA"), "a cleanup uses one connection");
    assert_ne!(who("SCAN"), who("HGET"), "requests use another connection");
}

#[tokio::test]
async fn lists_scans_and_cleanups_have_a_timeout_of_their_own() {
    let server = RedisServer::start().await;
    let limit = Duration::from_secs(5);
    let builder = RedisStore::builder(server.url().as_str()).scan_timeout(limit);
    let store = builder.timeout(2 * limit).build().unwrap();
    login(&store, HOUR, HOUR).await;
    assert_eq!(scan_all(&store, 10).await.0.len(), 1);
    server.pause();
    let position = ScanCursor::new("c1,1");
    let user = jeju();
    let walks = async {
        tokio::join!(store.list(&user), store.scan(None, 10), store.cleanup(Some(&position)))
    };
    let ((list, page, step), took) = while_nothing_answers(walks).await;
    for refused in [kind(list), kind(page), kind(step)] {
        assert_eq!(refused, StoreErrorKind::Unavailable);
    }
    // Tokio's timers have a resolution of one millisecond.
    assert!(took <= limit + ms(10), "{took:?}");
    server.resume();
    until("the store recovers", async || store.list(&jeju()).await.is_ok()).await;
}

#[tokio::test]
async fn lists_and_scans_work_while_redis_refuses_writes() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    let expired = login(&store, HOUR, HOUR).await;
    server.command(&["HSET", SEEN, expired.as_str(), "1:1"]).await;
    let shows = async |what: &str| {
        let list = store.list(&jeju()).await.unwrap();
        assert!(list.iter().map(|listed| &listed.id).eq([&id]), "{what}");
        let (shown, _) = scan_all(&store, 10).await;
        assert!(shown.iter().map(|listed| &listed.id).eq([&id]), "{what}");
    };
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    shows("without replicas").await;
    assert_eq!(server.number(&["HLEN", LIVE]).await, 2, "a list prunes nothing");
    let refused = async {
        let mut from = None;
        loop {
            match store.cleanup(from.as_ref()).await {
                Ok(step) => from = Some(step.unwrap().next.unwrap()),
                Err(error) => return error.kind(),
            }
        }
    };
    assert_eq!(
        refused.await,
        StoreErrorKind::WriteRefused,
        "a cleanup fails if Redis refuses writes"
    );
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    // Deletion needs no memory.
    assert_eq!(clean_up(&store).await, 1);
    shows("out of memory").await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert!(touch(&store, &id, HOUR).await.is_ok());
}

#[tokio::test]
async fn list_heads_and_scan_heads_omit_the_application_data() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let data = "x".repeat(10_000);
    for payload in [
        // The first payload has the format that the manager writes. The second has the format of
        // older versions.
        format!("{{\"role\":\"user\",\n\"data\":\"{data}\"}}"),
        format!("{{\"role\":\"user\",\"data\":\"{data}\"}}"),
    ] {
        let new = NewRecord::new(HOUR, HOUR, payload.into());
        store.create(&jeju(), &SessionId::random().unwrap(), &new).await.unwrap();
    }
    let lengths = |listed: Vec<Listed>| {
        let mut lengths: Vec<_> = listed.iter().map(|listed| listed.record.payload.len()).collect();
        lengths.sort_unstable();
        lengths
    };
    let (head, old, new) = (16, 10_025, 10_026);
    assert_eq!(lengths(store.list(&jeju()).await.unwrap()), [old, new]);
    assert_eq!(lengths(store.list_heads(&jeju()).await.unwrap()), [head, old]);
    let page = store.scan_heads(None, 100).await.unwrap().unwrap();
    assert_eq!(lengths(page.sessions), [head, old]);
    let page = store.scan(None, 100).await.unwrap().unwrap();
    assert_eq!(lengths(page.sessions), [old, new]);
}
