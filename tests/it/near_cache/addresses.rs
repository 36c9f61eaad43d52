//! The near cache checks regularly that the address of Redis still leads to the same server. While
//! the address leads there, the near cache stays coherent. If the check cannot open a connection,
//! the near cache logs this.

use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::manager::NearCacheState;
use tower_session_auth::store::{MaintainStore, NewRecord, SessionStore};
use tower_session_auth::{RedisStore, SessionId};

use crate::near_cache::world::{World, sees};
use crate::support::commands::Commands;
use crate::support::log::Log;
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, builder, login, ms, user};

/// A world whose timeouts are long enough for a loaded machine. The tests in this file count events
/// and measure no times.
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
async fn near_cache_stays_coherent_over_several_address_checks() {
    let world = world().await;
    let lost = world.manager.near_cache().lost_links;
    until("the near cache has been coherent for several check intervals", async || {
        world.manager.near_cache().since > Duration::from_secs(4)
    })
    .await;
    assert_eq!(world.manager.near_cache().lost_links, lost);
    // Each check opens a connection, on which the store loads its scripts. In addition, the probe
    // on the connection for requests loads one script per second.
    let before = Commands::of(&world.server).await;
    until("another check", async || before.since(&world.server).await.calls("script|load") >= 1)
        .await;
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn upkeep_makes_no_connection_before_an_address_check_is_due() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    let store = RedisStore::builder(proxy.url().as_str()).timeout(UNHURRIED);
    let store = store.address_check(Duration::from_secs(3600)).build().unwrap();
    store.upkeep().await.unwrap();
    let before = proxy.connections();
    for _ in 0..3 {
        store.upkeep().await.unwrap();
    }
    assert_eq!(proxy.connections(), before);
}

#[tokio::test]
async fn store_without_a_near_cache_leaves_the_old_server_of_its_address() {
    let (old, new) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::start(old.port());
    let store = RedisStore::builder(proxy.url().as_str()).timeout(UNHURRIED).pool_size(1);
    let store = store.address_check(ms(100)).build().unwrap();
    let (owner, id) = (user("jeju"), SessionId::random().unwrap());
    let hour = Duration::from_secs(3600);
    store.create(&owner, &id, &NewRecord::new(hour, hour, Bytes::new())).await.unwrap();
    // The connections to the old server stay open.
    proxy.lead_to(new.port());
    until("the store reads from the new server, which has no session", async || {
        store.upkeep().await.unwrap();
        store.load(&owner, &id, None).await.unwrap().is_none()
    })
    .await;
}

#[tokio::test]
async fn near_cache_is_bypassed_when_no_new_connection_can_be_made() {
    let world = world().await;
    let layer = world.layer();
    let token = login(&world.manager, "jeju").await.access_token;
    let log = Log::default();
    let capture = log.capture();
    let mut operator = world.server.connection().await;
    let mut say = async |words: &[&str]| {
        redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut operator).await.unwrap();
    };
    // Existing connections stay open, but no new connection can be made.
    say(&["CONFIG", "SET", "maxclients", "1"]).await;
    world.reaches(NearCacheState::Connecting).await;
    let hits = world.manager.near_cache().hits;
    for _ in 0..20 {
        assert_eq!(sees(&layer, &token).await, "live");
    }
    assert_eq!(world.manager.near_cache().hits, hits);
    assert_eq!(world.manager.near_cache().lost_links, 0, "the invalidation connection stays open");
    say(&["CONFIG", "SET", "maxclients", "10000"]).await;
    world.coherent().await;
    drop(capture);
    let log = log.text();
    let told = log.matches("the address check of redis failed: the near cache is off").count();
    assert_eq!(told, 1, "{log}");
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn near_cache_stays_coherent_and_reconnects_while_redis_is_out_of_memory() {
    let world = world().await;
    let layer = world.layer();
    let token = login(&world.manager, "jeju").await.access_token;
    world.server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    world.server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full_since = std::time::Instant::now();
    // The near cache writes several probe keys of both kinds, although Redis would refuse to create
    // a session.
    until("Redis has been out of memory for several check intervals", async || {
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
    // The near cache makes a new invalidation connection while Redis is out of memory.
    world.server.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    until("the lost connection is counted", async || world.manager.near_cache().lost_links == 1)
        .await;
    world.coherent().await;
    // Redis accepts a logout even if it has no free memory. It pushes the invalidation of the
    // logout on the new connection.
    until("a hit over the new connection", async || {
        let before = world.manager.near_cache().hits;
        sees(&layer, &token).await == "live" && world.manager.near_cache().hits > before
    })
    .await;
    let sid = world.manager.authenticate(&token).await.unwrap().id().as_str().to_owned();
    world.server.number(&["HDEL", "session:{jeju}:live", &sid]).await;
    until("the logout reaches the near cache", async || {
        sees(&layer, &token).await == "session_expired"
    })
    .await;
    world.background.stop().await.unwrap();
}
