//! Changes that this process makes or notices without an invalidation from Redis.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::spawn;
use tokio::task::spawn_blocking;
use tower::{Layer, ServiceExt, service_fn};
use tower_session_auth::clock::{Clock, Timestamp};
use tower_session_auth::{
    AuthErrorKind, KeySet, NewSession, RevokeReason, Session, SessionAuthLayer, SessionId,
    SigningKey,
};

use crate::fills::fake::{Fake, Lane};
use crate::fills::world::{LONG, World, says};
use crate::support::forge::{decoded, forge, parts};
use crate::support::valve::Valve;
use crate::support::wait::PATIENCE;
use crate::support::{SECRET, START, bearer, user};

#[tokio::test]
async fn update_takes_effect_in_this_process_before_any_invalidation() {
    let world = World::coherent(LONG).await;
    let (one, other) = (world.login("jeju").await, world.login("jeju").await);
    let role = |role: &str| Some(role.to_owned());
    let jeju = user("jeju");
    for revision in 2..5 {
        for shown in [&one, &other] {
            world.recovers(shown).await;
        }
        let id = SessionId::parse(&one.sid).unwrap();
        let next = role(&format!("r{revision}"));
        let updated = world.manager.update(&jeju, &id, |edit| edit.role.clone_from(&next));
        assert_eq!(updated.await.unwrap().revision(), revision);
        assert_eq!(world.says(&one).await, Some(revision));
    }
    for shown in [&one, &other] {
        world.recovers(shown).await;
    }
    let all = world.manager.update_all(&jeju, |_, edit| edit.role = role("all"));
    assert_eq!(all.await.unwrap(), 2);
    assert_eq!((world.says(&one).await, world.says(&other).await), (Some(5), Some(2)));
    assert_eq!(world.figures().invalidations, 0, "redis has sent no invalidation");
}

#[tokio::test]
async fn session_evicted_by_a_login_is_rejected_before_any_invalidation() {
    let world = World::coherent_with(|builder| builder.session_limit(1)).await;
    let old = world.login("jeju").await;
    world.recovers(&old).await;
    let new = world.login("jeju").await;
    assert_eq!(world.says(&old).await, None);
    assert_eq!(world.says(&new).await, Some(1));
    assert_eq!(world.figures().invalidations, 0, "redis has sent no invalidation");
}

#[tokio::test]
async fn session_revoked_for_refresh_token_reuse_is_rejected_before_any_invalidation() {
    let world = World::coherent_with(|builder| {
        builder.refresh_keys(KeySet::new(SigningKey::hs256("r", SECRET).unwrap()))
    })
    .await;
    let login = world.manager.create(NewSession::new(user("jeju"))).await.unwrap();
    for _ in 0..2 {
        assert_eq!(says(&world.manager, &login.access_token).await, Some(1));
    }
    assert_eq!(world.figures().hits, 1);
    let refused = world.manager.refresh(login.refresh_token.unwrap().as_str()).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::SessionRevoked);
    assert_eq!(says(&world.manager, &login.access_token).await, None);
    assert_eq!(world.figures().invalidations, 0, "redis has sent no invalidation");
}

/// Returns the session's revision in the response.
async fn revision(request: Request<String>) -> Result<Response<u64>, Infallible> {
    Ok(Response::new(request.extensions().get::<Session>().unwrap().revision()))
}

