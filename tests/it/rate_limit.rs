//! Rate limits that an application defines itself with `SessionManager::attempt`.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::advance;
use tower_session_auth::rate_limit::{AttemptError, AttemptRule};
use tower_session_auth::store::{MemoryStore, SessionStore};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{KeySet, RedisStore, SessionManager};

use crate::routes::site::site;
use crate::support::redis::RedisServer;
use crate::support::switch::SwitchStore;
use crate::support::{AUDIENCE, ISSUER, START, UNHURRIED, key};

const MINUTE: Duration = Duration::from_secs(60);
/// This window is longer than a test that runs on a real clock.
const LONG: Duration = Duration::from_secs(24 * 3600);

fn manager(store: impl SessionStore, clock: TokioClock) -> SessionManager {
    let builder = SessionManager::builder().keys(KeySet::new(key()));
    let builder = builder.issuer(ISSUER).audience(AUDIENCE).clock(clock).store(store);
    builder.build().unwrap().0
}

fn rule(attempts: u32) -> AttemptRule {
    AttemptRule::new(NonZeroU32::new(attempts).unwrap(), MINUTE)
}

/// Makes a failed attempt. Two of these attempts are allowed per minute. Returns the wait if the
/// limit is reached.
async fn fail(manager: &SessionManager, purpose: &str, who: &str) -> Option<Duration> {
    fail_under(&rule(2), manager, purpose, who).await
}

async fn fail_under(
    rule: &AttemptRule,
    manager: &SessionManager,
    purpose: &str,
    who: &str,
) -> Option<Duration> {
    match manager.attempt(purpose, who, rule).await {
        Ok(failed) => {
            drop(failed);
            None
        }
        Err(AttemptError::RateLimited { retry_after }) => Some(retry_after),
        Err(error) => unreachable!("{error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_above_the_limit_are_refused_until_the_wait_ends() {
    let clock = TokioClock::new(START);
    let manager = manager(MemoryStore::with_clock(clock), clock);
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    assert_eq!(fail(&manager, "totp", "jeju").await, Some(MINUTE));
    // Another user and another purpose have their own counters.
    assert_eq!(fail(&manager, "totp", "seoul").await, None);
    assert_eq!(fail(&manager, "reset", "jeju").await, None);

    advance(MINUTE - Duration::from_millis(1)).await;
    assert_eq!(fail(&manager, "totp", "jeju").await, Some(Duration::from_millis(1)));
    advance(Duration::from_millis(1)).await;
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    assert_eq!(fail(&manager, "totp", "jeju").await, Some(2 * MINUTE), "one attempt after a wait");
}

#[tokio::test(start_paused = true)]
async fn counters_of_an_application_and_of_the_routes_are_separate() {
    let site = site();
    // The routes use these words for their own counters of logins.
    for purpose in ["user_id", "email", "account", "address", "device"] {
        site.manager.attempt(purpose, "jeju", &rule(1)).await.map(drop).unwrap();
        assert!(site.manager.attempt(purpose, "jeju", &rule(1)).await.is_err(), "{purpose}");
    }
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_given_back_does_not_count_and_a_cleared_counter_starts_anew() {
    let clock = TokioClock::new(START);
    let manager = manager(MemoryStore::with_clock(clock), clock);
    for _ in 0..5 {
        manager.attempt("totp", "jeju", &rule(2)).await.unwrap().give_back().await;
    }
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    manager.attempt("totp", "jeju", &rule(2)).await.unwrap().clear().await;
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    assert_eq!(fail(&manager, "totp", "jeju").await, None);
    assert_eq!(fail(&manager, "totp", "jeju").await, Some(MINUTE));
}

#[tokio::test]
async fn instances_on_one_redis_share_the_counts_and_redis_sees_only_pseudonyms() {
    let server = RedisServer::start().await;
    let instance = || {
        let store = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED).build().unwrap();
        manager(store, TokioClock::new(START))
    };
    let (one, other) = (instance(), instance());
    let rule = AttemptRule::new(NonZeroU32::new(2).unwrap(), LONG);
    assert_eq!(fail_under(&rule, &one, "totp", "jeju").await, None);
    assert_eq!(fail_under(&rule, &other, "totp", "jeju").await, None);
    for manager in [&one, &other] {
        let wait = fail_under(&rule, manager, "totp", "jeju").await.unwrap();
        assert!(!wait.is_zero() && wait <= LONG, "{wait:?}");
    }
    let keys = format!("{:?}", server.command(&["KEYS", "*"]).await);
    assert!(keys.contains("session:"), "{keys}");
    assert!(!keys.contains("jeju") && !keys.contains("totp"), "{keys}");
}

#[tokio::test]
async fn an_attempt_is_an_error_while_the_store_is_unavailable() {
    let server = RedisServer::start().await;
    let store = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED).build().unwrap();
    let manager = manager(store, TokioClock::new(START));
    let rule = AttemptRule::new(NonZeroU32::MIN, LONG);
    let counted = manager.attempt("totp", "jeju", &rule).await.unwrap();
    assert_eq!(format!("{counted:?}"), "CountedAttempt { .. }");
    let limited = manager.attempt("totp", "jeju", &rule).await.unwrap_err();
    assert!(limited.to_string().starts_with("too many attempts: try again after "), "{limited}");
    drop(server);
    counted.give_back().await; // cannot reach the store: logs a warning, and the call ends
    let refused = manager.attempt("totp", "seoul", &rule).await.unwrap_err();
    assert!(matches!(refused, AttemptError::NotCounted(_)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn each_process_counts_by_itself_if_the_store_does_not_count() {
    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock)); // its `attempt` returns `None`
    let (one, other) = (manager(store.clone(), clock), manager(store, clock));
    assert_eq!(fail(&one, "totp", "jeju").await, None);
    one.attempt("totp", "jeju", &rule(2)).await.unwrap().give_back().await;
    assert_eq!(fail(&one, "totp", "jeju").await, None);
    assert_eq!(fail(&one, "totp", "jeju").await, Some(MINUTE));
    assert_eq!(fail(&other, "totp", "jeju").await, None, "another process has its own counts");
}
