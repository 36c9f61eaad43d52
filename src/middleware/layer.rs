//! The layer that an application adds to its Tower stack, and the layer's settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use crate::authenticate::request_policy::{FailurePolicy, RequestPolicy, Staleness};
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::middleware::extract::TokenSource;
use crate::middleware::optional_mode::OptionalMode;
use crate::middleware::reject::JsonRejection;
use crate::middleware::rules::{Mode, Rules};
use crate::middleware::service::SessionAuth;
use crate::session::SessionData;
use crate::token::Audience;

/// Calls the inner service only for a request with a valid access token and a live session. Cheap
/// to clone.
///
/// The layer puts the session into the request's extensions as [`Session<D>`](crate::Session). If
/// other code has put a session there, the layer replaces or removes it. The layer answers a
/// rejected request with a response, never with an error, so `S::Error` stays the inner service's
/// error type.
///
/// # Position in the stack
///
/// - *Outside* of every service that must see only authenticated requests.
/// - *Inside* of CORS. A preflight request (`OPTIONS`) carries no token, so the CORS layer must
///   answer it first.
/// - *Inside* of a request log. That log must not print the `Authorization` header.
///
/// # Requirements on the inner service
///
/// The inner service must be `Clone`. In Tower, only the value on which `poll_ready` was called is
/// ready. So during a store call, the response future holds that value, and a clone takes its place
/// in the layer's service.
///
/// This layer does not require that request bodies or services are `Send` or `'static`. It boxes
/// only the future of the store call as `Send`, and that future holds neither the body nor the
/// service. A server that spawns the response future itself requires both bounds.
///
/// If the inner service takes a permit of a concurrency limit in `poll_ready`, a request holds that
/// permit during the store call. Consider the time of the store call when you choose the limit, or
/// put the limit further inside, into a service that takes the permit in `call`.
pub struct SessionAuthLayer<D = (), R = JsonRejection> {
    rules: Rules<D, R>,
}

impl<D> SessionAuthLayer<D> {
    /// Creates a layer. It rejects a request without a token. It also rejects every request whose
    /// session it cannot check because the store is unavailable.
    #[must_use]
    pub fn new(manager: SessionManager<D>) -> Self {
        let (mode, source, request_policy) =
            (Mode::Required, TokenSource::header(), RequestPolicy::default());
        let reject = Arc::new(JsonRejection);
        Self { rules: Rules { manager, mode, source, request_policy, reject } }
    }
}

impl<D, R> SessionAuthLayer<D, R> {
    /// Lets a request without a token pass, without a session.
    ///
    /// If a request has a token, the token must be valid. The layer answers 401 to an invalid
    /// token, and 503 if the store is unavailable. So if the token is in a cookie, a public page
    /// answers 401 to a browser whose session is over. To let such requests pass, use
    /// [`optional_with`](Self::optional_with).
    #[must_use]
    pub fn optional(self) -> Self {
        self.optional_with(OptionalMode::strict())
    }

    /// Lets a request without a token pass. `mode` also selects the invalid tokens with which a
    /// request passes as anonymous instead of getting a 401.
    #[must_use]
    pub fn optional_with(mut self, mode: OptionalMode) -> Self {
        self.rules.mode = Mode::Optional(mode);
        self
    }

    /// Sets where the layer reads the token. Default: only the `Authorization` header. If the layer
    /// also reads a cookie, every route that changes something needs [protection against cross-site
    /// requests](crate::same_origin::SameOriginLayer).
    #[must_use]
    pub fn token_source(mut self, source: TokenSource) -> Self {
        self.rules.source = source;
        self
    }

    /// Answers rejected requests with `reject`: a [`Reject`](crate::auth_layer::Reject) implementation or a
    /// closure `Fn(&AuthError, Head<'_>) -> Response<B>`.
    ///
    /// ```
    /// use http::Response;
    /// use tower_session_auth::auth_layer::Head;
    /// use tower_session_auth::{AuthError, SessionAuthLayer, SessionManager};
    ///
    /// fn layer(manager: SessionManager) -> impl Clone {
    ///     SessionAuthLayer::new(manager).on_reject(|error: &AuthError, _: Head<'_>| {
    ///         let mut response = Response::new(error.kind().code().to_string());
    ///         *response.status_mut() = error.kind().status();
    ///         response
    ///     })
    /// }
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn on_reject<R2>(self, reject: R2) -> SessionAuthLayer<D, R2> {
        let Rules { manager, mode, source, request_policy, reject: _ } = self.rules;
        let reject = Arc::new(reject);
        SessionAuthLayer { rules: Rules { manager, mode, source, request_policy, reject } }
    }

    /// Sets what the layer does with a request while the store is unavailable and the session
    /// cannot be checked. Default: [`Refuse`](FailurePolicy::Refuse), which answers 503.
    #[must_use]
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.rules.request_policy.policy = policy;
        self
    }
}

impl<D: SessionData, R> SessionAuthLayer<D, R> {
    /// Sets the maximum time since the store last confirmed a session. With zero, each request
    /// makes a store call (one round trip).
    ///
    /// The default and the upper limit are the lease of the near cache (500 ms by default). The
    /// setting matters only while the invalidation connection has failed without a visible error.
    /// While the connection works, a revocation takes effect as soon as the server's push message
    /// arrives.
    ///
    /// Without a near cache, every request calls the store. In that case, every value is accepted
    /// and no value has an effect.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a value above zero and below three heartbeat intervals of
    /// the near cache. One heartbeat interval is a fifth of the lease. With such a value, most
    /// requests would call the store for no visible reason.
    pub fn max_staleness(mut self, max: Duration) -> Result<Self, ConfigError> {
        self.rules.request_policy.staleness =
            Staleness::new(max, self.rules.manager.heartbeat_interval())?;
        Ok(self)
    }

    /// Accepts tokens for `audience` (the `aud` claim, RFC 7519 section 4.1.3) instead of the
    /// manager's audience. All other requirements of the manager stay.
    ///
    /// Use this if several services with different audiences share one manager, and another issuer
    /// signs their tokens. The manager itself signs tokens only with its own audience. A token that
    /// one layer has verified is not valid for a layer with another audience.
    ///
    /// [`SessionManager::logout`] and the routes accept only tokens for the manager's audience. To
    /// revoke the session of a token for another audience, call [`SessionManager::revoke`] with the
    /// session's id.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if `audience` is empty.
    pub fn audience(mut self, audience: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.rules.request_policy.audience = Some(Audience::new(audience.as_ref())?);
        Ok(self)
    }
}

impl<S, D, R> Layer<S> for SessionAuthLayer<D, R> {
    type Service = SessionAuth<S, D, R>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionAuth::new(inner, Arc::new(self.rules.clone()))
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
            .field("request_policy", &self.rules.request_policy)
            .field("manager", &self.rules.manager)
            .finish_non_exhaustive()
    }
}
