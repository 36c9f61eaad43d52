//! Lists and walks take long, and are no verdict on what requests ask; nor the reverse.

use std::time::Duration;

use tokio::time::{Instant, advance};
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::{AuthErrorKind, SessionError};

use crate::support::switch::Mood;
use crate::support::{clocked, login, user};

fn is_away<T>(answer: Result<T, SessionError>) -> bool {
    matches!(answer, Err(SessionError::Store(error)) if error.kind() == StoreErrorKind::Unavailable)
}

#[tokio::test(start_paused = true)]
async fn lists_that_hang_fail_after_their_own_limit_and_turn_no_request_away() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::HangWalks);

    let asked = Instant::now();
    assert!(is_away(manager.sessions(&user("jeju")).await));
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    let calls = store.calls();
    assert!(is_away(manager.sessions(&user("jeju")).await), "then at once");
    assert!(is_away(manager.statistics(|_| {}).await), "and so do walks");
    assert!(is_away(manager.cleanup(|_| {}).await));
    assert_eq!((asked.elapsed(), store.calls()), (Duration::from_secs(5), calls));

    manager.authenticate(&token).await.unwrap();
    assert!(manager.health().await.connected);

    store.set(Mood::Answer);
    advance(Duration::from_millis(100)).await;
    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1, "recovered by itself");
}

#[tokio::test(start_paused = true)]
async fn requests_that_fail_keep_nobody_from_listing() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::FailAllButWalks(StoreErrorKind::Unavailable));
    let refused = manager.authenticate(&token).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable);
    let calls = store.calls();
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(store.calls(), calls, "requests are turned away");

    assert_eq!(manager.sessions(&user("jeju")).await.unwrap().len(), 1);
    assert_eq!(manager.statistics(|_| {}).await.unwrap().total, 1);
    assert_eq!(manager.cleanup(|_| {}).await.unwrap(), 0);
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(store.calls(), calls + 3, "what lists are answered is no good news for requests");
}
