//! Redis servers that refuse commands.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower_session_auth::store::{
    MaintainStore, RedisStore, Replacement, ScanSessions, SessionStore, StoreErrorKind,
};
use tower_session_auth::{RevokeReason, SessionId, Target};

use crate::redis_store::{HOUR, LIVE, jeju, kind, lives, login, record, store, touch};
use crate::support::UNHURRIED;
use crate::support::redis::RedisServer;
use crate::support::usable;

#[tokio::test]
async fn check_reports_the_name_role_and_version_of_the_server() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let info = usable(&store).await.unwrap();
    assert_eq!((info.name.as_str(), info.role.as_str()), ("redis", "master"));
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{}", info.version);
    assert_eq!(store.health().await.unwrap().version, Some(info.version));
    assert_eq!(store.kind(), "redis");
}

#[tokio::test]
async fn wrong_password_is_unavailable_and_appears_in_no_error() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    for url in [
        format!("redis://:wrong-secret@127.0.0.1:{}/", server.port()),
        format!("redis://nobody:wrong-secret@127.0.0.1:{}/", server.port()),
        format!("redis://127.0.0.1:{}/", server.port()),
    ] {
        let store = RedisStore::builder(url.as_str()).timeout(UNHURRIED).build().unwrap();
        let refused = usable(&store).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable, "{url}");
        let source = refused.source().unwrap();
        let shown = format!("{store:?} {refused} {refused:?} {source} {source:?}");
        assert!(!shown.contains("wrong-secret") && !shown.contains("127.0.0.1"), "{shown}");
        assert_eq!(kind(store.health().await), StoreErrorKind::Unavailable);
        let id = SessionId::random().unwrap();
        assert_eq!(kind(store.load(&jeju(), &id, None).await), StoreErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn missing_permission_is_unsupported() {
    let server = RedisServer::start().await;
    server.command(&["ACL", "SETUSER", "app", "on", ">p", "~session:*", "+@all", "-evalsha"]).await;
    server.command(&["ACL", "SETUSER", "inner", "on", ">p", "~session:*", "+@all", "-hset"]).await;
    server.command(&["ACL", "SETUSER", "keys", "on", ">p", "~other:*", "+@all"]).await;
    server.command(&["ACL", "SETUSER", "none", "on", ">p", "~session:*", "+hget"]).await;
    server.command(&["ACL", "SETUSER", "walk", "on", ">p", "~session:*", "+@all", "-scan"]).await;
    let store = |user: &str| {
        let url = format!("redis://{user}:p@127.0.0.1:{}/", server.port());
        RedisStore::builder(url.as_str()).timeout(UNHURRIED).build().unwrap()
    };
    for user in ["none", "walk"] {
        assert_eq!(kind(usable(&store(user)).await), StoreErrorKind::Unsupported, "{user}");
    }
    let id = SessionId::random().unwrap();
    for user in ["app", "inner", "keys"] {
        let made = store(user).create(&jeju(), &id, &record(HOUR, HOUR)).await;
        assert_eq!(kind(made), StoreErrorKind::Unsupported, "{user}");
    }
}

#[tokio::test]
async fn server_out_of_memory_refuses_logins_and_still_accepts_logouts() {
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
    let both = [&id, &other].map(|id| Replacement::new(id.clone(), 1, Bytes::new()));
    let updated = store.update_all(&jeju(), &both).await;
    assert_eq!(kind(updated), StoreErrorKind::WriteRefused);
    assert_eq!(store.login_fence(&jeju()).await.unwrap().value(), None, "nothing was changed");
    assert!(lives(&store, &id).await);
    assert!(store.activity(&jeju(), &id).await.unwrap().is_some());
    assert!(
        store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap().was_live()
    );
    assert!(!lives(&store, &id).await);
    assert_eq!(store.revoke_reason(&jeju(), &id).await.unwrap(), Some(RevokeReason::Logout));
    // Each revocation replaces the login fence, even if it removes no session.
    let mut login_fences = Vec::new();
    let last = std::slice::from_ref(&other);
    let but = Target::AllExcept(other.clone());
    for (target, expected) in [(but, &[][..]), (Target::All, last), (Target::All, &[])] {
        let revoked = store.revoke(&jeju(), &target, RevokeReason::LogoutAll).await.unwrap();
        assert_eq!(revoked.sessions, expected);
        login_fences.push(store.login_fence(&jeju()).await.unwrap());
    }
    assert!(
        login_fences[0].value().is_some()
            && login_fences[0] != login_fences[1]
            && login_fences[1] != login_fences[2]
    );
}

#[tokio::test]
async fn write_refused_by_a_read_only_server_closes_all_connections() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    scan_once(&store).await;
    // This server becomes a read-only replica of a primary that does not exist, and keeps its data.
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let new = SessionId::random().unwrap();
    let made = store.create(&jeju(), &new, &record(HOUR, HOUR)).await;
    // The second kind of error occurs if the connection had to check the role of the server again.
    assert!(matches!(kind(made), StoreErrorKind::WriteRefused | StoreErrorKind::NotPrimary));
    // Now every operation is refused. This includes operations on the connection for lists, on
    // which no write was sent.
    assert_every_operation_is_refused(&store, &id).await;
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert!(
        store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap().was_live()
    );
}

