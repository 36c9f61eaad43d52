//! The pool and the link reach different servers behind one address.

use std::time::{Duration, Instant};

use tower_session_auth::store::RedisStore;
use tower_session_auth::{NearCacheState, NewSession, SessionAuthLayer};

use crate::commands::Commands;
use crate::instance::{app, ask};
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;
use crate::support::{builder, ms, user};
use crate::{is_long, until};

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
