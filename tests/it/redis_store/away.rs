//! Redis servers that are stopped, that hang, that restart, or that lose their scripts.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_session_auth::store::{
    MaintainStore, NewRecord, RedisStore, Replacement, ScanSessions, SessionStore, StoreErrorKind,
    Touch, Touched, Updated, UpdatedAll,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

use crate::redis_store::{HOUR, MINUTE, jeju, kind, lives, login, store, touch};
use crate::support::commands::Commands;
use crate::support::proxy::{Fate, Proxy, Rule, Way};
use crate::support::redis::RedisServer;
use crate::support::wait::{PATIENCE, until, while_nothing_answers};
use crate::support::{UNHURRIED, ms, usable};

#[tokio::test]
async fn flushed_scripts_are_loaded_again() {
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
    assert!(
        store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await.unwrap().was_live()
    );
    flush().await;
    assert_eq!(store.list(&jeju()).await.unwrap().len(), 1);
    flush().await;
    assert_eq!(store.scan(None, 10).await.unwrap().unwrap().sessions.len(), 1);
    flush().await;
    assert_eq!(store.cleanup(None).await.unwrap().unwrap().count, 0);
    flush().await;
    let new = Replacement::new(other.clone(), 1, Bytes::new());
    assert_eq!(store.update_all(&jeju(), &[new]).await.unwrap(), UpdatedAll::Written);
    flush().await;
    assert_eq!(
        store.revoke(&jeju(), &Target::All, RevokeReason::Admin).await.unwrap().sessions,
        [other]
    );
}

#[tokio::test]
async fn reads_survive_killed_connections() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    for _ in 0..20 {
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]).await;
        assert!(lives(&store, &id).await);
        assert!(store.activity(&jeju(), &id).await.unwrap().is_some());
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]).await;
        assert_eq!(store.list(&jeju()).await.unwrap().len(), 1);
        assert!(store.login_fence(&jeju()).await.is_ok());
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]).await;
        tokio::task::yield_now().await;
        store.upkeep().await.unwrap();
        assert_eq!(store.scan(None, 1).await.unwrap().unwrap().sessions.len(), 1);
    }
}

#[tokio::test]
async fn stopped_server_is_unavailable_at_once_and_works_again_after_a_restart() {
    let mut server = RedisServer::start().await;
    // The test never waits for this timeout, because a refused connection is an error at once.
    let store = RedisStore::builder(server.url().as_str()).timeout(MINUTE).build().unwrap();
    let id = login(&store, HOUR, HOUR).await;
    server.stop();
    for _ in 0..3 {
        let refused = timeout(PATIENCE, store.load(&jeju(), &id, None)).await.unwrap().unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
        assert!(
            refused.source().unwrap().to_string().contains("refused"),
            "{:?}",
            refused.source()
        );
    }
    assert_eq!(
        kind(store.revoke(&jeju(), &Target::from(&id), RevokeReason::Logout).await),
        StoreErrorKind::Unavailable
    );
    assert_eq!(kind(touch(&store, &id, HOUR).await), StoreErrorKind::Unavailable);
    assert_eq!(kind(usable(&store).await), StoreErrorKind::Unavailable);
    server.restart().await;
    // The restarted server is empty. Old sessions are over, and new ones work.
    assert!(!lives(&store, &id).await);
    let new = login(&store, HOUR, HOUR).await;
    assert!(lives(&store, &new).await);
}

#[tokio::test]
async fn hanging_server_is_unavailable_within_the_timeout() {
    let server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    server.pause();
    let user = jeju();
    for _ in 0..4 {
        let loads = async {
            tokio::join!(
                store.load(&user, &id, None),
                store.load(&user, &id, None),
                store.load(&user, &id, None)
            )
        };
        let (answers, took) = while_nothing_answers(loads).await;
        for answer in [answers.0, answers.1, answers.2] {
            assert_eq!(kind(answer), StoreErrorKind::Unavailable);
        }
        // Tokio's timers have a resolution of one millisecond.
        assert!(took <= UNHURRIED + ms(10), "{took:?}");
    }
    server.resume();
    until("the store recovers", async || store.load(&jeju(), &id, None).await.is_ok()).await;
    assert!(lives(&store, &id).await);
}

