//! Durations in the configuration. An extreme duration either is rejected or works. No duration
//! makes a calculation with times panic.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, advance};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_session_auth::error::StepUp;
use tower_session_auth::guards::RequireFresh;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::routes::{
    LoginLimit, RefreshDelivery, RefreshLimit, Routes, RoutesBuilder,
};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{
    FailurePolicy, NewSession, RevokeReason, SessionAuthLayer, SessionManager,
};

use crate::routes::desk::Desk;
use crate::routes::jar::{DAY, post};
use crate::routes::site::send;
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{START, bearer, builder, key, user};

const EXTREMES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(86_400),
    Duration::from_millis(u64::MAX),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

type Set = fn(SessionManagerBuilder, Duration) -> SessionManagerBuilder;

const MANAGER: [(&str, Set); 11] = [
    ("leeway", |b, d| b.leeway(d)),
    ("store_timeout", |b, d| b.store_timeout(d)),
    ("idle_ttl", |b, d| b.idle_ttl(d)),
    ("lifetime", |b, d| b.lifetime(d)),
    ("access_token_ttl", |b, d| b.access_token_ttl(d)),
    ("refresh_threshold", |b, d| b.refresh_threshold(d)),
    ("touch_interval", |b, d| b.touch_interval(d)),
    ("login_rate", |b, d| b.login_rate(1, d)),
    ("directory_timeout", |b, d| b.directory_timeout(d)),
    ("revalidate_after", |b, d| b.revalidate_after(d)),
    ("refresh_grace", |b, d| b.refresh_keys(key()).refresh_grace(d)),
];

type SetRoutes = fn(RoutesBuilder, Duration) -> RoutesBuilder;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// For each duration of the routes: its name, its upper bound and its setter.
const ROUTES: [(&str, Duration, SetRoutes); 5] = [
    ("timeout", HOUR, |r, d| r.timeout(d)),
    ("body_timeout", HOUR, |r, d| r.body_timeout(d)),
    ("login_limit.window", DAY, |r, d| r.login_limit(LoginLimit::new(1, d))),
    ("login_limit.longest_wait", DAY, |r, d| r.login_limit(LoginLimit::default().longest_wait(d))),
    ("refresh_limit.window", DAY, |r, d| r.refresh_limit(RefreshLimit::new(1, 1, d))),
];

/// Logs in, sends a request through the layer, lists the sessions and logs out. None of these steps
/// may panic.
async fn exercise(manager: &SessionManager, layer: SessionAuthLayer) {
    let Ok(login) = manager.create(NewSession::new(user("jeju"))).await else { return };
    let inner = service_fn(async |_: http::Request<String>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    drop(layer.layer(inner).oneshot(bearer(&login.access_token)).await.unwrap());
    drop(manager.sessions(login.session.user_id()).await);
    drop(manager.revoke(login.session.user_id(), login.session.id(), RevokeReason::Logout).await);
}

#[tokio::test]
async fn manager_rejects_extreme_durations_or_works_with_them() {
    for (name, set) in MANAGER {
        for duration in EXTREMES {
            match set(builder(), duration).build() {
                Ok((manager, worker)) => {
                    let background = worker.start();
                    exercise(&manager, SessionAuthLayer::new(manager.clone())).await;
                    background.stop().await.unwrap();
                }
                Err(error) => assert!(error.to_string().contains(name), "{name}: {error}"),
            }
        }
        let endless = set(builder(), Duration::MAX).build();
        assert!(endless.is_err(), "{name} must have an upper bound");
    }
}

#[tokio::test]
async fn new_session_rejects_extreme_durations_or_works_with_them() {
    let (manager, _worker) = builder().build().unwrap();
    for duration in EXTREMES {
        for new in [
            NewSession::new(user("jeju")).idle_ttl(duration),
            NewSession::new(user("jeju")).lifetime(duration),
            NewSession::new(user("jeju")).idle_ttl(duration).lifetime(duration),
        ] {
            if let Ok(login) = manager.create(new).await {
                assert!(manager.authenticate(&login.access_token).await.is_ok(), "{duration:?}");
            }
        }
    }
    let endless = NewSession::new(user("jeju")).lifetime(Duration::MAX);
    assert!(manager.create(endless).await.is_err());
}

#[tokio::test]
async fn layer_and_guard_reject_extreme_durations_or_work_with_them() {
    let (manager, _worker) = builder().build().unwrap();
    let layer = || SessionAuthLayer::new(manager.clone());
    for duration in EXTREMES {
        if let Ok(layer) = layer().max_staleness(duration) {
            exercise(&manager, layer).await;
        }
        exercise(&manager, layer().failure_policy(FailurePolicy::ServeStale(duration))).await;
        let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
        let inner = service_fn(async |_: http::Request<String>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
        });
        let guarded = layer().layer(RequireFresh::new(duration).layer(inner));
        drop(guarded.oneshot(bearer(&login.access_token)).await.unwrap());
        drop(format!("{:?}", StepUp::fresh(duration)));
    }
}

#[tokio::test]
async fn routes_reject_durations_beyond_their_bounds_and_accept_the_longest() {
    let (manager, _worker) = builder().refresh_keys(key()).build().unwrap();
    let built = |set: SetRoutes, duration| {
        set(Routes::builder(manager.clone(), Desk::new()), duration).build().map(drop)
    };
    for (name, longest, set) in ROUTES {
        let too_long = longest + Duration::from_millis(1);
        let refused = EXTREMES.into_iter().filter(|extreme| *extreme > longest);
        for duration in refused.chain([Duration::ZERO, too_long]) {
            let error = built(set, duration).unwrap_err().to_string();
            assert!(error.contains(name), "{name} of {duration:?}: {error}");
        }
        for duration in EXTREMES.into_iter().filter(|extreme| *extreme <= longest) {
            // The builder is allowed to reject the duration, but it must not panic.
            drop(built(set, duration));
        }
        assert!(built(set, longest).is_ok(), "{name} of {longest:?}");
    }
}

/// A manager over a store that can require waits without end.
fn endless() -> (SessionManager, Worker, SwitchStore) {
    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock));
    let settings = builder().clock(clock).store(store.clone()).refresh_keys(key());
    let (manager, worker) = settings.idle_ttl(7 * DAY).lifetime(7 * DAY).build().unwrap();
    (manager, worker, store)
}

#[tokio::test(start_paused = true)]
async fn refused_refresh_is_remembered_for_at_most_one_day() {
    let (manager, _worker, store) = endless();
    let routes = Routes::builder(manager.clone(), Desk::new());
    let router = routes.refresh_delivery(RefreshDelivery::Body).build().unwrap().standard();
    let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    let token = login.refresh_token.unwrap();
    let refresh = async || {
        let body = json!({"refresh_token": token.as_str()});
        send(&router, post("/auth/refresh").json(body).request()).await
    };
    store.set(Mood::Endless);
    assert_eq!(refresh().await.said(), (429, "rate_limited"));
    store.set(Mood::Answer);
    advance(DAY - Duration::from_millis(1)).await;
    assert_eq!(refresh().await.said(), (429, "rate_limited"));
    advance(Duration::from_millis(1)).await;
    let reply = refresh().await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn revocation_gives_up_one_minute_after_the_store_timeout() {
    let (manager, _worker, store) = endless();
    let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    store.set(Mood::Endless);
    let asked = Instant::now();
    let (user, session) = (login.session.user_id(), login.session.id());
    manager.revoke(user, session, RevokeReason::Logout).await.unwrap_err();
    assert_eq!(asked.elapsed(), Duration::from_millis(60_250));
}
