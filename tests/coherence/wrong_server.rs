//! The pool and the invalidation connection reach different servers behind one address.

use std::time::Duration;

use tower_session_auth::manager::NearCacheState;
use tower_session_auth::store::RedisStore;
use tower_session_auth::{NewSession, SessionAuthLayer};

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance, app, ask};
use crate::late::{Lateness, now, past};
use crate::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{builder, user};
use crate::{BOUND, rounds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_left_at_the_old_server_follows_the_invalidation_connection() {
    let (real, other) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::start(real.port());
    // The pool has one connection, which is opened before the address changes.
    let limit = Duration::from_secs(5);
    let store = RedisStore::builder(&*proxy.url()).timeout(limit).pool_size(1).build().unwrap();
    let (manager, worker) = builder().store(store).store_timeout(limit).build().unwrap();
    let login = manager.create(NewSession::new(user("jeju")).role("v0")).await.unwrap();
    proxy.lead_to(other.port());
    let _background = worker.start();
    let app = app(SessionAuthLayer::new(manager.clone()));

    until("the pool follows the address", async || {
        let answer = ask(&app, &login.access_token).await;
        assert!(answer.is_in() || answer.is_out(), "{answer:?}");
        assert_eq!(manager.near_cache().hits, 0, "no hits while the two servers differ");
        answer.is_out()
    })
    .await;
    // The pool and the invalidation connection now reach the same server, and the near cache works.
    let login = manager.create(NewSession::new(user("jeju")).role("v0")).await.unwrap();
    until("the near cache is coherent", async || {
        assert!(ask(&app, &login.access_token).await.is_in());
        manager.near_cache().hits > 0
    })
    .await;
    assert_eq!(other.number(&["HLEN", "session:{jeju}:live"]).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_stops_within_the_lease_when_only_the_pool_moves_to_another_server() {
    only_the_pool_moves("the address leads elsewhere, the link stays", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_stops_within_the_lease_when_only_the_pool_moves_to_a_full_server() {
    let full = ["--maxmemory", "1", "--maxmemory-policy", "noeviction"];
    only_the_pool_moves("the address leads to a full server, the link stays", &full).await;
}

async fn only_the_pool_moves(case: &'static str, new_server: &[&str]) {
    let mut times = Lateness::of(case);
    for _ in 0..rounds(2) {
        let (old, new) = (RedisServer::start().await, RedisServer::start_with(new_server).await);
        let proxy = Proxy::start(old.port());
        let here = Instance::patient(&proxy.url());
        let login = here.login("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        client.until("admitted", Answer::is_in).await;
        // The old server stays up as a primary and keeps the invalidation connection. The new
        // server has no sessions.
        proxy.lead_to(new.port());
        let mut operator = Operator::at(&old).await;
        assert!(operator.kill_all_but_links().await >= 1);
        let moved = now();
        client.until("rejected", Answer::is_out).await;
        past(moved, 2 * BOUND).await;
        client.until("still rejected", Answer::is_out).await;
        times.add(client.stop().await.late(moved));
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_stops_within_the_lease_when_the_pool_reaches_no_server() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    let here = Instance::start(&proxy.url());
    let login = here.login("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    // No server listens on this port.
    proxy.lead_to(1);
    let mut operator = Operator::at(&server).await;
    assert!(operator.kill_all_but_links().await >= 1);
    let gone = now();
    client.until("no longer admitted", |answer| !answer.is_in()).await;
    assert!(client.stop().await.late(gone) <= BOUND);
    assert_ne!(here.near().state, NearCacheState::Coherent);
}
