//! Durations that an application can set: any value is refused or works, and none makes arithmetic on time panic.

use std::time::Duration;

use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_session_auth::error::StepUp;
use tower_session_auth::routes::{LoginLimit, RefreshLimit, Routes};
use tower_session_auth::{
    EndReason, FailurePolicy, NewSession, RequireFresh, SessionAuthLayer, SessionManager,
    SessionManagerBuilder,
};

use crate::desk::Desk;
use crate::support::{bearer, builder, key, user};

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

/// A login, a request through the layer, a list and a logout.
async fn works(manager: &SessionManager, layer: SessionAuthLayer) {
    let Ok(login) = manager.create(NewSession::new(user("jeju"))).await else { return };
    let inner = service_fn(async |_: http::Request<String>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    drop(layer.layer(inner).oneshot(bearer(&login.access_token)).await.unwrap());
    drop(manager.sessions(login.session.user_id()).await);
    drop(manager.delete(login.session.user_id(), login.session.id(), EndReason::Logout).await);
}

#[tokio::test]
async fn each_duration_of_the_manager_is_refused_or_works() {
    for (name, set) in MANAGER {
        for duration in EXTREMES {
            match set(builder(), duration).build() {
                Ok((manager, worker)) => {
                    let background = worker.start();
                    works(&manager, SessionAuthLayer::new(manager.clone())).await;
                    background.stop().await.unwrap();
                }
                Err(error) => assert!(error.to_string().contains(name), "{name}: {error}"),
            }
        }
        let endless = set(builder(), Duration::MAX).build();
        assert!(endless.is_err(), "{name} has an upper bound");
    }
}

#[tokio::test]
async fn each_duration_of_a_session_is_refused_or_works() {
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
async fn each_duration_of_a_layer_and_a_guard_is_refused_or_works() {
    let (manager, _worker) = builder().build().unwrap();
    let layer = || SessionAuthLayer::new(manager.clone());
    for duration in EXTREMES {
        if let Ok(layer) = layer().max_staleness(duration) {
            works(&manager, layer).await;
        }
        works(&manager, layer().failure_policy(FailurePolicy::ServeStale(duration))).await;
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
async fn each_duration_of_the_routes_is_refused_or_works() {
    let accounts = || Desk::new();
    for duration in EXTREMES {
        let (manager, _worker) = builder().refresh_keys(key()).build().unwrap();
        let routes = || Routes::builder(manager.clone(), accounts());
        drop(routes().timeout(duration).build().map(drop));
        drop(routes().body_timeout(duration).build().map(drop));
        drop(routes().login_limit(LoginLimit::new(1, duration)).build().map(drop));
        let limit = LoginLimit::new(1, Duration::from_secs(60)).longest_wait(duration);
        drop(routes().login_limit(limit).build().map(drop));
        drop(routes().refresh_limit(RefreshLimit::new(1, 1, duration)).build().map(drop));
    }
}
