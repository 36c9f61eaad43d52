//! Bulkheads. A failure of lists or scans does not affect requests. A failure of requests does not
//! affect lists and scans.

use std::time::Duration;

use tokio::time::{Instant, advance};
use tower_session_auth::AuthErrorKind;
use tower_session_auth::error::SessionError;
use tower_session_auth::store::StoreErrorKind;

use crate::support::switch::Mood;
use crate::support::{clocked, login, user};

fn is_unavailable<T>(answer: Result<T, SessionError>) -> bool {
    matches!(answer, Err(SessionError::Store(error)) if error.kind() == StoreErrorKind::Unavailable)
}

#[tokio::test(start_paused = true)]
async fn hanging_lists_fail_after_their_own_timeout_and_do_not_affect_requests() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::HangWalks);

    let asked = Instant::now();
    assert!(is_unavailable(manager.sessions(&user("jeju")).await));
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    let calls = store.calls();
    assert!(is_unavailable(manager.sessions(&user("jeju")).await), "the next list fails at once");
    assert!(is_unavailable(manager.statistics(|_| {}).await), "scans fail at once, too");
    assert!(is_unavailable(manager.cleanup(|_| {}).await));
    assert_eq!((asked.elapsed(), store.calls()), (Duration::from_secs(5), calls));

    manager.authenticate(&token).await.unwrap();
    assert!(manager.health().await.connected);

    store.set(Mood::Answer);
    advance(Duration::from_millis(100)).await;
    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1, "lists work again");
}

#[tokio::test(start_paused = true)]
async fn failing_requests_do_not_affect_lists_scans_and_cleanups() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::FailAllButWalks(StoreErrorKind::Unavailable));
    let refused = manager.authenticate(&token).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable);
    let calls = store.calls();
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(store.calls(), calls, "requests are rejected without a store call");

    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1);
    assert_eq!(manager.statistics(|_| {}).await.unwrap().total, 1);
    assert_eq!(manager.cleanup(|_| {}).await.unwrap(), 0);
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(
        store.calls(),
        calls + 3,
        "successful lists do not close the circuit breaker of requests"
    );
}
