//! The middleware itself.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use crate::error::AuthErrorKind;
use crate::future::ResponseFuture;
use crate::layer::{Mode, Rules};
use crate::manager::Recalled;
use crate::session::SessionData;
use crate::steps::attach;
use crate::steps::reject::{self, Head, JsonRejection, Reject};

/// A service behind a [`SessionAuthLayer`](crate::SessionAuthLayer).
pub struct SessionAuth<S, D = (), R = JsonRejection> {
    inner: S,
    /// In one piece: servers clone a service for each request.
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
        let Rules { manager, mode, source, demand, reject } = &*self.rules;
        let recalled = match source.credential(request.headers()) {
            Ok(token) => manager.recall(token, demand),
            Err(error) => {
                let is_missing = error.kind() == AuthErrorKind::MissingToken;
                if !is_missing || *mode == Mode::Required {
                    manager.refused(&error, None);
                }
                Recalled::Refused(error)
            }
        };
        let verified = match recalled {
            // The way of nearly all requests: nothing is boxed, nobody is asked.
            Recalled::Passes(session) => {
                attach::session(request.extensions_mut(), session);
                return ResponseFuture::calling(self.inner.call(request));
            }
            Recalled::Verified(verified) => verified,
            Recalled::Refused(error) => {
                if let Some(cookie) = self.rules.pass(&error, request.headers()) {
                    attach::anonymous::<D>(request.extensions_mut(), manager.events().clone());
                    return ResponseFuture::calling_anonymous(self.inner.call(request), cookie);
                }
                attach::clear::<D>(request.extensions_mut());
                let response = reject::respond(&**reject, error, Head::of(&request));
                return ResponseFuture::rejected(response);
            }
        };
        // `poll_ready` made *this* inner service ready; the clone left behind is not.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        // The boxed part holds neither the request nor the service: they need not be `Send` or `'static` for it.
        let (manager, demand) = (manager.clone(), demand.clone());
        let check = Box::pin(async move { manager.check(&verified, &demand).await });
        ResponseFuture::checking(check, ready, request, Arc::clone(&self.rules))
    }
}

// By hand: a derive would ask for `D: Clone` and `R: Clone`.
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
            .field("demand", &self.rules.demand)
            .finish_non_exhaustive()
    }
}
