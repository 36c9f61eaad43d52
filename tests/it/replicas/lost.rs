//! A connection or a server that goes away while a revocation waits.

use std::error::Error;

use tower_session_auth::store::{RedisStore, Replicas, StoreErrorKind};
use tower_session_auth::{EndReason, Login, SessionError};

use crate::replicas::{LONG, begin, end, lives, login, outcome, primary, replica_of, revoked};
use crate::replicas::{revocations_run, store, until_waiting};
use crate::support::proxy::{Fate, Proxy, Rule};
use crate::support::wait::{PATIENCE, until};
use crate::support::{UNHURRIED, ms, patient_builder, user};

#[tokio::test]
async fn a_connection_killed_in_the_middle_is_an_error_and_nothing_is_done_twice() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let (manager, _worker) = patient_builder(store.clone()).build().unwrap();
    let (first, second) = (
        crate::support::login(&manager, "jeju").await,
        crate::support::login(&manager, "jeju").await,
    );
    let before = revocations_run(&server).await;
    let asking = begin({
        let (manager, id) = (manager.clone(), first.session.id().clone());
        async move { manager.delete(&user("jeju"), &id, EndReason::Logout).await }
    });
    let waiting = until_waiting(&server, 1).await;
    server.command(&["CLIENT", "KILL", "ID", &waiting[0]]).await;
    let Err(SessionError::Store(error)) = outcome(asking).await else { panic!("not an error") };
    assert_eq!(error.kind(), StoreErrorKind::Interrupted);
    let shown = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(!shown.contains("127.0.0.1"), "{shown}");
    assert_eq!(revocations_run(&server).await, before + 1, "sent once");
    assert!(manager.authenticate(&first.access_token).await.is_err());
    // It says nothing about the store.
    assert!(manager.authenticate(&second.access_token).await.is_ok());

    let _replica = replica_of(&server).await;
    assert!(manager.delete(&user("jeju"), second.session.id(), EndReason::Logout).await.unwrap());
    assert_eq!(revocations_run(&server).await, before + 2);
}

#[tokio::test]
async fn a_connection_that_answers_nothing_is_no_verdict_on_the_store() {
    let server = primary().await;
    let proxy = Proxy::start(server.port());
    // Short enough to be waited for: what is sent must be lost in the proxy, which runs in real time.
    let store = RedisStore::builder(proxy.url().as_str()).timeout(ms(3_000));
    let store = store.wait_replicas(1, ms(50)).build().unwrap();
    let (manager, _worker) = patient_builder(store).without_near_cache().build().unwrap();
    let login = async || crate::support::login(&manager, "jeju").await;
    let (first, second, third) = (login().await, login().await, login().await);
    let end = async |login: &Login| {
        manager.delete(&user("jeju"), login.session.id(), EndReason::Logout).await
    };
    assert!(end(&first).await.unwrap());
    // Only revocations go this way: what others ask is on another connection, which is well.
    proxy.set(Rule { fate: Fate::Vanish, ..Rule::PASS });
    let Err(SessionError::Store(error)) = end(&second).await else { panic!("not an error") };
    assert_eq!(error.kind(), StoreErrorKind::Interrupted);
    proxy.set(Rule::PASS);
    assert!(manager.authenticate(&third.access_token).await.is_ok(), "asked, and not turned away");
    assert!(end(&second).await.unwrap(), "over a new connection");
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_is_an_error_and_comes_back_by_itself() {
    let mut server = primary().await;
    let store = store(&server, 1, ms(200));
    let session = login(&store, "jeju").await;
    let long = crate::replicas::store(&server, 1, LONG);
    let asking = begin({
        let session = session.clone();
        async move { end(&long, "jeju", &session).await }
    });
    until_waiting(&server, 1).await;
    server.stop();
    assert_eq!(outcome(asking).await.unwrap_err().kind(), StoreErrorKind::Interrupted);
    let refused = end(&store, "jeju", &session).await.unwrap_err();
    assert!(
        matches!(refused.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Interrupted),
        "{refused}"
    );
    server.restart().await;
    until("it recovers", async || end(&store, "jeju", &session).await.is_ok()).await;
    let session = login(&store, "jeju").await;
    assert_eq!(
        end(&store, "jeju", &session).await.unwrap(),
        revoked(&session, Replicas::Missed(0))
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_both_limits() {
    let server = primary().await;
    // No new connection for the wait within 2 s, and no answer on the plain one within 2 s more: long before the
    // revocation as a whole is given up.
    let builder = RedisStore::builder(server.url().as_str()).timeout(ms(2_000));
    let store = builder.wait_replicas(1, ms(10_000)).build().unwrap();
    let session = login(&store, "jeju").await;
    server.pause();
    // A guard against a hang: how late a loaded machine notices the end of both limits is no matter of the store.
    let ended = tokio::time::timeout(PATIENCE, end(&store, "jeju", &session)).await;
    assert_eq!(ended.unwrap().unwrap_err().kind(), StoreErrorKind::Unavailable);
    server.resume();
    until("it recovers", async || end(&store, "jeju", &session).await.is_ok()).await;
    assert!(!lives(&store, "jeju", &session).await);
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_an_error() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let session = login(&store, "jeju").await;
    let _replica = replica_of(&server).await;
    assert!(end(&store, "jeju", &login(&store, "jeju").await).await.is_ok());
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let refused = end(&store, "jeju", &session).await.unwrap_err();
    // The second is what a connection that had to ask for the role again is told.
    let kinds = [StoreErrorKind::WriteRefused, StoreErrorKind::NotPrimary];
    assert!(kinds.contains(&refused.kind()), "{refused:?}");
    let refused = end(&store, "jeju", &session).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotPrimary, "over the requests' connection too");
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert!(lives(&store, "jeju", &session).await);
}

#[tokio::test]
async fn where_no_more_connections_are_allowed_sessions_end_without_a_wait() {
    let server = primary().await;
    let builder = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED);
    let store = builder.pool_size(1).wait_replicas(1, LONG).build().unwrap();
    let session = login(&store, "jeju").await;
    let mut operator = server.connection().await;
    let list: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut operator).await.unwrap();
    let full = list.lines().count().to_string();
    let limit = ["SET", "maxclients", &full];
    redis::cmd("CONFIG").arg(&limit).exec_async(&mut operator).await.unwrap();
    assert_eq!(
        end(&store, "jeju", &session).await.unwrap(),
        revoked(&session, Replicas::Missed(0))
    );
    assert!(!lives(&store, "jeju", &session).await);
}
