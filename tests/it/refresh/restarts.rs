//! Restarts and failovers. Tokens are distinguished by their rotation counter alone, and never by
//! their time of issue. This holds across restarts and within one second.

use tower_session_auth::{AuthErrorKind, RevokeReason};

use crate::refresh::{builder, counter, is, is_over, is_revoked, manager_on, redis_store, token};
use crate::support::login;
use crate::support::redis::RedisServer;

#[tokio::test]
async fn refresh_token_reuse_is_detected_within_one_second_and_after_restarts() {
    let server = RedisServer::start().await;
    let strict = || {
        let builder = builder().refresh_grace(std::time::Duration::ZERO);
        builder.store(redis_store(&server)).build().unwrap().0
    };
    let first = login(&strict(), "jeju").await;
    let mut last = strict().refresh(token(&first)).await.unwrap();
    for _ in 0..5 {
        last = strict().refresh(token(&last)).await.unwrap();
    }
    is_revoked(&strict().refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    is_over(&strict(), &last, RevokeReason::RefreshReuse).await;
}

#[tokio::test]
async fn rotation_counter_survives_a_kill_of_a_persistent_redis() {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = RedisServer::start_with(&args).await;
    let store = redis_store(&server);
    let manager = manager_on(store.clone());
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    server.restart().await;
    assert_eq!(counter(&redis_store(&server), &first.session).await, Some(1));
    let manager = manager_on(redis_store(&server));
    let again = manager.refresh(token(&first)).await.unwrap();
    assert_eq!(token(&again), token(&second), "the grace window is still open");
    let third = manager.refresh(token(&second)).await.unwrap();
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    is_over(&manager, &third, RevokeReason::RefreshReuse).await;
}

/// The state is the same as after a failover: Redis has acknowledged the rotation, but the record
/// is the one from before the rotation.
#[tokio::test]
async fn token_with_a_counter_ahead_of_the_record_is_refused_but_can_log_out() {
    let server = RedisServer::start().await;
    let store = redis_store(&server);
    let manager = manager_on(store.clone());
    let first = login(&manager, "jeju").await;
    let (key, id) = ("session:{jeju}:live", first.session.id().as_str());
    let before = server.text(&["HGET", key, id]).await.unwrap();
    let second = manager.refresh(token(&first)).await.unwrap();
    server.command(&["HSET", key, id, &before]).await;
    is(&manager.refresh(token(&second)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    let refused = manager.authenticate(&second.access_token).await.unwrap_err();
    is(&refused, AuthErrorKind::InvalidToken);
    assert_eq!(server.text(&["HGET", key, id]).await.unwrap(), before, "the record is unchanged");
    assert!(manager.authenticate(&first.access_token).await.is_ok());
    assert!(manager.logout_refresh(token(&second)).await.unwrap(), "the token can log out");
    is_over(&manager, &first, RevokeReason::Logout).await;
}

/// Between the read and the write of a rotation, another operation changes the session. Then the
/// server is killed.
#[tokio::test]
async fn redis_restart_during_a_rotation_undoes_no_logout_and_no_update() {
    use crate::support::paused::{At, PausedStore, Verb};

    for logout in [true, false] {
        let args = ["--appendonly", "yes", "--appendfsync", "always"];
        let mut server = RedisServer::start_with(&args).await;
        let store = PausedStore::new(redis_store(&server));
        let manager = builder().store(store.clone()).build().unwrap().0;
        let first = login(&manager, "jeju").await;
        let mut stop = store.stop(Verb::Rotate, At::Before);
        let mut exchange = tokio::task::JoinSet::new();
        let (here, shown) = (manager.clone(), token(&first).to_owned());
        exchange.spawn(async move { here.refresh(&shown).await });
        stop.reached().await;
        let there = manager_on(redis_store(&server));
        let (user, id) = (first.session.user_id(), first.session.id());
        if logout {
            assert!(there.logout_refresh(token(&first)).await.unwrap());
        } else {
            there.update(user, id, |edit| edit.role = Some("admin".to_owned())).await.unwrap();
        }
        server.restart().await;
        stop.go();
        let exchanged = exchange.join_next().await.unwrap().unwrap();
        // The rotation may fail because its connection was lost. The store does not send such a
        // write a second time.
        let there = manager_on(redis_store(&server));
        if logout {
            assert!(exchanged.is_err());
            is_over(&there, &first, RevokeReason::Logout).await;
        } else {
            let second = there.refresh(token(&first)).await.unwrap();
            assert_eq!(second.session.role(), Some("admin"));
            assert_eq!(counter(&redis_store(&server), &first.session).await, Some(1));
            if let Ok(exchanged) = exchanged {
                assert_eq!(token(&exchanged), token(&second));
            }
        }
    }
}

#[tokio::test]
async fn refresh_is_refused_as_expired_after_redis_lost_its_data() {
    let mut server = RedisServer::start().await;
    let login = login(&manager_on(redis_store(&server)), "jeju").await;
    server.restart().await;
    let manager = manager_on(redis_store(&server));
    is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::SessionExpired);
    assert!(!manager.logout_refresh(token(&login)).await.unwrap());
}

/// If the server does not answer, no user is logged out. The same refresh token works after the
/// outage.
#[tokio::test]
async fn refresh_token_stays_valid_after_redis_did_not_answer() {
    let server = RedisServer::start().await;
    let patient = manager_on(redis_store(&server));
    let hasty = builder().store_timeout(std::time::Duration::from_millis(100));
    let hasty = hasty.store(redis_store(&server)).build().unwrap().0;
    let first = login(&patient, "jeju").await;
    server.pause();
    is(&hasty.refresh(token(&first)).await.unwrap_err(), AuthErrorKind::StoreUnavailable);
    server.resume();
    let second = patient.refresh(token(&first)).await.unwrap();
    assert_eq!(counter(&redis_store(&server), &first.session).await, Some(1));
    assert!(patient.refresh(token(&second)).await.is_ok());
}
