//! A server that is killed, hangs or has not been started yet. Later, the server answers.

use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tower_session_auth::clock::{Clock as _, SystemClock};
use tower_session_auth::store::{SessionStore, StoreErrorKind};
use tower_session_auth::worker::Background;
use tower_session_auth::{AuthErrorKind, Login};

use crate::store_trouble::{
    Answer, PATIENCE, Traffic, ask, brisk, login, login_error, logins, logout_fails, logout_works,
    only_ok_or_unavailable, patient, until, until_login,
};
use crate::support::ms;
use crate::support::paused::{At, Verb};
use crate::support::redis::RedisServer;
use crate::support::wait::until_due;

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

#[tokio::test]
async fn killed_server_is_503_and_after_an_empty_restart_401_until_a_new_login() {
    let mut server = RedisServer::start().await;
    let (manager, _worker, _) = patient(&server.url());
    let old = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &old);
    traffic.answers(40).await;
    server.stop();
    let first = until(&manager, &old[0], Answer::is_unavailable).await;
    traffic.answers(80).await;
    let (ok, unavailable) = only_ok_or_unavailable(&traffic.stop().await);
    println!("killed: {ok} x 200, {unavailable} x 503, first 503 after {first:?}");
    assert!(ok >= 40 && unavailable >= 40);
    logout_fails(&manager, &old[0]).await;
    assert_eq!(login_error(login(&manager, "late").await), StoreErrorKind::Unavailable);

    server.restart().await;
    let back = until(&manager, &old[0], Answer::is_expired).await;
    println!("restarted empty: answers again after {back:?}");
    for old in &*old {
        assert!(ask(&manager, old).await.is_expired());
    }
    let new = login(&manager, "u0").await.unwrap();
    assert!(ask(&manager, &new).await.is_ok());
    logout_works(&manager, &new).await;
}

#[tokio::test]
async fn no_session_is_lost_when_the_server_is_killed_and_restarted_with_its_data() {
    let mut server = RedisServer::start_with(&DURABLE).await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(40).await;
    server.stop();
    until(&manager, &logins[0], Answer::is_unavailable).await;
    traffic.answers(20).await;
    server.restart().await;
    let back = until(&manager, &logins[0], Answer::is_ok).await;
    println!("restarted with data: 200 after {back:?}");
    traffic.answers(40).await;
    let (ok, unavailable) = only_ok_or_unavailable(&traffic.stop().await);
    println!("restarted with data: {ok} x 200, {unavailable} x 503");
    for login in &*logins {
        assert!(ask(&manager, login).await.is_ok());
        logout_works(&manager, login).await;
    }
}

#[tokio::test]
async fn hanging_server_is_503_and_the_same_sessions_work_afterwards() {
    let server = RedisServer::start().await;
    let (manager, _worker, _) = brisk(&server);
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(40).await;
    server.pause();
    let first = until(&manager, &logins[0], Answer::is_unavailable).await;
    traffic.answers(40).await;
    logout_fails(&manager, &logins[0]).await;
    server.resume();
    let back = until(&manager, &logins[0], Answer::is_ok).await;
    traffic.answers(40).await;
    let (ok, unavailable) = only_ok_or_unavailable(&traffic.stop().await);
    println!(
        "hanging: first 503 after {first:?}, 200 after {back:?}; {ok} x 200, {unavailable} x 503"
    );
    assert!(unavailable >= 40);
    for login in &*logins {
        until(&manager, login, Answer::is_ok).await;
    }
}

