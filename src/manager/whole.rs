//! Work that its caller cannot cut in two.

use std::future::Future;
use std::panic::resume_unwind;

use crate::error::SessionError;
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

/// Does `work` to its end, also when the caller goes away: a write, and the telling of it. A server drops the future of
/// a request whose client hangs up, and nobody may end a session unseen by hanging up in time.
pub(super) async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    #[expect(clippy::disallowed_methods, reason = "a part of one verb, that the verb waits for")]
    let task = tokio::spawn(trace::in_this_span(work));
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down: done or not, nobody knows.
            Err(_) => Err(StoreError::new(StoreErrorKind::Interrupted).into()),
        },
    }
}
