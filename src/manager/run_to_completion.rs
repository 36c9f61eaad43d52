//! Runs work to completion even if its caller is dropped.

use std::future::Future;
use std::panic::resume_unwind;

use crate::error::SessionError;
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

/// Runs `work`, which is a write and its event, to completion in its own task, even if the caller
/// is dropped.
///
/// A server drops the future of a request when the client disconnects. Without the task, a client
/// could suppress the event of a revocation by disconnecting at the right moment.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    #[expect(clippy::disallowed_methods, reason = "part of one operation, which waits for it")]
    let task = tokio::spawn(trace::in_this_span(work));
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down. It is unknown whether the work was completed.
            Err(_) => Err(StoreError::new(StoreErrorKind::Interrupted).into()),
        },
    }
}
