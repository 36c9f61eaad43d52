//! The response future. It checks the session, with a store call if needed, and then calls the
//! inner service.
//!
//! A request that needs a store call starts in the state `Checking`. Its next state is `Calling`,
//! `Clearing` or `Rejected`. A request that needs no store call starts in one of these three
//! states.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use crate::authenticate::verify::Passed;
use crate::error::AuthError;
use crate::middleware::attach;
use crate::middleware::optional_mode::ClearedCookie;
use crate::middleware::reject::{Head, Reject, respond};
use crate::middleware::rules::Rules;
use crate::session::SessionData;

type Check<D> = Pin<Box<dyn Future<Output = Result<Passed<D>, AuthError>> + Send>>;

pin_project! {
    /// The response to a request behind a [`SessionAuthLayer`](crate::SessionAuthLayer).
    ///
    /// # Cancel safety
    ///
    /// Dropping this future before it calls the inner service changes nothing. Dropping this future
    /// after it has called the inner service is as safe as dropping the inner service's future.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, D, R, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, D, R, ReqBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, D, R, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        // The response is ready. The inner service is not called.
        Rejected { response: Option<S::Response> },
        // Boxed, so that the future of a cache hit stays small. A cache hit is never in this state.
        Checking { check: Check<D>, next: Option<Box<Next<S, D, R, ReqBody>>> },
        Calling { #[pin] call: S::Future },
        // Like `Calling`, but the response also clears the cookie of a session that is over.
        Clearing { #[pin] call: S::Future, cookie: Option<Box<ClearedCookie>> },
    }
}

/// What the future needs to call the inner service after the check.
struct Next<S, D, R, ReqBody> {
    ready: S,
    request: Request<ReqBody>,
    rules: Arc<Rules<D, R>>,
}

impl<S, D, R, ReqBody> ResponseFuture<S, D, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    /// Creates the future of a request that is rejected without a store call.
    pub(crate) fn rejected(response: S::Response) -> Self {
        Self { state: State::Rejected { response: Some(response) } }
    }

    /// Creates the future of a request that passes without a store call.
    pub(crate) fn calling(call: S::Future) -> Self {
        Self { state: State::Calling { call } }
    }

    /// Creates the future of a request that passes without a session. The response clears `cookie`,
    /// if there is one.
    pub(crate) fn calling_anonymous(call: S::Future, cookie: Option<ClearedCookie>) -> Self {
        Self { state: State::anonymous(call, cookie) }
    }

    /// Creates the future of a request whose session the store must check first. `ready` must be
    /// the service on which `poll_ready` was called.
    pub(crate) fn checking(
        check: Check<D>,
        ready: S,
        request: Request<ReqBody>,
        rules: Arc<Rules<D, R>>,
    ) -> Self {
        let next = Some(Box::new(Next { ready, request, rules }));
        Self { state: State::Checking { check, next } }
    }
}

impl<S, D, R, ReqBody> State<S, D, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn anonymous(call: S::Future, cookie: Option<ClearedCookie>) -> Self {
        match cookie {
            None => Self::Calling { call },
            Some(cookie) => Self::Clearing { call, cookie: Some(Box::new(cookie)) },
        }
    }
}

impl<S, D, R, ReqBody, ResBody> Future for ResponseFuture<S, D, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    D: SessionData,
    R: Reject<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    #[expect(clippy::expect_used, reason = "a caller must not poll a future again after `Ready`")]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        const AGAIN: &str = "`ResponseFuture` polled again after it was ready";
        let mut state = self.project().state;
        loop {
            let next_state = match state.as_mut().project() {
                StateProj::Rejected { response } => {
                    return Poll::Ready(Ok(response.take().expect(AGAIN)));
                }
                StateProj::Calling { call } => return call.poll(context),
                StateProj::Clearing { call, cookie } => {
                    let mut response = ready!(call.poll(context))?;
                    if let Some(cookie) = cookie.take() {
                        cookie.clear_in(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProj::Checking { check, next } => {
                    let checked = ready!(check.as_mut().poll(context));
                    let Next { mut ready, mut request, rules } = *next.take().expect(AGAIN);
                    match checked {
                        Ok(passed) => {
                            let extensions = request.extensions_mut();
                            match passed {
                                Passed::Session(session) => attach::session(extensions, session),
                                Passed::TokenOnly(token) => {
                                    attach::token_only::<D>(extensions, token);
                                }
                            }
                            State::Calling { call: ready.call(request) }
                        }
                        Err(error) => match rules.pass(&error, request.headers()) {
                            Some(cookie) => {
                                let events = rules.manager.events().clone();
                                attach::anonymous::<D>(request.extensions_mut(), events);
                                State::anonymous(ready.call(request), cookie)
                            }
                            None => {
                                attach::clear::<D>(request.extensions_mut());
                                let response = respond(&*rules.reject, error, Head::of(&request));
                                State::Rejected { response: Some(response) }
                            }
                        },
                    }
                }
            };
            state.set(next_state);
        }
    }
}

impl<S, D, R, ReqBody> fmt::Debug for ResponseFuture<S, D, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
