//! Connections or servers are lost while a revocation waits for replicas.

use std::error::Error;

use tower_session_auth::error::SessionError;
use tower_session_auth::store::{RedisStore, Replicas, StoreErrorKind};
use tower_session_auth::{Login, RevokeReason};

use crate::replicas::{LONG, begin, end, lives, login, outcome, primary, replica_of, revoked};
use crate::replicas::{revocations_run, store, until_waiting};
use crate::support::proxy::{Fate, Proxy, Rule};
use crate::support::wait::{PATIENCE, until};
use crate::support::{UNHURRIED, ms, patient_builder, user};

#[tokio::test]
async fn killed_connection_fails_a_waiting_revocation_without_sending_it_again() {
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
        async move { manager.revoke(&user("jeju"), &id, RevokeReason::Logout).await }
    });
    let waiting = until_waiting(&server, 1).await;
    server.command(&["CLIENT", "KILL", "ID", &waiting[0]]).await;
    let Err(SessionError::Store(error)) = outcome(asking).await else {
        panic!("expected a store error")
    };
    assert_eq!(error.kind(), StoreErrorKind::Interrupted);
    let shown = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(!shown.contains("127.0.0.1"), "{shown}");
    assert_eq!(revocations_run(&server).await, before + 1, "the revocation was sent once");
    assert!(manager.authenticate(&first.access_token).await.is_err());
    // The lost connection does not open the circuit breaker.
    assert!(manager.authenticate(&second.access_token).await.is_ok());

    let _replica = replica_of(&server).await;
    let revoked =
        manager.revoke(&user("jeju"), second.session.id(), RevokeReason::Logout).await.unwrap();
    assert!(revoked.was_live());
    assert_eq!(revocations_run(&server).await, before + 2);
}

#[tokio::test]
async fn unanswered_revocation_does_not_open_the_circuit_breaker() {
    let server = primary().await;
    let proxy = Proxy::start(server.port());
    // This timeout is short, because the test waits for it in real time: the proxy does not use
    // Tokio's clock.
    let store = RedisStore::builder(proxy.url().as_str()).timeout(ms(3_000));
    let store = store.wait_replicas(1, ms(50)).build().unwrap();
    let (manager, _worker) = patient_builder(store).without_near_cache().build().unwrap();
    let login = async || crate::support::login(&manager, "jeju").await;
    let (first, second, third) = (login().await, login().await, login().await);
    let end = async |login: &Login| {
        manager.revoke(&user("jeju"), login.session.id(), RevokeReason::Logout).await
    };
    assert!(end(&first).await.unwrap().was_live());
    // While the proxy drops bytes, the test sends only the revocation. Other operations use another
    // connection, which still works.
    proxy.set(Rule { fate: Fate::Vanish, ..Rule::PASS });
    let Err(SessionError::Store(error)) = end(&second).await else {
        panic!("expected a store error")
    };
    assert_eq!(error.kind(), StoreErrorKind::Interrupted);
    proxy.set(Rule::PASS);
    assert!(
        manager.authenticate(&third.access_token).await.is_ok(),
        "the circuit breaker is closed"
    );
    assert!(end(&second).await.unwrap().was_live(), "the revocation uses a new connection");
}

#[tokio::test]
async fn waiting_revocation_fails_when_the_server_dies_and_works_after_its_restart() {
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
    until("the store recovers", async || end(&store, "jeju", &session).await.is_ok()).await;
    let session = login(&store, "jeju").await;
    assert_eq!(
        end(&store, "jeju", &session).await.unwrap(),
        revoked(&session, Replicas::Missed(0))
    );
}

#[tokio::test]
async fn revocation_on_a_hanging_server_fails_after_both_timeouts() {
    let server = primary().await;
    // Within 2 s, the connection for `WAIT` cannot be established. Within another 2 s, the normal
    // connection does not answer. Both limits end long before the timeout of the whole revocation.
    let builder = RedisStore::builder(server.url().as_str()).timeout(ms(2_000));
    let store = builder.wait_replicas(1, ms(10_000)).build().unwrap();
    let session = login(&store, "jeju").await;
    server.pause();
    // This timeout only protects the test against a hang. The test does not check how late a loaded
    // machine notices the two timeouts of the store.
    let ended = tokio::time::timeout(PATIENCE, end(&store, "jeju", &session)).await;
    assert_eq!(ended.unwrap().unwrap_err().kind(), StoreErrorKind::Unavailable);
    server.resume();
    until("the store recovers", async || end(&store, "jeju", &session).await.is_ok()).await;
    assert!(!lives(&store, "jeju", &session).await);
}

#[tokio::test]
async fn revocation_on_a_demoted_primary_fails_and_the_session_stays_alive() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let session = login(&store, "jeju").await;
    let _replica = replica_of(&server).await;
    assert!(end(&store, "jeju", &login(&store, "jeju").await).await.is_ok());
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let refused = end(&store, "jeju", &session).await.unwrap_err();
    // The second kind of error occurs if the connection had to check the role of the server again.
    let kinds = [StoreErrorKind::WriteRefused, StoreErrorKind::NotPrimary];
    assert!(kinds.contains(&refused.kind()), "{refused:?}");
    let refused = end(&store, "jeju", &session).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotPrimary, "on the connection for requests too");
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert!(lives(&store, "jeju", &session).await);
}

#[tokio::test]
async fn revocation_skips_the_replica_wait_when_the_server_refuses_new_connections() {
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
