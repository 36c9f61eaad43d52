//! What an application puts into its stack.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::manager::SessionManager;
use crate::service::SessionAuth;
use crate::steps::reject::JsonRejection;

/// Lets a request through to the inner service only with a valid access token and a live session. Cheap to clone.
///
/// The session is in the request's extensions as [`Session<D>`](crate::Session); one that somebody else put there is
/// removed. A request that is not let in is answered with a response, never with an error: `S::Error` stays as it is.
///
/// # Where in the stack
///
/// - *Outside* of everything that must see authenticated requests only.
/// - *Inside* of CORS: a preflight (`OPTIONS`) carries no token, and must be answered before this layer.
/// - *Inside* of a request log, and that log must not print `Authorization`.
///
/// # What it asks of the inner service
///
/// `Clone`, because the service that was made ready is kept while the store is asked (tower's rule: only the value that
/// `poll_ready` was called on is ready). Bodies need neither `Send` nor `'static` by this layer's doing: the one part
/// that is boxed and `Send` holds no request and no service. A server that spawns the response future asks for both
/// itself.
///
/// A service with a concurrency limit keeps its permit while the store is asked: put the limit inside, or count on it.
pub struct SessionAuthLayer<D = (), R = JsonRejection> {
    manager: SessionManager<D>,
    mode: Mode,
    reject: Arc<R>,
}

/// What happens to a request without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Required,
    Optional,
}

impl<D> SessionAuthLayer<D> {
    /// A layer that refuses requests without a token.
    #[must_use]
    pub fn new(manager: SessionManager<D>) -> Self {
        Self { manager, mode: Mode::Required, reject: Arc::new(JsonRejection) }
    }
}

impl<D, R> SessionAuthLayer<D, R> {
    /// Lets a request without a bearer token pass, without a session.
    ///
    /// A token that is shown must be good all the same: a bad one is 401, and a store that cannot tell is 503.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { mode: Mode::Optional, ..self }
    }

    /// Answers refused requests with `reject`, a [`Reject`](crate::Reject) or a closure
    /// `Fn(&AuthError, Head<'_>) -> Response<B>`.
    ///
    /// ```
    /// use http::Response;
    /// use tower_session_auth::{AuthError, Head, SessionAuthLayer, SessionManager};
    ///
    /// fn layer(manager: SessionManager) -> impl Clone {
    ///     SessionAuthLayer::new(manager).on_reject(|error: &AuthError, _: Head<'_>| {
    ///         let mut response = Response::new(error.kind().code().to_owned());
    ///         *response.status_mut() = error.kind().status();
    ///         response
    ///     })
    /// }
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn on_reject<R2>(self, reject: R2) -> SessionAuthLayer<D, R2> {
        let Self { manager, mode, reject: _ } = self;
        SessionAuthLayer { manager, mode, reject: Arc::new(reject) }
    }
}

impl<S, D, R> Layer<S> for SessionAuthLayer<D, R> {
    type Service = SessionAuth<S, D, R>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionAuth::new(inner, self.manager.clone(), self.mode, Arc::clone(&self.reject))
    }
}

// By hand: a derive would ask for `D: Clone` and `R: Clone`.
impl<D, R> Clone for SessionAuthLayer<D, R> {
    fn clone(&self) -> Self {
        Self { manager: self.manager.clone(), mode: self.mode, reject: Arc::clone(&self.reject) }
    }
}

impl<D, R> fmt::Debug for SessionAuthLayer<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuthLayer")
            .field("mode", &self.mode)
            .field("manager", &self.manager)
            .finish_non_exhaustive()
    }
}