#[tokio::test]
async fn request_without_staleness_reads_for_itself() {
    let mut world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    let layer = SessionAuthLayer::new(world.manager.clone()).max_staleness(Duration::ZERO).unwrap();
    let strict =
        layer.on_reject(|error: &_, _: tower_session_auth::auth_layer::Head<'_>| panic!("{error}"));
    world.fake.hold(Lane::Link, "HGET");
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    let early = spawn(async move { says(&manager, &token).await });
    let held = world.fake.held().await;
    let answer = held.execute();
    // Redis has not sent an invalidation yet.
    world.fake.update(&shown.user, &shown.sid);
    let seen = strict.layer(service_fn(revision)).oneshot(bearer(&shown.token)).await.unwrap();
    assert_eq!(seen.into_body(), 2);
    assert_eq!(world.fake.asked(Lane::Link, "HGET"), 1, "the strict request read over the pool");
    held.send(&[&answer]);
    assert_eq!(early.await.unwrap(), Some(1));
}

#[tokio::test]
async fn read_for_a_request_without_staleness_does_not_fill_the_cache() {
    let world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    let layer = SessionAuthLayer::new(world.manager.clone()).max_staleness(Duration::ZERO).unwrap();
    let strict =
        layer.on_reject(|error: &_, _: tower_session_auth::auth_layer::Head<'_>| panic!("{error}"));
    let seen = strict.layer(service_fn(revision)).oneshot(bearer(&shown.token)).await.unwrap();
    assert_eq!(seen.into_body(), 1);
    // The invalidation connection has not read the key, so Redis sends no message.
    world.fake.update(&shown.user, &shown.sid);
    assert_eq!(world.says(&shown).await, Some(2));
    world.recovers(&shown).await;
}

#[tokio::test]
async fn each_rejection_from_the_cache_emits_an_event() {
    let valve = Valve::default();
    let sink = valve.clone();
    let world = World::coherent_with(|builder| builder.event_sink(sink)).await;
    let shown = world.login("jeju").await;
    world.fake.end(&shown.user, &shown.sid);
    for _ in 0..5 {
        assert_eq!(world.says(&shown).await, None);
    }
    assert_eq!((world.figures().hits, world.figures().fills), (4, 1));
    spawn_blocking(move || {
        valve.wait_for(6);
        let seen = valve.seen();
        assert_eq!(
            seen.iter().filter(|event| event.starts_with("rejected")).count(),
            5,
            "{seen:?}"
        );
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn token_with_a_rotation_counter_ahead_of_the_record_is_rejected_and_not_cached() {
    let world = World::coherent_with(|builder| {
        builder.refresh_keys(KeySet::new(SigningKey::hs256("r", SECRET).unwrap()))
    })
    .await;
    let login = world.manager.create(NewSession::new(user("jeju"))).await.unwrap();
    let (header, payload, _) = parts(&login.access_token);
    let (header, payload) = (decoded(header), decoded(payload));
    let ahead = payload.replace(r#""rot":0"#, r#""rot":1"#);
    assert_ne!(payload, ahead);
    let ahead = forge(&header, &ahead, SECRET);
    for _ in 0..2 {
        let refused = world.manager.authenticate(&ahead).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken);
    }
    assert_eq!(world.figures().hits, 0);
    assert_eq!(says(&world.manager, &login.access_token).await, Some(1));
}

/// A clock that the test sets.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn token_that_expired_by_a_clock_change_is_rejected_without_a_read() {
    let hand = Hand(Arc::new(AtomicI64::new(START.as_millis())));
    let clock = hand.clone();
    let world = World::coherent_with(|builder| {
        builder.clock(clock).access_token_ttl(Duration::from_secs(600))
    })
    .await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    hand.0.fetch_add(3_600_000, Ordering::Relaxed);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    let reads = world.reads();
    let refused = world.manager.authenticate(&shown.token).await.unwrap_err();
    assert_eq!((refused.kind(), world.reads()), (AuthErrorKind::TokenExpired, reads));
}

#[tokio::test]
async fn reason_of_a_revocation_is_read_again_after_a_failed_read() {
    let limit = Duration::from_secs(3);
    let mut world = World::hurried(Fake::start().await, LONG, limit);
    world.is_coherent().await;
    let shown = world.login("jeju").await;
    let id = SessionId::parse(&shown.sid).unwrap();
    assert!(
        world.manager.revoke(&user("jeju"), &id, RevokeReason::Suspended).await.unwrap().was_live()
    );
    world.fake.hold(Lane::Pool, "HGET");
    let refused = world.manager.authenticate(&shown.token).await.unwrap_err();
    assert_eq!(
        refused.kind(),
        AuthErrorKind::SessionExpired,
        "the revocation is known, its reason is not"
    );
    world.fake.held().await.close();
    world.fake.hold_nothing();
    let give_up = Instant::now() + PATIENCE;
    let refused = loop {
        let refused = world.manager.authenticate(&shown.token).await.unwrap_err();
        // After the timeout, the store client rejects requests for a short time.
        if refused.kind() != AuthErrorKind::StoreUnavailable {
            break refused;
        }
        assert!(Instant::now() < give_up, "{refused:?}");
        tokio::task::yield_now().await;
    };
    assert_eq!(refused.reason(), Some(RevokeReason::Suspended));
}
