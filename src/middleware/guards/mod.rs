//! Guards: layers that authorize a request by its session, for routes that need more than a login.
//!
//! | guard | requires | otherwise |
//! |---|---|---|
//! | [`RequireRole`] | one of some roles | 403 `insufficient_scope` |
//! | [`RequireFresh`] | a recent authentication | 401 `insufficient_user_authentication`, `max_age` |
//! | [`RequireAcr`] | a login of a strong enough class (`acr`) | 401 `insufficient_user_authentication`, `acr_values` |
//! | [`RequireAmr`] | a login with strong enough methods (`amr`) | 401 `insufficient_user_authentication` |
//!
//! A guard must be *inside* of a [`SessionAuthLayer`](crate::SessionAuthLayer), around any Tower
//! service or around one route. Guards can be nested. Each guard then checks its own condition, the
//! outermost guard first.
//!
//! A guard checks the session that the layer has found for this request, never a claim of the
//! token. So the removal of a role takes effect with the next request. A guard does no I/O, never
//! waits, and makes no allocation for a request that passes.
//!
//! The 401 is the challenge of RFC 9470. The client can meet this challenge without a new session:
//! the application verifies the new credentials and calls
//! [`SessionManager::reauthenticate`](crate::SessionManager::reauthenticate). The token stays the
//! same. To give or remove a role, call [`update`](crate::SessionManager::update) or
//! [`update_all`](crate::SessionManager::update_all).
//!
//! A request without a session never passes. Behind a layer in
//! [`optional`](crate::SessionAuthLayer::optional) mode, the guard answers 401 `missing_token`.
//! Without any layer, the guard answers 500 `internal`. This is an error of the application, and
//! the log has an entry with the `request_id` of the response.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::{Router, routing::{delete, get}};
//! use tower_session_auth::guards::{RequireFresh, RequireRole};
//! use tower_session_auth::{SessionAuthLayer, SessionManager};
//!
//! fn app(manager: SessionManager) -> Router {
//!     let admin = RequireRole::any_of(["admin", "super_admin"]);
//!     let recent = RequireFresh::new(Duration::from_secs(5 * 60));
//!     Router::new()
//!         .route("/users", delete(async || "gone"))
//!         .route_layer(recent) // checked second: the layer that is added last is the outermost
//!         .route_layer(admin) // checked first
//!         .route("/hello", get(async || "hello")) // added after the guards: not behind them
//!         .layer(SessionAuthLayer::new(manager)) // around all of them
//! }
//! # use axum::{body::Body, http::{Request, StatusCode}};
//! # use tower::ServiceExt as _;
//! # use tower_session_auth::{KeySet, NewSession, SigningKey, UserId};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (manager, _worker) = SessionManager::builder()
//! #     .keys(KeySet::new(SigningKey::hs256("2026-11", b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo")?))
//! #     .issuer("https://example.com")
//! #     .audience("shop")
//! #     .build()?;
//! # let user = UserId::parse("jeju")?;
//! # for (role, status) in [("super_admin", StatusCode::OK), ("user", StatusCode::FORBIDDEN)] {
//! #     let login = manager.create(NewSession::new(user.clone()).role(role)).await?;
//! #     let request = |request: http::request::Builder| {
//! #         request.header("authorization", format!("Bearer {}", login.access_token)).body(Body::empty())
//! #     };
//! #     let app = app(manager.clone());
//! #     assert_eq!(app.clone().oneshot(request(Request::delete("/users"))?).await?.status(), status);
//! #     assert_eq!(app.oneshot(request(Request::get("/hello"))?).await?.status(), StatusCode::OK);
//! # }
//! # Ok(())
//! # }
//! ```

mod acr;
mod amr;
mod condition;
mod fresh;
mod role;
mod service;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::Extensions;

pub use self::acr::{Acr, RequireAcr};
pub use self::amr::{Amr, RequireAmr};
pub use self::condition::{Condition, LoginCondition};
pub use self::fresh::{Fresh, RequireFresh};
pub use self::role::{RequireRole, Role};
pub use self::service::{GuardFuture, Guarded};
use crate::error::{AuthError, StepUp};
use crate::middleware::attach;
use crate::middleware::reject::JsonRejection;
use crate::session::SessionData;
use crate::telemetry::events::Event;