#[tokio::test]
async fn silent_connection_is_replaced_even_if_only_the_caller_times_out() {
    // Behaves like a host that has failed: packets are lost, and the socket stays open.
    let server = RedisServer::start().await;
    let builder = RedisStore::builder(server.url().as_str()).pool_size(1);
    let store = builder.timeout(UNHURRIED).build().unwrap();
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
    // The caller times out earlier than the store, but later than half of the store's timeout.
    let user = jeju();
    let load = timeout(UNHURRIED * 5 / 8, store.load(&user, &id, None));
    let (given_up, _) = while_nothing_answers(load).await;
    assert!(given_up.is_err());
    server.resume();
    assert!(lives(&store, &id).await);
    assert!(before.is_some());
    assert_ne!(connected().await, before);
}

/// The calls are cancelled after the server has received their commands. A proxy holds back the
/// answers. The answers arrive later, on the connections that the next calls use.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_calls_never_mix_up_answers() {
    const TURNS: usize = 10;
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    let store = RedisStore::builder(proxy.url().as_str()).timeout(MINUTE).build().unwrap();
    let mut payloads = Vec::new();
    for i in 0..50 {
        let user = UserId::parse(&format!("user {i}")).unwrap();
        let id = SessionId::random().unwrap();
        let payload = Bytes::from(format!("payload of {i}"));
        let new = NewRecord::new(HOUR, HOUR, payload.clone());
        store.create(&user, &id, &new).await.unwrap();
        payloads.push((user, id, payload));
    }
    let reads = async || Commands::of(&server).await.calls("hget");
    for turn in 0..TURNS {
        // The answers wait in the proxy until all of these calls are cancelled.
        proxy.set(Rule { fate: Fate::Wait, way: Way::ToClient, links_only: false });
        let before = reads().await;
        let mut calls = JoinSet::new();
        for (user, id, _) in &payloads {
            let (store, user, id) = (store.clone(), user.clone(), id.clone());
            calls.spawn(async move { store.load(&user, &id, None).await });
        }
        let sent = payloads.len() as u64;
        until("all commands are at the server", async || reads().await == before + sent).await;
        calls.shutdown().await;
        // The next calls start with other users. If a call received a left-over answer, the answer
        // would therefore belong to another user.
        payloads.rotate_left(turn + 1);
        let mut next = JoinSet::new();
        for (user, id, payload) in payloads.clone() {
            let store = store.clone();
            next.spawn(async move { (store.load(&user, &id, None).await, payload) });
        }
        until("the next commands are at the server too", async || {
            reads().await == before + 2 * sent
        })
        .await;
        proxy.set(Rule::PASS);
        for (found, payload) in next.join_all().await {
            assert_eq!(found.unwrap().unwrap().payload, payload);
        }
    }
}

/// Collects the texts of the log events of this library.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "tower_session_auth"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}={value:?} ");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &tracing::Id) {}

    fn exit(&self, _: &tracing::Id) {}
}

#[tokio::test]
async fn connection_loss_and_recovery_are_each_logged_once() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let mut server = RedisServer::start().await;
    let store = store(&server);
    let id = login(&store, HOUR, HOUR).await;
    for round in 1..=2 {
        server.stop();
        for _ in 0..20 {
            assert!(store.load(&jeju(), &id, None).await.is_err());
        }
        assert_eq!(events.0.lock().unwrap().len(), 2 * round - 1, "{events:?}", events = events.0);
        server.restart().await;
        assert!(!lives(&store, &id).await);
        let seen = events.0.lock().unwrap().clone();
        assert_eq!(seen.len(), 2 * round, "{seen:?}");
        assert!(seen[2 * round - 2].contains("cannot connect to redis"), "{seen:?}");
        assert!(seen[2 * round - 2].contains("refused"), "{seen:?}");
        assert!(seen[2 * round - 1].contains("again"), "{seen:?}");
        assert!(!seen.concat().contains("127.0.0.1"), "{seen:?}");
    }
}
