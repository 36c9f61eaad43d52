//! Several processes that use one Redis. Each process has its own near cache.

use std::time::{Duration, Instant};

use tower_session_auth::manager::NearCacheState;
use tower_session_auth::worker::Background;
use tower_session_auth::{AuthError, RevokeReason, SessionManager};

use crate::refresh::{builder, is_revoked, redis_store, token};
use crate::support::login;
use crate::support::redis::RedisServer;
use crate::support::wait::{PATIENCE, until};

async fn instance(server: &RedisServer, grace: Duration) -> (SessionManager, Background) {
    let (manager, worker) =
        builder().refresh_grace(grace).store(redis_store(server)).build().unwrap();
    let background = worker.start();
    let is_up = async || manager.near_cache().state == NearCacheState::Coherent;
    until("the near cache is coherent", is_up).await;
    (manager, background)
}

/// Authenticates until the token is refused. The invalidation may arrive shortly after the session
/// was revoked.
async fn until_refused(manager: &SessionManager, token: &str) -> AuthError {
    let since = Instant::now();
    loop {
        match manager.authenticate(token).await {
            Err(error) => return error,
            Ok(_) => assert!(since.elapsed() < PATIENCE, "the invalidation did not arrive"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_token_reuse_after_grace_revokes_the_session_on_all_instances() {
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
            // The test authenticates two times, because the near cache answers only the second
            // time.
            assert!(manager.authenticate(&login.access_token).await.is_ok());
            assert!(manager.authenticate(&login.access_token).await.is_ok());
        }
        assert!(manager.near_cache().hits > 0);
    }
    tokio::time::sleep(window * 2).await;
    is_revoked(&managers[2].refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    let refused = managers[2].authenticate(&second.access_token).await.unwrap_err();
    is_revoked(&refused, RevokeReason::RefreshReuse);
    for manager in &managers {
        for login in [&first, &second] {
            is_revoked(
                &until_refused(manager, &login.access_token).await,
                RevokeReason::RefreshReuse,
            );
            let refused = manager.refresh(token(login)).await.unwrap_err();
            is_revoked(&refused, RevokeReason::RefreshReuse);
        }
    }
    drop(managers);
    for (manager, background) in instances {
        drop(manager);
        background.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotated_access_token_is_accepted_by_another_instance_at_once() {
    let server = RedisServer::start().await;
    let window = Duration::from_secs(10);
    let (here, there) = (instance(&server, window).await, instance(&server, window).await);
    let mut login = login(&here.0, "jeju").await;
    for n in 0..50 {
        // The cache entry of the session still contains the previous rotation counter.
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
