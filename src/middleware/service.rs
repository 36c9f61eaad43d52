//! The middleware service: checks a request and calls the inner service.
//!
//! `call` runs the steps that need no store call. It reads the token and looks it up in the near
//! cache. If no cache entry shows that the token was verified, `call` verifies the token. If the
//! request then needs a store call, the response future makes the store call and runs the remaining
//! steps.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use crate::authenticate::lookup::Lookup;
use crate::error::AuthErrorKind;
use crate::middleware::attach;
use crate::middleware::future::ResponseFuture;
use crate::middleware::reject::{self, Head, JsonRejection, Reject};
use crate::middleware::rules::{Mode, Rules};
use crate::session::SessionData;

/// The service that [`SessionAuthLayer`](crate::SessionAuthLayer) creates around an inner service.
///
/// The service is ready when the inner service is ready. It returns only errors of the inner
/// service. A rejected request gets a response, not an error.
pub struct SessionAuth<S, D = (), R = JsonRejection> {
    inner: S,
    /// Shared in one `Arc`, because servers clone a service for each request.
    rules: Arc<Rules<D, R>>,
}

impl<S, D, R> SessionAuth<S, D, R> {
    pub(crate) fn new(inner: S, rules: Arc<Rules<D, R>>) -> Self {
        Self { inner, rules }
    }
}

impl<S, D, R, ReqBody, ResBody> Service<Request<ReqBody>> for SessionAuth<S, D, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    D: SessionData,
    R: Reject<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, D, R, ReqBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let Rules { manager, mode, source, request_policy, reject } = &*self.rules;
        let lookup = match source.credential(request.headers()) {
            Ok(token) => manager.lookup(token, request_policy),
            Err(error) => {
                // In optional mode, a request without a token is not rejected, so there is no
                // event.
                let is_missing = error.kind() == AuthErrorKind::MissingToken;
                if !is_missing || *mode == Mode::Required {
                    manager.refused(&error, None);
                }
                Lookup::Refused(error)
            }
        };
        let verified = match lookup {
            // Fast path (cache hit): no allocation for the check, no store access.
            Lookup::Passes(session) => {
                attach::session(request.extensions_mut(), session);
                return ResponseFuture::calling(self.inner.call(request));
            }
            Lookup::Verified(verified) => verified,
            Lookup::Refused(error) => {
                if let Some(cookie) = self.rules.pass(&error, request.headers()) {
                    attach::anonymous::<D>(request.extensions_mut(), manager.events().clone());
                    return ResponseFuture::calling_anonymous(self.inner.call(request), cookie);
                }
                attach::clear::<D>(request.extensions_mut());
                let response = reject::respond(&**reject, error, Head::of(&request));
                return ResponseFuture::rejected(response);
            }
        };
        // `poll_ready` made *this* inner service ready. The clone that replaces it is not ready.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        // The boxed future contains neither the request nor the service. So the request and the
        // service need not be `Send` or `'static`.
        let (manager, request_policy) = (manager.clone(), request_policy.clone());
        let check = Box::pin(async move { manager.check(&verified, &request_policy).await });
        ResponseFuture::checking(check, ready, request, Arc::clone(&self.rules))
    }
}

// Manual implementation: a derive would require `D: Clone` and `R: Clone`.
impl<S: Clone, D, R> Clone for SessionAuth<S, D, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), rules: Arc::clone(&self.rules) }
    }
}

impl<S: fmt::Debug, D, R> fmt::Debug for SessionAuth<S, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuth")
            .field("inner", &self.inner)
            .field("mode", &self.rules.mode)
            .field("source", &self.rules.source)
            .field("request_policy", &self.rules.request_policy)
            .finish_non_exhaustive()
    }
}