#[tokio::test]
async fn requests_do_not_reach_the_store_while_the_circuit_breaker_is_open() {
    let mut server = RedisServer::start().await;
    // The worker is not started, because the test would also count the calls of the worker's
    // upkeep.
    let (manager, _worker, store) = brisk(&server);
    let login = until_login(&manager, "jeju").await;
    for trouble in ["hangs", "refuses"] {
        if trouble == "hangs" {
            server.pause();
        } else {
            server.stop();
        }
        until(&manager, &login, Answer::is_unavailable).await;
        let (start, before) = (Instant::now(), store.calls());
        let (mut turned_away, mut probes) = (0, 0);
        while probes < 4 {
            assert!(start.elapsed() < PATIENCE, "{trouble}: {probes} probes");
            // One of the eight requests may be the probe of the circuit breaker. This request waits
            // for the store.
            let mut at_once = JoinSet::new();
            for _ in 0..8 {
                let (manager, login) = (manager.clone(), login.access_token.clone());
                at_once.spawn(async move {
                    let refused = manager.authenticate(&login).await.unwrap_err();
                    assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable);
                });
            }
            at_once.join_all().await;
            let asked = store.calls() - before - probes;
            (probes, turned_away) = (probes + asked, turned_away + 8 - asked);
            sleep(ms(1)).await;
        }
        // The circuit breaker starts one probe every 100 ms. In addition, one probe may have been
        // due at the start.
        let span = start.elapsed();
        let most = usize::try_from(span.as_millis()).unwrap() / 100 + 1;
        println!("{trouble}: {turned_away} turned away, {probes} probes in {span:?}");
        assert!(probes <= most, "{trouble}: {probes} probes in {span:?}");
        assert!(turned_away >= probes, "{trouble}: {turned_away} rejected");
        if trouble == "hangs" {
            server.resume();
            until(&manager, &login, Answer::is_ok).await;
        }
    }
}

#[tokio::test]
async fn requests_are_503_until_a_server_that_was_down_at_startup_is_started() {
    let mut server = RedisServer::start().await;
    server.stop();
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    // A valid token of another instance with the same keys and the same issuer.
    let (elsewhere, _worker) =
        crate::support::manager(tower_session_auth::store::MemoryStore::new());
    let foreign = login(&elsewhere, "jeju").await.unwrap();
    for _ in 0..20 {
        let answer = ask(&manager, &foreign).await;
        assert!(answer.is_unavailable(), "{answer:?}");
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::Unavailable);
    }
    assert!(!manager.health().await.connected);
    server.restart().await;
    let back = until(&manager, &foreign, Answer::is_expired).await;
    println!("absent at the start: answers {back:?} after the server came");
    let new = until_login(&manager, "jeju").await;
    assert!(ask(&manager, &new).await.is_ok());
    assert!(manager.health().await.connected);
}

#[tokio::test]
async fn touch_during_an_outage_is_written_later_with_the_time_of_its_request() {
    let mut server = RedisServer::start_with(&DURABLE).await;
    let (manager, worker, store) = patient(&server.url());
    let background: Background = worker.start();
    let login = login(&manager, "jeju").await.unwrap();
    let (user, id) = (login.session.user_id(), login.session.id());
    until_due(&store, &login.session).await;
    let mut touch = store.stop(Verb::Touch, At::Before);
    // Redis runs on this machine. Therefore Redis and the test use the same clock.
    let before = SystemClock.now();
    assert!(ask(&manager, &login).await.is_ok());
    let after = SystemClock.now();
    touch.reached().await;
    server.stop();
    touch.go();
    // This time is much longer than a touch takes on a loaded machine.
    sleep(ms(4_000)).await;
    server.restart().await;
    let restarted = Instant::now();
    let activity = loop {
        assert!(restarted.elapsed() < PATIENCE, "the touch is not written");
        // The test reads from the store directly, because a request would count as activity.
        match store.activity(user, id).await {
            Ok(Some(activity)) if activity.last_activity > login_time(&login) => break activity,
            Ok(Some(_)) => {}
            Ok(None) => panic!("the session is lost"),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
        }
        sleep(ms(5)).await;
    };
    println!("the use arrived {:?} after the restart", restarted.elapsed());
    assert!(
        activity.last_activity.saturating_add(ms(2)) >= before,
        "the activity is not before the request"
    );
    assert!(
        activity.last_activity <= after.saturating_add(ms(3_000)),
        "an outage must not count as activity: {} ms late",
        activity.last_activity.saturating_since(after).as_millis()
    );
    let report = background.stop().await.unwrap();
    assert_eq!((report.written, report.lost), (1, 0));
}

fn login_time(login: &Login) -> tower_session_auth::clock::Timestamp {
    login.session.created()
}
