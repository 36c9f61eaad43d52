//! The pool and the link reach different servers behind one address.

use std::time::Duration;

use tower_session_auth::store::RedisStore;
use tower_session_auth::{NearCacheState, NewSession, SessionAuthLayer};

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
async fn a_pool_that_stays_behind_when_the_link_is_made_follows_the_address() {
    let (real, other) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::start(real.port());
    // One connection, made before the address leads elsewhere.
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
        assert_eq!(manager.near_cache().hits, 0, "no link to one server vouches for another");
        answer.is_out()
    })
    .await;
    // Both lead to one server now, and the near cache works.
    let login = manager.create(NewSession::new(user("jeju")).role("v0")).await.unwrap();
    until("the near cache is coherent", async || {
        assert!(ask(&app, &login.access_token).await.is_in());
        manager.near_cache().hits > 0
    })
    .await;
    assert_eq!(other.number(&["HLEN", "session:{jeju}:live"]).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_stays_behind_when_the_pool_moves_on_ends_within_the_lease() {
    link_stays_behind("the address leads elsewhere, the link stays", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_stays_behind_when_the_pool_moves_to_a_full_server_ends_within_the_lease() {
    let full = ["--maxmemory", "1", "--maxmemory-policy", "noeviction"];
    link_stays_behind("the address leads to a full server, the link stays", &full).await;
}

async fn link_stays_behind(case: &'static str, new_server: &[&str]) {
    let mut times = Lateness::of(case);
    for _ in 0..rounds(2) {
        let (old, new) = (RedisServer::start().await, RedisServer::start_with(new_server).await);
        let proxy = Proxy::start(old.port());
        let here = Instance::patient(&proxy.url());
        let login = here.login("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        client.until("let in", Answer::is_in).await;
        // The old server lives on, calls itself a primary, and keeps the link. The new one knows nobody.
        proxy.lead_to(new.port());
        let mut operator = Operator::at(&old).await;
        assert!(operator.kill_all_but_links().await >= 1);
        let moved = now();
        client.until("refused", Answer::is_out).await;
        past(moved, 2 * BOUND).await;
        client.until("refused still", Answer::is_out).await;
        times.add(client.stop().await.late(moved));
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_whose_pool_reaches_nobody_ends_within_the_lease() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    let here = Instance::start(&proxy.url());
    let login = here.login("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    // Nobody listens there.
    proxy.lead_to(1);
    let mut operator = Operator::at(&server).await;
    assert!(operator.kill_all_but_links().await >= 1);
    let gone = now();
    client.until("cannot be told", |answer| !answer.is_in()).await;
    assert!(client.stop().await.late(gone) <= BOUND);
    assert_ne!(here.near().state, NearCacheState::Coherent);
}
