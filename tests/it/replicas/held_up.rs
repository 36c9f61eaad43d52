//! A revocation that waits for replicas does not delay other operations.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::task::JoinSet;
use tower_session_auth::RevokeReason;
use tower_session_auth::store::{Replicas, SessionStore};

use crate::replicas::{LONG, begin, end, lives, login, outcome, primary, revoked, store};
use crate::replicas::{until_waiting, waiting};
use crate::support::wait::until;
use crate::support::{ms, patient_builder, user};

#[tokio::test]
async fn other_operations_are_answered_while_a_revocation_waits_for_replicas() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let (manager, _worker) = patient_builder(store.clone()).build().unwrap();
    let first = crate::support::login(&manager, "jeju").await;
    let second = crate::support::login(&manager, "jeju").await;
    let mut waits = JoinSet::new();
    let logout = |token: String| {
        let manager = manager.clone();
        async move { manager.logout(&token).await.unwrap() }
    };
    waits.spawn(logout(first.access_token.clone()));
    let before = until_waiting(&server, 1).await;

    // If one of these operations were queued behind the wait for replicas, it would not be
    // answered.
    for _ in 0..20 {
        assert!(manager.authenticate(&second.access_token).await.is_ok());
    }
    assert!(
        manager.authenticate(&first.access_token).await.is_err(),
        "the session was revoked before the wait"
    );
    assert!(manager.health().await.connected);
    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1);
    crate::support::login(&manager, "other").await;
    // A second revocation takes effect in the meantime, too.
    waits.spawn(logout(second.access_token.clone()));
    until_waiting(&server, 2).await;
    assert!(manager.authenticate(&second.access_token).await.is_err());
    let all = waiting(&server).await;
    assert!(all.contains(&before[0]) && waits.try_join_next().is_none(), "the first still waits");

    for id in all {
        server.command(&["CLIENT", "UNBLOCK", &id]).await;
    }
    assert_eq!(waits.join_all().await, [true, true]);
}

#[tokio::test]
async fn concurrent_revocations_all_succeed_with_at_most_eight_connections_that_wait() {
    let server = primary().await;
    let wait = ms(2_000);
    let store = store(&server, 1, wait);
    let mut sessions = Vec::new();
    for _ in 0..40 {
        sessions.push(login(&store, "jeju").await);
    }
    let asked = Instant::now();
    let mut all = JoinSet::new();
    for session in sessions {
        let store = store.clone();
        all.spawn(async move {
            let ended = end(&store, "jeju", &session).await.unwrap();
            assert_eq!(ended, revoked(&session, Replicas::Missed(0)));
        });
    }
    let mut most = BTreeSet::new();
    while !all.is_empty() {
        most.extend(waiting(&server).await);
        while let Some(done) = all.try_join_next() {
            done.unwrap();
        }
    }
    // At most eight connections wait for replicas. A revocation for which no such connection is
    // free continues after `wait`. If the 40 revocations waited in batches of eight, they would
    // take five times as long as `wait`. The difference is a reserve for a loaded machine.
    assert!(asked.elapsed() < 5 * wait, "{:?}", asked.elapsed());
    assert!(!most.is_empty() && most.len() <= 8, "{most:?}");
    assert!(store.list(&user("jeju")).await.unwrap().is_empty());
}

#[tokio::test]
async fn abandoned_replica_wait_does_not_delay_the_next_revocation() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let (first, second) = (login(&store, "jeju").await, login(&store, "jeju").await);
    let given_up = begin({
        let (store, first) = (store.clone(), first.clone());
        async move { end(&store, "jeju", &first).await }
    });
    until_waiting(&server, 1).await;
    drop(given_up);
    assert!(!lives(&store, "jeju", &first).await, "the revocation that was sent is done");

    let asked = Instant::now();
    let next = begin({
        let (store, second) = (store.clone(), second.clone());
        async move { end(&store, "jeju", &second).await }
    });
    until("the second revocation is done", async || !lives(&store, "jeju", &second).await).await;
    assert!(
        asked.elapsed() < LONG * 9 / 10,
        "{:?}: queued behind the abandoned wait",
        asked.elapsed()
    );
    for id in until_waiting(&server, 1).await {
        server.command(&["CLIENT", "UNBLOCK", &id]).await;
    }
    assert_eq!(outcome(next).await.unwrap(), revoked(&second, Replicas::Missed(0)));
}

#[tokio::test]
async fn manager_runs_a_revocation_to_completion_after_its_caller_went_away() {
    let server = primary().await;
    let store = store(&server, 1, ms(500));
    let (manager, _worker) = patient_builder(store.clone()).build().unwrap();
    let login = crate::support::login(&manager, "jeju").await;
    let owner = user("jeju");
    let hangs_up = manager.revoke(&owner, login.session.id(), RevokeReason::Logout);
    assert!(tokio::time::timeout(ms(0), hangs_up).await.is_err());
    until("the revocation continues", async || waiting(&server).await.len() == 1).await;
    assert!(manager.authenticate(&login.access_token).await.is_err());
}
