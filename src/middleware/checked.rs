//! The future of a service that checks its request synchronously and calls the inner service only
//! if the check passes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// The inner service's future, or the response of a failed check.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Checked<F, ResBody> {
        #[pin]
        state: State<F, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, ResBody> {
        Rejected { response: Option<Response<ResBody>> },
        Calling { #[pin] call: F },
    }
}

impl<F, ResBody> Checked<F, ResBody> {
    pub(crate) fn calling(call: F) -> Self {
        Self { state: State::Calling { call } }
    }

    pub(crate) fn rejected(response: Response<ResBody>) -> Self {
        Self { state: State::Rejected { response: Some(response) } }
    }
}

impl<F, ResBody, E> Future for Checked<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    #[expect(clippy::expect_used, reason = "a caller must not poll a future again after `Ready`")]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Rejected { response } => Poll::Ready(Ok(response
                .take()
                .expect("a response future was polled again after it was ready"))),
            StateProj::Calling { call } => call.poll(context),
        }
    }
}
