//! The results of a rotation: tokens, claims, grace window, reuse detection, and settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_session_auth::store::SessionStore;
use tower_session_auth::telemetry::events::{Event, Suspicion};
use tower_session_auth::{AuthErrorKind, NewSession, RevokeReason};

use crate::refresh::{
    builder, counter, is, is_over, is_revoked, manager_on, on_both_stores, state, token,
};
use crate::support::{login, user};

on_both_stores! {
    rotation_issues_both_tokens_and_older_access_tokens_stay_valid,
    rotation_keeps_the_claims_and_the_lifetime_of_the_login,
    repeated_rotation_within_grace_returns_the_same_successor,
    reuse_of_a_token_two_rotations_old_revokes_the_session_and_emits_events,
    access_token_with_a_counter_ahead_of_the_record_is_refused,
    instances_with_and_without_refresh_keys_serve_the_same_sessions,
}

async fn rotation_issues_both_tokens_and_older_access_tokens_stay_valid<St: SessionStore>(
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

async fn rotation_keeps_the_claims_and_the_lifetime_of_the_login<St: SessionStore>(
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
        assert!(
            login.expires_in <= Duration::from_secs(600),
            "the access token must not outlive the session"
        );
        assert!(login.expires_in > Duration::from_secs(590));
    }
    manager
        .update(login.session.user_id(), login.session.id(), |edit| edit.role = Some("x".into()))
        .await
        .unwrap();
    let login = manager.refresh(token(&login)).await.unwrap();
    let session = manager.authenticate(&login.access_token).await.unwrap();
    let back: serde_json::Value = session.claims().unwrap().custom().unwrap();
    assert_eq!(
        (back, session.role()),
        (claims, Some("x")),
        "an update of the role keeps the claims"
    );
}

async fn repeated_rotation_within_grace_returns_the_same_successor<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (here, there) = (manager_on(connect()), manager_on(connect()));
    let first = login(&here, "jeju").await;
    let second = here.refresh(token(&first)).await.unwrap();
    for manager in [&here, &there, &here] {
        let again = manager.refresh(token(&first)).await.unwrap();
        assert_eq!(token(&again), token(&second), "the same successor");
        assert_eq!(again.session.revision(), 2, "the repetition writes nothing");
        assert!(manager.authenticate(&again.access_token).await.is_ok());
    }
    assert_eq!(counter(&connect(), &first.session).await, Some(1));
}

async fn reuse_of_a_token_two_rotations_old_revokes_the_session_and_emits_events<
    St: SessionStore,
>(
    connect: impl Fn() -> St,
) {
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
    // The token is two rotations old, so the grace window does not apply.
    is_revoked(&here.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    for manager in [&here, &there] {
        for login in [&first, &second, &third] {
            is_over(manager, login, RevokeReason::RefreshReuse).await;
        }
    }
    assert!(there.refresh(token(&other)).await.is_ok(), "the user's other session stays valid");
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
            Event::Revoked { session, reason: RevokeReason::RefreshReuse, .. } if session == id => {
                Some("revoked")
            }
            _ => None,
        })
        .collect();
    // One of the instances rotates the token or revokes the session. This instance emits each event
    // exactly once. Events of state changes may arrive before other events.
    let (rotated, changes): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|name| *name == "rotated");
    assert_eq!((rotated.len(), changes), (1, vec!["suspicious", "revoked"]));
}

async fn access_token_with_a_counter_ahead_of_the_record_is_refused<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    // The counter of this access token is ahead of the record, as after a failover that has lost a
    // rotation.
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
    assert!(manager.authenticate(&ahead).await.is_ok(), "the record has reached the counter");
    assert!(manager.authenticate(&now.access_token).await.is_ok());
    assert_ne!(before, state(&store, &stays.session).await);
}

async fn instances_with_and_without_refresh_keys_serve_the_same_sessions<St: SessionStore>(
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
    // During a rolling upgrade, an instance without keys for refresh tokens serves the same
    // sessions as the others.
    assert!(plain.authenticate(&new.access_token).await.is_ok());
    let refused = plain.refresh(token(&new)).await.unwrap_err();
    is(&refused, AuthErrorKind::InvalidToken);
    assert!(rotating.refresh(token(&new)).await.is_ok());
}

#[tokio::test]
async fn jitter_shortens_the_access_token_ttl_by_at_most_its_fraction() {
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
fn jitter_and_grace_out_of_range_are_rejected() {
    for jitter in [-0.01, 0.051, 1.0, f64::NAN, f64::INFINITY] {
        assert!(builder().access_token_jitter(jitter).build().is_err(), "{jitter}");
    }
    for (seconds, works) in [(0, true), (300, true), (301, false)] {
        let built = builder().refresh_grace(Duration::from_secs(seconds)).build();
        assert_eq!(built.is_ok(), works, "{seconds}");
    }
}