/// Calls the inner service only if the session meets a condition. Cheap to clone.
///
/// To create a guard, use one of [`RequireRole`], [`RequireFresh`], [`RequireAcr`] and
/// [`RequireAmr`]. The [module documentation](self) describes what they have in common.
///
/// The errors, futures and readiness of the inner service do not change, and no type must be
/// `Clone`, `Send` or `'static`. A rejection is a response with the [`AuthError`] in its
/// extensions. The guard also emits an [`Event::Rejected`].
pub struct Guard<C, D = (), R = JsonRejection> {
    condition: Arc<C>,
    /// Created once, and cloned for each rejection.
    refusal: AuthError,
    reject: Arc<R>,
    data: PhantomData<fn() -> D>,
}

impl<C> Guard<C> {
    fn refusing(condition: C, refusal: AuthError) -> Self {
        let (condition, reject) = (Arc::new(condition), Arc::new(JsonRejection));
        Self { condition, refusal, reject, data: PhantomData }
    }
}

impl<C, D, R> Guard<C, D, R> {
    /// Sets the type of the application's session data: the `D` of the
    /// [`SessionAuthLayer<D>`](crate::SessionAuthLayer) around this guard. If `D` differs from the
    /// layer's, the guard answers every request with 500.
    ///
    /// ```
    /// use tower_session_auth::guards::RequireRole;
    ///
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Cart { items: Vec<u32> }
    ///
    /// let guard: RequireRole<Cart> = RequireRole::new("admin").data::<Cart>();
    /// # let _ = guard;
    /// ```
    #[must_use]
    pub fn data<E: SessionData>(self) -> Guard<C, E, R> {
        let Self { condition, refusal, reject, data: _ } = self;
        Guard { condition, refusal, reject, data: PhantomData }
    }

    /// Answers rejected requests with `reject`, as
    /// [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject) does. The guard calls
    /// `reject` for every rejection, including [`NoLayer`](crate::error::AuthErrorKind::NoLayer).
    #[must_use]
    pub fn on_reject<R2>(self, reject: R2) -> Guard<C, D, R2> {
        let Self { condition, refusal, reject: _, data } = self;
        Guard { condition, refusal, reject: Arc::new(reject), data }
    }

    /// Returns an error if these extensions hold no session, or if the session does not meet the
    /// condition. Emits an event for each rejection, except for `NoLayer` and `StoreUnavailable`.
    fn check(&self, extensions: &Extensions) -> Result<(), AuthError>
    where
        C: Condition,
        D: SessionData,
    {
        let session = attach::require::<D>(extensions)?;
        if self.condition.holds(session) {
            return Ok(());
        }
        session.events().emit(Event::Rejected {
            kind: self.refusal.kind(),
            user: Some(session.user_id().clone()),
            session: Some(session.id().clone()),
        });
        Err(self.refusal.clone())
    }
}

impl<C: LoginCondition, D, R> Guard<C, D, R> {
    /// Adds `step_up` to the challenge of this guard. The requirements that the guard itself checks
    /// stay in the challenge.
    ///
    /// Use this for a route with two guards, so that one response tells the client all
    /// requirements. Also use it for [`RequireAmr`], whose own challenge names no requirement.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tower_session_auth::error::StepUp;
    /// use tower_session_auth::guards::{RequireAcr, RequireFresh};
    ///
    /// # fn main() -> Result<(), tower_session_auth::error::ConfigError> {
    /// let (minute, strong) = (Duration::from_secs(60), ["phr", "phrh"]);
    /// let fresh = RequireFresh::new(minute).challenge(StepUp::acr(strong)?);
    /// let strong = RequireAcr::any_of(strong)?.challenge(StepUp::fresh(minute));
    /// # let _ = (fresh, strong);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn challenge(self, step_up: StepUp) -> Self {
        let step_up = match self.refusal.step_up() {
            Some(own) => own.clone().and(step_up),
            None => step_up,
        };
        Self { refusal: AuthError::needs(step_up), ..self }
    }
}

// Manual implementation: a derive would require `C: Clone`, `D: Clone` and `R: Clone`.
impl<C, D, R> Clone for Guard<C, D, R> {
    fn clone(&self) -> Self {
        Self {
            condition: Arc::clone(&self.condition),
            refusal: self.refusal.clone(),
            reject: Arc::clone(&self.reject),
            data: PhantomData,
        }
    }
}

impl<C: fmt::Debug, D, R> fmt::Debug for Guard<C, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("condition", &self.condition).finish_non_exhaustive()
    }
}
