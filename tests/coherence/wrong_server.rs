//! The pool and the link reach different servers behind one address.

use std::time::{Duration, Instant};

use tower_session_auth::store::RedisStore;
use tower_session_auth::{NearCacheState, NewSession, SessionAuthLayer};

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance, app, ask};
use crate::late::{Lateness, now, past};
use crate::operator::Operator;
use crate::support::commands::Commands;
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{builder, ms, user};
use crate::{BOUND, is_long, rounds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_another_server_is_never_trusted() {
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

    let (start, mut asked) = (Instant::now(), 0);
    let before = Commands::of(&real).await;
    while start.elapsed() < ms(if is_long() { 10_000 } else { 2_500 }) {
        let answer = ask(&app, &login.access_token).await;
        assert!(answer.is_in(), "{answer:?}");
        asked += 1;
        let near = manager.near_cache();
        assert!(near.state != NearCacheState::Coherent && near.hits == 0);
        tokio::time::sleep(ms(2)).await;
    }
    assert!(before.since(&real).await.reads() >= asked, "each request asks the store");
    assert!(other.number(&["DBSIZE"]).await <= 1, "a canary at most");
    assert!(manager.logout(&login.access_token).await.unwrap());
    assert!(ask(&app, &login.access_token).await.is_out());

    // The address is well again.
    let login = manager.create(NewSession::new(user("jeju")).role("v0")).await.unwrap();
    proxy.lead_to(real.port());
    proxy.cut(other.port());
    until("the near cache is coherent", async || {
        assert!(ask(&app, &login.access_token).await.is_in());
        manager.near_cache().hits > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_stays_behind_when_the_pool_moves_on_ends_within_the_lease() {
    let mut times = Lateness::of("the address leads elsewhere, the link stays");
    for _ in 0..rounds(2) {
        let (old, new) = (RedisServer::start().await, RedisServer::start().await);
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
