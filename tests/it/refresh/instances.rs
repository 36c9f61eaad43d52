//! Several processes with a near cache each, over one Redis.

use std::time::{Duration, Instant};

use tower_session_auth::worker::Background;
use tower_session_auth::{AuthError, EndReason, NearCacheState, SessionManager};

use crate::refresh::{builder, is_revoked, redis_store, token};
use crate::support::login;
use crate::support::redis::RedisServer;
use crate::support::wait::{PATIENCE, until};

async fn instance(server: &RedisServer, grace: Duration) -> (SessionManager, Background) {
    let (manager, worker) =
        builder().refresh_grace(grace).store(redis_store(server)).build().unwrap();
    let background = worker.start();
    let is_up = async || manager.near_cache().state == NearCacheState::Coherent;
    until("the near cache comes up", is_up).await;
    (manager, background)
}

/// As a push arrives shortly after the answer: until it is told no more.
async fn until_refused(manager: &SessionManager, token: &str) -> AuthError {
    let since = Instant::now();
    loop {
        match manager.authenticate(token).await {
            Err(error) => return error,
            Ok(_) => assert!(since.elapsed() < PATIENCE, "it is told"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_after_the_window_ends_the_session_on_all_instances() {
    let server = RedisServer::start().await;
    let window = Duration::from_millis(50);
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(instance(&server, window).await);
    }
    let managers: Vec<_> = instances.iter().map(|(manager, _)| manager.clone()).collect();
    let first = login(&managers[0], "jeju").await;
    let second = managers[1].refresh(token(&first)).await.unwrap();
    for manager in &managers {
        for login in [&first, &second] {
            // Twice: the second time out of the near cache.
            assert!(manager.authenticate(&login.access_token).await.is_ok());
            assert!(manager.authenticate(&login.access_token).await.is_ok());
        }
        assert!(manager.near_cache().hits > 0);
    }
    tokio::time::sleep(window * 2).await;
    is_revoked(&managers[2].refresh(token(&first)).await.unwrap_err(), EndReason::RefreshReuse);
    let refused = managers[2].authenticate(&second.access_token).await.unwrap_err();
    is_revoked(&refused, EndReason::RefreshReuse);
    for manager in &managers {
        for login in [&first, &second] {
            is_revoked(&until_refused(manager, &login.access_token).await, EndReason::RefreshReuse);
            let refused = manager.refresh(token(login)).await.unwrap_err();
            is_revoked(&refused, EndReason::RefreshReuse);
        }
    }
    drop(managers);
    for (manager, background) in instances {
        drop(manager);
        background.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_is_good_at_every_instance_as_soon_as_it_is_there() {
    let server = RedisServer::start().await;
    let window = Duration::from_secs(10);
    let (here, there) = (instance(&server, window).await, instance(&server, window).await);
    let mut login = login(&here.0, "jeju").await;
    for n in 0..50 {
        // What is remembered of the session has the number before.
        assert!(there.0.authenticate(&login.access_token).await.is_ok());
        login = here.0.refresh(token(&login)).await.unwrap();
        let session = there.0.authenticate(&login.access_token).await.unwrap();
        assert_eq!(session.claims().unwrap().rotation(), Some(n + 1));
    }
    for (manager, background) in [here, there] {
        drop(manager);
        background.stop().await.unwrap();
    }
}