#[tokio::test]
async fn store_at_the_address_of_a_replica_refuses_every_operation() {
    let primary = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]).await;
    let id = login(&store(&primary), HOUR, HOUR).await;
    let port = primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    crate::support::wait::until("the replica has the session", async || {
        replica.number(&["EXISTS", LIVE]).await == 1
    })
    .await;
    assert_every_operation_is_refused(&store(&replica), &id).await;
}

async fn scan_once(store: &RedisStore) {
    store.scan(None, 10).await.unwrap();
}

/// Checks that every operation is refused as `NotPrimary`.
async fn assert_every_operation_is_refused(store: &RedisStore, id: &SessionId) {
    let not_primary = StoreErrorKind::NotPrimary;
    let new = SessionId::random().unwrap();
    for _ in 0..2 {
        assert_eq!(kind(store.load(&jeju(), id, None).await), not_primary);
        assert_eq!(kind(store.activity(&jeju(), id).await), not_primary);
        assert_eq!(kind(store.revoke_reason(&jeju(), id).await), not_primary);
        assert_eq!(kind(store.login_fence(&jeju()).await), not_primary);
        assert_eq!(kind(store.list(&jeju()).await), not_primary);
        assert_eq!(kind(store.scan(None, 10).await), not_primary);
        assert_eq!(kind(store.cleanup(None).await), not_primary);
        assert_eq!(kind(store.create(&jeju(), &new, &record(HOUR, HOUR)).await), not_primary);
        assert_eq!(kind(touch(store, id, Duration::MAX).await), not_primary);
        assert_eq!(kind(store.update(&jeju(), id, 1, Bytes::new()).await), not_primary);
        assert_eq!(
            kind(store.revoke(&jeju(), &Target::from(id), RevokeReason::Logout).await),
            not_primary
        );
        assert_eq!(
            kind(store.revoke(&jeju(), &Target::All, RevokeReason::Logout).await),
            not_primary
        );
        assert_eq!(kind(store.health().await), not_primary);
        assert_eq!(kind(store.upkeep().await), not_primary);
        assert_eq!(kind(usable(store).await), not_primary);
    }
}

#[tokio::test]
async fn writes_are_refused_with_too_few_replicas() {
    let server = RedisServer::start_with(&["--min-replicas-to-write", "1"]).await;
    let store = store(&server);
    let new = SessionId::random().unwrap();
    let made = store.create(&jeju(), &new, &record(HOUR, HOUR)).await;
    assert_eq!(kind(made), StoreErrorKind::WriteRefused);
    assert!(!lives(&store, &new).await);
}

/// A fake server that answers the handshake of each connection like a server of another version.
#[expect(clippy::disallowed_methods, reason = "a fake server that stops with the test's runtime")]
async fn fake_server(hello: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut seen, mut buffer) = (String::new(), [0; 4096]);
                let mut answered = [0; 3];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
                    let commands = [
                        ("$5\r\nHELLO\r\n", hello),
                        ("$4\r\nTIME\r\n", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n"),
                        ("$6\r\nSCRIPT\r\n", "$1\r\nx\r\n"),
                    ];
                    for ((command, answer), done) in commands.iter().zip(&mut answered) {
                        let asked = seen.matches(command).count();
                        socket.write_all(answer.repeat(asked - *done).as_bytes()).await.unwrap();
                        *done = asked;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn server_that_is_too_old_is_unsupported_and_errors_show_no_secret() {
    for hello in [
        "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.2.14\r\n",
        "%2\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n7.1.0\r\n",
        "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `hunter2`\r\n",
        "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'hunter2'\r\n",
    ] {
        let port = fake_server(hello).await;
        let url = format!("redis://:hunter2@127.0.0.1:{port}/");
        let store = RedisStore::builder(url.as_str()).timeout(UNHURRIED).build().unwrap();
        let refused = usable(&store).await.unwrap_err();
        let source = refused.source().unwrap();
        let shown = format!("{refused} {refused:?} {source} {source:?}");
        assert_eq!(refused.kind(), StoreErrorKind::Unsupported, "{hello}: {shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let id = SessionId::random().unwrap();
        assert_eq!(kind(store.load(&jeju(), &id, None).await), StoreErrorKind::Unsupported);
    }
}
