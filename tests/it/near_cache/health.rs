//! Status, metrics and log messages of the near cache.

use std::time::{Duration, Instant};

use tower_session_auth::manager::NearCacheState;
use tower_session_auth::{FailurePolicy, SessionAuthLayer};

use crate::near_cache::world::{sees, world, world_with_a_short_lease};
use crate::support::commands::Commands;
use crate::support::figures::Figures;
use crate::support::log::Log;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::wait::{PATIENCE, skip, until};
use crate::support::{login, patient_builder, patient_store, user};

#[tokio::test]
async fn status_counts_hits_misses_fills_invalidations_and_lost_connections() {
    let mut world = world().await;
    let layer = world.layer();
    let jeju = login(&world.manager, "jeju").await;
    let before = world.manager.near_cache();
    assert_eq!((before.hits, before.misses, before.fills, before.lost_links), (0, 0, 0, 0));
    assert!(before.lag.is_some_and(|lag| lag < PATIENCE), "{:?}", before.lag);

    for _ in 0..5 {
        assert_eq!(sees(&layer, &jeju.access_token).await, "live");
    }
    let now = world.manager.near_cache();
    assert_eq!((now.entries, now.hits, now.misses, now.fills), (1, 4, 1, 1));

    // Another client changes the session, and Redis pushes an invalidation for this change.
    world.server.number(&["HSET", "session:{jeju}:live", "junk", "x"]).await;
    until("the invalidation arrives", async || {
        world.manager.near_cache().invalidations > now.invalidations
    })
    .await;
    assert_eq!(sees(&layer, &jeju.access_token).await, "live");
    assert_eq!(world.manager.near_cache().fills, 2);

    world.server.stop();
    world.reaches(NearCacheState::Connecting).await;
    until("the lost connection is counted", async || world.manager.near_cache().lost_links == 1)
        .await;
    world.server.restart().await;
    world.coherent().await;
    let health = world.manager.health().await;
    assert!(health.connected && health.cache.state == NearCacheState::Coherent);
    assert!(health.cache.since < PATIENCE, "`since` counts from the reconnection");
    world.background.stop().await.unwrap();
    assert_eq!(world.manager.near_cache().state, NearCacheState::Off, "the worker has stopped");
    assert_eq!(
        world.manager.near_cache().lost_links,
        1,
        "stopping the worker is not a lost connection"
    );
}

