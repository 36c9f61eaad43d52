//! The Tower service and the future of a guard.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::check::Check;
use crate::middleware::checked::Checked;
use crate::middleware::reject::{Head, JsonRejection, Reject, respond};
use crate::session::SessionData;

/// The service that a [guard](super) creates around an inner service.
///
/// The service is ready when the inner service is ready. It returns only errors of the inner
/// service. A rejected request gets a response, not an error.
pub struct Guarded<S, D = (), R = JsonRejection> {
    inner: S,
    check: Check<D, R>,
}

impl<S, D, R> Guarded<S, D, R> {
    pub(super) fn new(inner: S, check: Check<D, R>) -> Self {
        Self { inner, check }
    }
}

impl<S, D, R, ReqBody, ResBody> Service<Request<ReqBody>> for Guarded<S, D, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    D: SessionData,
    R: Reject<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let checked = match self.check.check(request.extensions()) {
            Ok(()) => Checked::calling(self.inner.call(request)),
            Err(error) => {
                Checked::rejected(respond(&*self.check.reject, error, Head::of(&request)))
            }
        };
        GuardFuture { checked }
    }
}

// Manual implementation: a derive would require `D: Clone` and `R: Clone`.
impl<S: Clone, D, R> Clone for Guarded<S, D, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), check: self.check.clone() }
    }
}

impl<S: fmt::Debug, D, R> fmt::Debug for Guarded<S, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("inner", &self.inner).field("check", &self.check).finish()
    }
}

pin_project! {
    /// The response to a request behind a [guard](super): the inner service's response, or the
    /// rejection.
    ///
    /// # Cancel safety
    ///
    /// Dropping this future is as safe as dropping the inner service's future.
    #[must_use = "futures do nothing unless polled"]
    pub struct GuardFuture<F, ResBody> {
        #[pin]
        checked: Checked<F, ResBody>,
    }
}

impl<F, ResBody, E> Future for GuardFuture<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().checked.poll(context)
    }
}

impl<F, ResBody> fmt::Debug for GuardFuture<F, ResBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
