//! Waiting for what must come to be so by itself.

use std::time::{Duration, Instant};

use super::ms;

/// When to stop waiting for what should take a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Lets this much time pass at once for all that waits on Tokio's clock, in a test that lives on the real one. On a runtime
/// of one thread only. A question that is under way is given up by who waits no longer than that for its answer.
pub async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
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
