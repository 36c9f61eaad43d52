//! Whoever waits for replicas holds up nobody else.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::task::JoinSet;
use tower_session_auth::EndReason;
use tower_session_auth::store::{Replicas, SessionStore};

use crate::replicas::{LONG, begin, end, lives, login, outcome, primary, revoked, store};
use crate::replicas::{until_waiting, waiting};
use crate::support::wait::until;
use crate::support::{ms, patient_builder, user};

#[tokio::test]
async fn others_are_answered_while_a_revocation_waits() {
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

    // One connection each would already be one too few, if any of these were behind it.
    for _ in 0..20 {
        assert!(manager.authenticate(&second.access_token).await.is_ok());
    }
    assert!(manager.authenticate(&first.access_token).await.is_err(), "it ended before the wait");
    assert!(manager.health().await.connected);
    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1);
    crate::support::login(&manager, "other").await;
    // Another revocation is done meanwhile as well.
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
async fn many_revocations_at_once_are_all_done_on_few_connections() {
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
    // Those that could not wait went on after `wait`. Eight at a time, they would need five times as long: the rest is
    // for the machine.
    assert!(asked.elapsed() < 5 * wait, "{:?}", asked.elapsed());
    assert!(!most.is_empty() && most.len() <= 8, "{most:?}");
    assert!(store.list(&user("jeju")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wait_that_its_caller_gave_up_is_in_nobodys_way() {
    let server = primary().await;
    let store = store(&server, 1, LONG);
    let (first, second) = (login(&store, "jeju").await, login(&store, "jeju").await);
    let given_up = begin({
        let (store, first) = (store.clone(), first.clone());
        async move { end(&store, "jeju", &first).await }
    });
    until_waiting(&server, 1).await;
    drop(given_up);
    assert!(!lives(&store, "jeju", &first).await, "what was sent is done");

    let asked = Instant::now();
    let next = begin({
        let (store, second) = (store.clone(), second.clone());
        async move { end(&store, "jeju", &second).await }
    });
    until("it is done beside the other", async || !lives(&store, "jeju", &second).await).await;
    assert!(asked.elapsed() < LONG * 9 / 10, "{:?}: it stood behind the other", asked.elapsed());
    for id in until_waiting(&server, 1).await {
        server.command(&["CLIENT", "UNBLOCK", &id]).await;
    }
    assert_eq!(outcome(next).await.unwrap(), revoked(&second, Replicas::Missed(0)));
}

#[tokio::test]
async fn a_caller_of_the_manager_that_goes_away_leaves_nothing_half_done() {
    let server = primary().await;
    let store = store(&server, 1, ms(500));
    let (manager, _worker) = patient_builder(store.clone()).build().unwrap();
    let login = crate::support::login(&manager, "jeju").await;
    let owner = user("jeju");
    let hangs_up = manager.delete(&owner, login.session.id(), EndReason::Logout);
    assert!(tokio::time::timeout(ms(0), hangs_up).await.is_err());
    until("the revocation goes on", async || waiting(&server).await.len() == 1).await;
    assert!(manager.authenticate(&login.access_token).await.is_err());
}
