//! The near cache stays in use while the address leads where it did, and says when that cannot be seen.

use std::time::Duration;

use tower_session_auth::{NearCacheState, RedisStore};

use crate::near_cache::world::{World, sees};
use crate::support::commands::Commands;
use crate::support::log::Log;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{builder, login};

/// With limits that a machine without a free processor keeps too: for what is counted, and not timed.
async fn world() -> World {
    let server = RedisServer::start().await;
    let store = RedisStore::builder(server.url()).timeout(Duration::from_secs(5));
    let store = store.lease(Duration::from_secs(3)).build().unwrap();
    let builder = builder().store(store).store_timeout(Duration::from_secs(5));
    let (manager, worker) = builder.build().unwrap();
    let world = World { server, manager, background: worker.start() };
    world.coherent().await;
    world
}

#[tokio::test]
async fn it_stays_coherent_over_several_checks_of_the_address() {
    let world = world().await;
    let lost = world.manager.near_cache().lost_links;
    until("it has been coherent for several intervals", async || {
        world.manager.near_cache().since > Duration::from_secs(4)
    })
    .await;
    assert_eq!(world.manager.near_cache().lost_links, lost);
    // A check is one connection; the probe of the requests' connection is one more script each second.
    let before = Commands::of(&world.server).await;
    until("another check", async || before.since(&world.server).await.calls("script|load") >= 1)
        .await;
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn without_new_connections_it_is_off_and_requests_are_served() {
    let world = world().await;
    let layer = world.layer();
    let token = login(&world.manager, "jeju").await.access_token;
    let log = Log::default();
    let capture = log.capture();
    let mut operator = world.server.connection().await;
    let mut say = async |words: &[&str]| {
        redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut operator).await.unwrap();
    };
    // Those that are there stay.
    say(&["CONFIG", "SET", "maxclients", "1"]).await;
    world.reaches(NearCacheState::Connecting).await;
    let hits = world.manager.near_cache().hits;
    for _ in 0..20 {
        assert_eq!(sees(&layer, &token).await, "live");
    }
    assert_eq!(world.manager.near_cache().hits, hits);
    assert_eq!(world.manager.near_cache().lost_links, 0, "the connection itself stays");
    say(&["CONFIG", "SET", "maxclients", "10000"]).await;
    world.coherent().await;
    drop(capture);
    let log = log.text();
    let told = log.matches("no connection could be made to see where its address leads").count();
    assert_eq!(told, 1, "{log}");
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_server_keeps_it_and_lets_it_begin_anew() {
    let world = world().await;
    let layer = world.layer();
    let token = login(&world.manager, "jeju").await.access_token;
    world.server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    world.server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full_since = std::time::Instant::now();
    // Several probes of both kinds are written while no login could be.
    until("it has been full for several intervals", async || {
        assert_eq!(sees(&layer, &token).await, "live");
        full_since.elapsed() > Duration::from_secs(3)
    })
    .await;
    assert_eq!(world.manager.near_cache().lost_links, 0);
    let hits = world.manager.near_cache().hits;
    until("a hit", async || {
        assert_eq!(sees(&layer, &token).await, "live");
        world.manager.near_cache().hits > hits
    })
    .await;
    // Another connection that tells of changes is made on the full server.
    world.server.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    until("the loss is counted", async || world.manager.near_cache().lost_links == 1).await;
    world.coherent().await;
    // It tells of a logout, which a full server takes.
    until("a hit over the new connection", async || {
        let before = world.manager.near_cache().hits;
        sees(&layer, &token).await == "live" && world.manager.near_cache().hits > before
    })
    .await;
    let sid = world.manager.authenticate(&token).await.unwrap().id().as_str().to_owned();
    world.server.number(&["HDEL", "session:{jeju}:live", &sid]).await;
    until("the logout is told", async || sees(&layer, &token).await == "session_expired").await;
    world.background.stop().await.unwrap();
}
