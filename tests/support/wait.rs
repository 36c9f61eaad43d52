//! Helpers that wait for a condition.

use std::time::{Duration, Instant};

use tower_session_auth::Session;
use tower_session_auth::store::SessionStore;

use super::ms;

/// How long a test waits. It only guards against a hang: everything takes far less, even on a
/// loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Advances Tokio's clock by `time` at once, in a test that otherwise runs on the real clock.
/// Requires a single-threaded runtime. A caller that waits for an answer with a timeout of at most
/// `time` times out.
pub async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Runs `work` while the store's server is stopped, and returns its output and how long it took on
/// Tokio's clock. The clock is paused: it moves only when every task waits for it, so the time does
/// not depend on the machine. Requires a single-threaded runtime.
pub async fn while_nothing_answers<T>(work: impl Future<Output = T>) -> (T, Duration) {
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let done = work.await;
    let took = start.elapsed();
    tokio::time::resume();
    (done, took)
}

/// Waits until the condition holds, and returns how long that took.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(ms(2)).await;
    }
    start.elapsed()
}

/// Waits until a use of a new session is due, in a process whose `touch_interval` is 1 ms. The
/// process estimates the store's clock with an error of up to one round trip. On a loaded machine
/// the estimate may therefore still be before the login.
pub async fn until_due(store: &impl SessionStore, session: &Session) {
    let due = session.created().saturating_add(ms(20));
    until("a use of the session is due", async || store.now() >= due).await;
}
