//! Waiting for what must come to be so by itself.

use std::time::{Duration, Instant};

use tower_session_auth::Session;
use tower_session_auth::store::SessionStore;

use super::ms;

/// When a test gives up waiting: a guard against a hang, far above what anything takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Lets this much time pass at once for all that waits on Tokio's clock, in a test that lives on the real
/// one. On a runtime of one thread only. A question that is under way is given up by who waits no longer than
/// that for its answer.
pub async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Does this while the store's server is stopped, and tells how long it took on Tokio's clock. That clock
/// then moves only when every task waits for it, so the time does not depend on the machine. On a runtime of
/// one thread only.
pub async fn while_nothing_answers<T>(work: impl Future<Output = T>) -> (T, Duration) {
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let done = work.await;
    let took = start.elapsed();
    tokio::time::resume();
    (done, took)
}

/// Waits until this is so, and tells how long that took.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(ms(2)).await;
    }
    start.elapsed()
}

/// Waits until a use of a new session is due, in a process whose `touch_interval` is 1 ms. The process estimates the
/// store's clock with an error of up to one round trip: on a loaded machine that clock may still be before the login.
pub async fn until_due(store: &impl SessionStore, session: &Session) {
    let due = session.created() + ms(20);
    until("a use of the session is due", async || store.now().to_datetime() >= due).await;
}
