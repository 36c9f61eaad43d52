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
/// The layer puts the session into the request's extensions as [`Session<D>`](crate::Session).
/// Other code may have put a `Session<D>` there before. If the layer accepts the request with a
/// session, the new session replaces the other one. If the request is rejected or continues without
/// a session, the layer removes the other session. The layer answers a rejected request with a
/// response, never with an error, so `S::Error` stays the inner service's error type.
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
/// The inner service must be `Clone`. In Tower, `poll_ready` makes only one value of a service
/// ready, and a clone of this value is not ready. During a store call, the response future owns the
/// ready value. The layer's service keeps a clone for the next request.
///
/// This layer does not require that request bodies or services are `Send` or `'static`. It boxes
/// only the future of the store call as `Send`. That future contains neither the body nor the
/// service. If a server spawns the response future with `tokio::spawn`, the server itself requires
/// that the body and the service are `Send` and `'static`.
///
/// A concurrency limit may give its permit in `poll_ready`. If the inner service has such a limit,
/// a request also keeps its permit during the store call. There are two solutions. You can choose a
/// higher limit, which includes the time of the store call. Or you can move the limit into an inner
/// service that takes the permit in `call`, because `call` runs after the store call.
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
    /// token. If the store is unavailable, the layer applies its [failure
    /// policy](Self::failure_policy), which answers 503 by default.
    ///
    /// If the token is in a cookie, a browser also sends the cookie of a session that is over. So
    /// the browser gets a 401 even for a public page. To let such a request pass, use
    /// [`optional_with`](Self::optional_with).
    #[must_use]
    pub fn optional(self) -> Self {
        self.optional_with(OptionalMode::strict())
    }

    /// Lets a request without a token pass. `mode` decides about a request with an invalid token:
    /// the layer either rejects it with 401 or lets it pass without a session.
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
    /// calls the store, which costs one round trip.
    ///
    /// The default is the lease of the near cache (500 ms by default). A longer time acts like the
    /// lease. The setting matters only while the invalidation connection has failed without a
    /// visible error. While the connection works, a revocation takes effect as soon as the server's
    /// push message arrives.
    ///
    /// Without a near cache, every request calls the store. In that case, this method accepts every
    /// value, and the value has no effect.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a value that is above zero but below three heartbeat
    /// intervals of the near cache. A heartbeat interval is a fifth of the lease, so with the
    /// default lease the minimum is 300 ms. With a lower value, most requests would call the store
    /// although the near cache works.
    pub fn max_staleness(mut self, max: Duration) -> Result<Self, ConfigError> {
        self.rules.request_policy.staleness =
            Staleness::new(max, self.rules.manager.heartbeat_interval())?;
        Ok(self)
    }

    /// Accepts tokens for `audience` (the `aud` claim, RFC 7519 section 4.1.3) instead of the
    /// manager's audience. All other requirements of the manager stay.
    ///
    /// Use this method if several services with different audiences share one manager, and another
    /// issuer signs the tokens of these services. The manager itself signs tokens only with its own
    /// audience. A layer with one audience does not accept a token for another audience, even if
    /// another layer has verified this token.
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
