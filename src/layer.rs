//! What an application puts into its stack.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tower_layer::Layer;

use crate::error::{AuthError, ConfigError};
use crate::manager::{Demand, FailurePolicy, SessionManager, Staleness};
use crate::service::SessionAuth;
use crate::session::SessionData;
use crate::steps::extract::TokenSource;
use crate::steps::lenient::{ClearedCookie, OptionalMode};
use crate::steps::reject::JsonRejection;
use crate::token::Audience;

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
    rules: Rules<D, R>,
}

/// Who is let in, and what happens to whoever is not.
pub(crate) struct Rules<D, R> {
    pub(crate) manager: SessionManager<D>,
    pub(crate) mode: Mode,
    pub(crate) source: TokenSource,
    pub(crate) demand: Demand,
    pub(crate) reject: Arc<R>,
}

/// What happens to a request without a good token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Required,
    Optional(OptionalMode),
}

impl<D, R> Rules<D, R> {
    /// Whether a request that is refused with `error` passes without a session, and the cookie that is to be taken back
    /// in its answer.
    pub(crate) fn pass(
        &self,
        error: &AuthError,
        headers: &HeaderMap,
    ) -> Option<Option<ClearedCookie>> {
        match self.mode {
            Mode::Required => None,
            Mode::Optional(mode) => mode.pass(error, &self.source, headers),
        }
    }
}

impl<D> SessionAuthLayer<D> {
    /// A layer that refuses requests without a token, and every request while nobody can say whether its session lives.
    #[must_use]
    pub fn new(manager: SessionManager<D>) -> Self {
        let (mode, source, demand) = (Mode::Required, TokenSource::header(), Demand::default());
        let reject = Arc::new(JsonRejection);
        Self { rules: Rules { manager, mode, source, demand, reject } }
    }
}

impl<D, R> SessionAuthLayer<D, R> {
    /// Lets a request without a token pass, without a session.
    ///
    /// A token that is shown must be good all the same: a bad one is 401, and a store that cannot tell is 503. Where tokens
    /// are in cookies, public pages then answer 401 to a browser whose session has ended: see
    /// [`optional_with`](Self::optional_with).
    #[must_use]
    pub fn optional(self) -> Self {
        self.optional_with(OptionalMode::strict())
    }

    /// The same, and `mode` says which tokens that are not good make an anonymous request as well.
    #[must_use]
    pub fn optional_with(mut self, mode: OptionalMode) -> Self {
        self.rules.mode = Mode::Optional(mode);
        self
    }

    /// Where the token is read from. The `Authorization` header alone by default; with a cookie as well, routes that change
    /// something need [protection against other sites](crate::SameOriginLayer).
    #[must_use]
    pub fn token_source(mut self, source: TokenSource) -> Self {
        self.rules.source = source;
        self
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
        let Rules { manager, mode, source, demand, reject: _ } = self.rules;
        let reject = Arc::new(reject);
        SessionAuthLayer { rules: Rules { manager, mode, source, demand, reject } }
    }

    /// What happens to a request while the store cannot say whether its session lives. By default it is
    /// [refused](FailurePolicy::Refuse) with 503.
    #[must_use]
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.rules.demand.policy = policy;
        self
    }
}

impl<D: SessionData, R> SessionAuthLayer<D, R> {
    /// How old the store's last word on a session may be: zero asks the store for each request, in one round trip.
    ///
    /// By default, and at most, this is the lease of the near cache (500 ms by default). It is a bound for when the
    /// connection is lost without a sign; as long as that works, a logout is known within a push of the server's.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for more than zero and less than three beats of the near cache (a beat is a fifth of
    /// its lease): most requests would ask the store, and none would know why.
    pub fn max_staleness(mut self, max: Duration) -> Result<Self, ConfigError> {
        self.rules.demand.staleness = Staleness::new(max, self.rules.manager.beat())?;
        Ok(self)
    }

    /// Takes tokens that are meant for `audience` (`aud`, RFC 7519 section 4.1.3) instead of the manager's own. Whatever
    /// else the manager demands stays.
    ///
    /// For services of several audiences behind one manager, whose tokens somebody else signs: the manager signs its
    /// own with its own audience. What one layer has verified counts for no layer with another audience. To log out such a
    /// token's session, name it ([`SessionManager::delete`]): [`SessionManager::logout`] and the routes take tokens for the
    /// manager's audience only.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if it is empty.
    pub fn audience(mut self, audience: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.rules.demand.audience = Some(Audience::new(audience.as_ref())?);
        Ok(self)
    }
}

impl<S, D, R> Layer<S> for SessionAuthLayer<D, R> {
    type Service = SessionAuth<S, D, R>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionAuth::new(inner, Arc::new(self.rules.clone()))
    }
}

// By hand: a derive would ask for `D: Clone` and `R: Clone`.
impl<D, R> Clone for Rules<D, R> {
    fn clone(&self) -> Self {
        Self {
            manager: self.manager.clone(),
            mode: self.mode,
            source: self.source.clone(),
            demand: self.demand.clone(),
            reject: Arc::clone(&self.reject),
        }
    }
}

impl<D, R> Clone for SessionAuthLayer<D, R> {
    fn clone(&self) -> Self {
        Self { rules: self.rules.clone() }
    }
}

impl<D, R> fmt::Debug for SessionAuthLayer<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuthLayer")
            .field("mode", &self.rules.mode)
            .field("source", &self.rules.source)
            .field("demand", &self.rules.demand)
            .field("manager", &self.rules.manager)
            .finish_non_exhaustive()
    }
}