#[tokio::test]
async fn readiness_without_redis_is_what_a_layer_with_the_same_failure_policy_does() {
    let mut world = world().await;
    let login = login(&world.manager, "jeju").await;
    let policies = [
        (FailurePolicy::Refuse, false),
        (FailurePolicy::ServeStale(Duration::from_secs(24 * 3600)), true),
        (FailurePolicy::TokenOnly, true),
    ];
    let layers = policies.map(|(policy, _)| world.layer().failure_policy(policy));
    for layer in &layers {
        assert_eq!(sees(layer, &login.access_token).await, "live");
    }
    world.server.stop();
    world.reaches(NearCacheState::Connecting).await;
    for ((policy, ready), layer) in policies.into_iter().zip(&layers) {
        let health = world.manager.health().await;
        assert_eq!((health.connected, health.is_ready(policy)), (false, ready), "{policy:?}");
        let refused = sees(layer, &login.access_token).await == "store_unavailable";
        assert_eq!(refused, !ready, "{policy:?}");
    }
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn status_since_restarts_when_a_live_invalidation_connection_is_not_trusted() {
    let world = world_with_a_short_lease().await;
    let (begin, while_) = (Instant::now(), Duration::from_secs(2));
    until("the near cache has been coherent for a while", async || {
        world.manager.near_cache().since > while_ && begin.elapsed() > while_
    })
    .await;
    // The invalidation connection stays open, but no other connection can be opened. Therefore the
    // near cache cannot check to which server the connections of the pool lead.
    let mut operator = world.server.connection().await;
    let mut say = async |words: &[&str]| {
        redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut operator).await.unwrap();
    };
    say(&["CONFIG", "SET", "requirepass", "pw"]).await;
    say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    world.reaches(NearCacheState::Connecting).await;
    assert!(world.manager.near_cache().since < begin.elapsed() - Duration::from_secs(1));
    say(&["CONFIG", "SET", "requirepass", ""]).await;
    world.coherent().await;
    assert!(world.manager.near_cache().since < begin.elapsed() - Duration::from_secs(1));
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn unreadable_record_is_logged_and_read_at_most_once_in_five_seconds() {
    let world = world().await;
    let layer = world.layer();
    let jeju = login(&world.manager, "jeju").await;
    let sid = jeju.session.id().as_str();
    let record = "1 1 1 3600000 99999999999999\n{\"role\":7}";
    world.server.number(&["HSET", "session:{jeju}:live", sid, record]).await;
    let log = Log::default();
    let _capture = log.capture();
    until("the unreadable record is read", async || {
        sees(&layer, &jeju.access_token).await == "session_expired"
    })
    .await;
    let (before, begin) = (Commands::of(&world.server).await, Instant::now());
    for _ in 0..100 {
        assert_eq!(sees(&layer, &jeju.access_token).await, "session_expired");
    }
    let asked = before.since(&world.server).await.calls("hget");
    let periods = begin.elapsed().as_secs() / 5 + 1;
    assert!(asked <= periods + 1, "once in five seconds: {asked} reads in {periods} periods");
    let told = log.text().matches("cannot read a session").count() as u64;
    assert!((1..=periods + 2).contains(&told), "{told} log messages in {periods} periods");
    // After an operator has removed the record, the user can log in again at once.
    world.server.number(&["HDEL", "session:{jeju}:live", sid]).await;
    let again = login(&world.manager, "jeju").await;
    assert_eq!(sees(&layer, &again.access_token).await, "live");
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn near_cache_metrics_are_published_without_zero_counters() {
    let figures = Figures::capture();
    let world = world().await;
    let token = login(&world.manager, "jeju").await.access_token;
    for _ in 0..5 {
        assert_eq!(sees(&world.layer(), &token).await, "live");
    }
    let told = std::cell::RefCell::new(std::collections::BTreeMap::new());
    until("the metrics are published", async || {
        let mut told = told.borrow_mut();
        for (name, value) in figures.take() {
            let sum: &mut f64 = told.entry(name.clone()).or_default();
            *sum = if name.ends_with("_total") { *sum + value } else { value };
        }
        told.get("near_cache_hits_total") == Some(&4.0)
    })
    .await;
    let told = told.into_inner();
    for name in ["near_cache_misses_total", "near_cache_fills_total", "near_cache_coherent"] {
        assert_eq!(told.get(name), Some(&1.0), "{name} {told:?}");
    }
    assert_eq!(
        told.get("requests_total{outcome=accepted}"),
        Some(&5.0),
        "cache hits count too: {told:?}"
    );
    // Counters that are zero are omitted.
    for name in ["near_cache_connections_lost_total", "near_cache_stale_served_total"] {
        assert_eq!(told.get(name), None, "{name} {told:?}");
    }
    assert!(told["near_cache_invalidation_lag_seconds"] > 0.0);
}

#[tokio::test]
async fn server_that_refuses_client_tracking_is_read_per_request_and_logged_once() {
    let server = RedisServer::start().await;
    let rule = "ACL SETUSER plain on >pw ~session:* &* +@all -client|tracking";
    server.command(&rule.split(' ').collect::<Vec<_>>()).await;
    let url = format!("redis://plain:pw@127.0.0.1:{}/", server.port());
    let log = Log::default();
    let captured = log.capture();
    let (manager, worker) = patient_builder(patient_store(&url)).build().unwrap();
    let background = worker.start();
    until("Redis refuses client tracking", async || {
        manager.near_cache().state == NearCacheState::Refused
    })
    .await;
    let login = login(&manager, "jeju").await;
    let layer = SessionAuthLayer::new(manager.clone());
    for _ in 0..3 {
        assert_eq!(sees(&layer, &login.access_token).await, "live");
    }
    let tries = async || Commands::of(&server).await.rejected("client|tracking");
    // The diagnosis also tries client tracking.
    until("the near cache and the diagnosis have tried", async || tries().await == 2).await;
    for _ in 0..3 {
        let before = tries().await;
        skip(Duration::from_secs(61)).await;
        until("client tracking is tried again", async || tries().await > before).await;
        // If an upkeep was running while the test skipped time, the upkeep may have timed out.
        until("the request is accepted", async || {
            sees(&layer, &login.access_token).await == "live"
        })
        .await;
        assert_eq!(manager.near_cache().state, NearCacheState::Refused);
    }
    assert_eq!(manager.near_cache().hits, 0);
    let reason = tower_session_auth::RevokeReason::Logout;
    manager.revoke(&user("jeju"), login.session.id(), reason).await.unwrap();
    assert_eq!(sees(&layer, &login.access_token).await, "session_revoked");
    background.stop().await.unwrap();
    drop(captured);
    let log = log.text();
    assert_eq!(log.matches("redis refuses invalidations").count(), 1, "{log}");
}

#[tokio::test]
async fn probe_that_redis_cannot_write_now_is_repeated_until_the_near_cache_is_coherent() {
    let server = RedisServer::start_with(&["--min-replicas-to-write", "1"]).await;
    let log = Log::default();
    let captured = log.capture();
    let (manager, worker) = patient_builder(patient_store(&server.url())).build().unwrap();
    let background = worker.start();
    until("Redis refuses two probes, or the near cache gives up", async || {
        log.text().matches("cannot open an invalidation connection").count() >= 2
            || manager.near_cache().state == NearCacheState::Refused
    })
    .await;
    assert_eq!(manager.near_cache().state, NearCacheState::Connecting);
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    until("the near cache is coherent", async || {
        manager.near_cache().state == NearCacheState::Coherent
    })
    .await;
    background.stop().await.unwrap();
    drop(captured);
    assert!(!log.text().contains("redis refuses invalidations"));
}

#[tokio::test]
async fn documented_acl_rule_is_sufficient_for_the_near_cache() {
    let server = RedisServer::start().await;
    let rule =
        ["ACL", "SETUSER", "app", "on", ">pw"].into_iter().chain(ACL_RULE.split_whitespace());
    server.command(&rule.collect::<Vec<_>>()).await;
    let url = format!("redis://app:pw@127.0.0.1:{}/", server.port());
    let (manager, worker) = patient_builder(patient_store(&url)).build().unwrap();
    let background = worker.start();
    until("the near cache is coherent", async || {
        manager.near_cache().state == NearCacheState::Coherent
    })
    .await;
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager.clone());
    until("a hit", async || {
        assert_eq!(sees(&layer, &token).await, "live");
        manager.near_cache().hits > 0
    })
    .await;
    background.stop().await.unwrap();
}

#[tokio::test]
async fn near_cache_stays_off_without_a_worker() {
    let server = RedisServer::start().await;
    let (manager, _worker) = patient_builder(patient_store(&server.url())).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager.clone());
    for _ in 0..3 {
        assert_eq!(sees(&layer, &token).await, "live");
    }
    let cache = manager.near_cache();
    assert_eq!((cache.state, cache.hits), (NearCacheState::Off, 0));
}
