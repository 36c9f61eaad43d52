//! What one exchange brings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_session_auth::store::SessionStore;
use tower_session_auth::telemetry::events::{Event, Suspicion};
use tower_session_auth::{AuthErrorKind, EndReason, NewSession};

use crate::refresh::{
    builder, counter, is, is_over, is_revoked, manager_on, on_both_stores, state, token,
};
use crate::support::{login, user};

on_both_stores! {
    an_exchange_brings_both_tokens_and_the_older_access_token_stays_good,
    what_the_login_said_comes_back_with_every_exchange,
    the_same_token_brings_the_same_successor_for_a_while,
    the_third_use_is_theft_and_everybody_is_told,
    a_token_of_a_number_that_the_session_lost_is_refused,
    a_session_without_refresh_tokens_goes_on_as_before,
}

async fn an_exchange_brings_both_tokens_and_the_older_access_token_stays_good<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (here, there) = (manager_on(connect()), manager_on(connect()));
    let first = login(&here, "jeju").await;
    assert_eq!(first.refresh_token.as_ref().unwrap().expires_in(), Duration::from_secs(86_400));
    let second = there.refresh(token(&first)).await.unwrap();
    let third = here.refresh(token(&second)).await.unwrap();
    assert_eq!(third.session.id(), first.session.id());
    assert_eq!((third.session.revision(), third.session.role()), (3, Some("user")));
    assert!(third.refresh_token.as_ref().unwrap().expires_in() <= Duration::from_secs(86_400));
    for (rotation, login) in [&first, &second, &third].into_iter().enumerate() {
        assert_eq!(login.expires_in, Duration::from_secs(3_600));
        let session = here.authenticate(&login.access_token).await.unwrap();
        assert_eq!(session.claims().unwrap().rotation(), Some(rotation as u64));
    }
    assert_ne!(token(&first), token(&second));
    assert_eq!(counter(&connect(), &first.session).await, Some(2));
}

async fn what_the_login_said_comes_back_with_every_exchange<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let manager = manager_on(connect());
    let claims = serde_json::json!({ "tenant": 7, "deep": [{ "n": 9_007_199_254_740_993_u64 }] });
    let new = NewSession::new(user("jeju")).claims(&claims).unwrap();
    let mut login = manager.create(new.lifetime(Duration::from_secs(600))).await.unwrap();
    for _ in 0..3 {
        login = manager.refresh(token(&login)).await.unwrap();
        let session = manager.authenticate(&login.access_token).await.unwrap();
        let back: serde_json::Value = session.claims().unwrap().custom().unwrap();
        assert_eq!(back, claims);
        assert!(login.expires_in <= Duration::from_secs(600), "no longer than the session");
        assert!(login.expires_in > Duration::from_secs(590));
    }
    manager
        .update(login.session.user_id(), login.session.id(), |edit| edit.role = Some("x".into()))
        .await
        .unwrap();
    let login = manager.refresh(token(&login)).await.unwrap();
    let session = manager.authenticate(&login.access_token).await.unwrap();
    let back: serde_json::Value = session.claims().unwrap().custom().unwrap();
    assert_eq!((back, session.role()), (claims, Some("x")), "an update leaves them alone");
}

async fn the_same_token_brings_the_same_successor_for_a_while<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (here, there) = (manager_on(connect()), manager_on(connect()));
    let first = login(&here, "jeju").await;
    let second = here.refresh(token(&first)).await.unwrap();
    for manager in [&here, &there, &here] {
        let again = manager.refresh(token(&first)).await.unwrap();
        assert_eq!(token(&again), token(&second), "the very same");
        assert_eq!(again.session.revision(), 2, "and nothing was written");
        assert!(manager.authenticate(&again.access_token).await.is_ok());
    }
    assert_eq!(counter(&connect(), &first.session).await, Some(1));
}

