//! What the near cache tells about itself.

use std::time::Duration;

use tower_session_auth::{NearCacheState, RedisStore, SessionAuthLayer};

use crate::support::figures::Figures;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::{builder, login, user};
use crate::world::{sees, until, world};

#[tokio::test]
async fn it_counts_what_happens() {
    let mut world = world().await;
    let layer = world.layer();
    let jeju = login(&world.manager, "jeju").await;
    let before = world.manager.near_cache();
    assert_eq!((before.hits, before.misses, before.fills, before.lost_links), (0, 0, 0, 0));
    assert!(before.lag.is_some_and(|lag| lag < Duration::from_secs(5)), "{:?}", before.lag);

    for _ in 0..5 {
        assert_eq!(sees(&layer, &jeju.access_token).await, "live");
    }
    let now = world.manager.near_cache();
    assert_eq!((now.entries, now.hits, now.misses, now.fills), (1, 4, 1, 1));

    // Somebody else's change is told.
    world.server.number(&["HSET", "session:{jeju}:live", "junk", "x"]).await;
    until("it is told", async || world.manager.near_cache().invalidations > now.invalidations)
        .await;
    assert_eq!(sees(&layer, &jeju.access_token).await, "live");
    assert_eq!(world.manager.near_cache().fills, 2);

    world.server.stop();
    world.reaches(NearCacheState::Connecting).await;
    until("the loss is counted", async || world.manager.near_cache().lost_links == 1).await;
    world.server.restart().await;
    world.coherent().await;
    let health = world.manager.health().await;
    assert!(health.connected && health.cache.state == NearCacheState::Coherent);
    assert!(health.cache.since < Duration::from_secs(20), "since it came back");
    world.background.stop().await.unwrap();
    assert_eq!(world.manager.near_cache().state, NearCacheState::Off, "nobody listens any more");
    assert_eq!(world.manager.near_cache().lost_links, 1, "a stop is no loss");
}

#[tokio::test]
async fn the_figures_are_handed_over_each_second() {
    let figures = Figures::capture();
    let world = world().await;
    let token = login(&world.manager, "jeju").await.access_token;
    for _ in 0..5 {
        assert_eq!(sees(&world.layer(), &token).await, "live");
    }
    let told = std::cell::RefCell::new(std::collections::BTreeMap::new());
    until("they are handed over", async || {
        let mut told = told.borrow_mut();
        for (name, value) in figures.take() {
            let sum: &mut f64 = told.entry(name.clone()).or_default();
            *sum = if name.ends_with("_total") { *sum + value } else { value };
        }
        told.get("near_hits_total") == Some(&4.0)
    })
    .await;
    let told = told.into_inner();
    for name in ["near_misses_total", "near_fills_total", "near_coherent"] {
        assert_eq!(told.get(name), Some(&1.0), "{name} {told:?}");
    }
    assert_eq!(told.get("accepted_total"), Some(&5.0), "who was known counts too: {told:?}");
    // What is zero is left out.
    for name in ["near_lost_links_total", "near_stale_served_total"] {
        assert_eq!(told.get(name), None, "{name} {told:?}");
    }
    assert!(told["near_lag_seconds"] > 0.0);
}

#[tokio::test]
async fn a_server_that_refuses_to_tell_is_asked_for_each_request() {
    let server = RedisServer::start().await;
    let rule = "ACL SETUSER plain on >pw ~session:* &* +@all -client|tracking";
    server.command(&rule.split(' ').collect::<Vec<_>>()).await;
    let url = format!("redis://plain:pw@127.0.0.1:{}/", server.port());
    let (manager, worker) = builder().store(RedisStore::new(&url).unwrap()).build().unwrap();
    let background = worker.start();
    until("it is refused", async || manager.near_cache().state == NearCacheState::Refused).await;
    let login = login(&manager, "jeju").await;
    let layer = SessionAuthLayer::new(manager.clone());
    for _ in 0..3 {
        assert_eq!(sees(&layer, &login.access_token).await, "live");
    }
    assert_eq!(manager.near_cache().hits, 0);
    let reason = tower_session_auth::EndReason::Logout;
    manager.delete(&user("jeju"), login.session.id(), reason).await.unwrap();
    assert_eq!(sees(&layer, &login.access_token).await, "session_revoked");
    background.stop().await.unwrap();
}

#[tokio::test]
async fn the_rights_in_readme_are_enough() {
    let server = RedisServer::start().await;
    let rule =
        ["ACL", "SETUSER", "app", "on", ">pw"].into_iter().chain(ACL_RULE.split_whitespace());
    server.command(&rule.collect::<Vec<_>>()).await;
    let url = format!("redis://app:pw@127.0.0.1:{}/", server.port());
    let (manager, worker) = builder().store(RedisStore::new(&url).unwrap()).build().unwrap();
    let background = worker.start();
    until("it is used", async || manager.near_cache().state == NearCacheState::Coherent).await;
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
async fn without_a_worker_nothing_is_remembered() {
    let server = RedisServer::start().await;
    let (manager, _worker) =
        builder().store(RedisStore::new(&server.url()).unwrap()).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager.clone());
    for _ in 0..3 {
        assert_eq!(sees(&layer, &token).await, "live");
    }
    let cache = manager.near_cache();
    assert_eq!((cache.state, cache.hits), (NearCacheState::Off, 0));
}
