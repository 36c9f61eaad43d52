//! Running work to completion although the caller goes away.

use std::future::Future;
use std::panic::resume_unwind;

use crate::error::SessionError;
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

/// Runs `work`, which is a write and its event, to completion in its own task, even if the caller
/// goes away. A server drops the future of a request whose client disconnects. Without this task, a
/// client could suppress the event of a revocation by disconnecting in time.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    #[expect(clippy::disallowed_methods, reason = "part of one operation, which waits for it")]
    let task = tokio::spawn(trace::in_this_span(work));
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down: the work may be done or not.
            Err(_) => Err(StoreError::new(StoreErrorKind::Interrupted).into()),
        },
    }
}