async fn the_third_use_is_theft_and_everybody_is_told<St: SessionStore>(connect: impl Fn() -> St) {
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let sink = Arc::clone(&told);
    let (here, worker) = builder()
        .store(connect())
        .event_sink(move |event: &Event| sink.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let background = worker.start();
    let there = manager_on(connect());
    let other = login(&there, "jeju").await;
    let first = login(&here, "jeju").await;
    let second = here.refresh(token(&first)).await.unwrap();
    let third = there.refresh(token(&second)).await.unwrap();
    // Two behind: no window helps.
    is_revoked(&here.refresh(token(&first)).await.unwrap_err(), EndReason::RefreshReuse);
    for manager in [&here, &there] {
        for login in [&first, &second, &third] {
            is_over(manager, login, EndReason::RefreshReuse).await;
        }
    }
    assert!(there.refresh(token(&other)).await.is_ok(), "the user's other sessions go on");
    drop(here);
    background.stop().await.unwrap();
    let told = told.lock().unwrap();
    let id = first.session.id();
    let told: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::TokenRefreshed { session, .. } if session == id => Some("rotated"),
            Event::Suspicious { suspicion: Suspicion::RefreshReuse { session, .. }, .. }
                if session == id =>
            {
                Some("suspicious")
            }
            Event::Revoked { session, reason: EndReason::RefreshReuse, .. } if session == id => {
                Some("revoked")
            }
            _ => None,
        })
        .collect();
    // Each is told once, by the instance that did it. Changes of state may come before other events.
    let (rotated, changes): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|name| *name == "rotated");
    assert_eq!((rotated.len(), changes), (1, vec!["suspicious", "revoked"]));
}

async fn a_token_of_a_number_that_the_session_lost_is_refused<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    // A failover that lost two exchanges: tokens of a later number, for a session that knows nothing of it.
    let (manager, store) = (manager_on(connect()), connect());
    let first = login(&manager, "jeju").await;
    let (lost, stays) = (login(&manager, "jeju").await, &first);
    let second = manager.refresh(token(&lost)).await.unwrap();
    let ahead = crate::support::forge::parts(&second.access_token);
    let claims = crate::support::forge::decoded(ahead.1)
        .replace(lost.session.id().as_str(), stays.session.id().as_str());
    let header = crate::support::forge::decoded(ahead.0);
    let ahead = crate::support::forge::forge(&header, &claims, crate::support::SECRET);
    is(&manager.authenticate(&ahead).await.unwrap_err(), AuthErrorKind::InvalidToken);
    let before = state(&store, &stays.session).await;
    assert!(manager.authenticate(&stays.access_token).await.is_ok());
    let now = manager.refresh(token(stays)).await.unwrap();
    assert!(manager.authenticate(&ahead).await.is_ok(), "the number has come");
    assert!(manager.authenticate(&now.access_token).await.is_ok());
    assert_ne!(before, state(&store, &stays.session).await);
}

async fn a_session_without_refresh_tokens_goes_on_as_before<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let plain = crate::support::manager(connect()).0;
    let rotating = manager_on(connect());
    assert!(!plain.issues_refresh_tokens() && rotating.issues_refresh_tokens());
    let old = login(&plain, "jeju").await;
    assert!(old.refresh_token.is_none());
    assert_eq!(old.session.revision(), 1);
    assert!(rotating.authenticate(&old.access_token).await.is_ok());
    let new = login(&rotating, "jeju").await;
    // During a rolling upgrade an instance without keys serves the same sessions.
    assert!(plain.authenticate(&new.access_token).await.is_ok());
    let refused = plain.refresh(token(&new)).await.unwrap_err();
    is(&refused, AuthErrorKind::InvalidToken);
    assert!(rotating.refresh(token(&new)).await.is_ok());
}

#[tokio::test]
async fn access_tokens_may_live_a_little_shorter() {
    let build = |jitter| {
        let ttl = Duration::from_secs(1_000);
        builder().access_token_ttl(ttl).access_token_jitter(jitter).build().unwrap().0
    };
    let (exact, jittered) = (build(0.0), build(0.05));
    let mut seen = HashMap::new();
    let mut login = login(&jittered, "jeju").await;
    for _ in 0..60 {
        login = jittered.refresh(token(&login)).await.unwrap();
        *seen.entry(login.expires_in.as_secs()).or_insert(0) += 1;
    }
    assert!(seen.keys().all(|seconds| (950..=1_000).contains(seconds)), "{seen:?}");
    assert!(seen.len() > 5, "{seen:?}");
    let login = crate::support::login(&exact, "jeju").await;
    assert_eq!(login.expires_in, Duration::from_secs(1_000));
}

#[test]
fn settings_that_cannot_work_are_found_at_once() {
    for jitter in [-0.01, 0.051, 1.0, f64::NAN, f64::INFINITY] {
        assert!(builder().access_token_jitter(jitter).build().is_err(), "{jitter}");
    }
    for (seconds, works) in [(0, true), (300, true), (301, false)] {
        let built = builder().refresh_grace(Duration::from_secs(seconds)).build();
        assert_eq!(built.is_ok(), works, "{seconds}");
    }
}
