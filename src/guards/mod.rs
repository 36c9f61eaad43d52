//! Who may do what: layers for routes that a living session alone does not open.
//!
//! | guard | lets in | else |
//! |---|---|---|
//! | [`RequireRole`] | one of some roles | 403 `insufficient_scope` |
//! | [`RequireFresh`] | who logged in a short time ago | 401 `insufficient_user_authentication`, `max_age` |
//! | [`RequireAcr`] | who logged in strongly enough, by class (`acr`) | 401 likewise, `acr_values` |
//! | [`RequireAmr`] | who logged in strongly enough, by method (`amr`) | 401 likewise |
//!
//! A guard stands *inside* of a [`SessionAuthLayer`](crate::SessionAuthLayer), around any Tower service or a single
//! route, and several may stand around one another: each refuses for itself, the outermost first. It looks at the
//! session that the layer has loaded for this very request, never at a claim of the token: a role that was taken away
//! is gone with the next request. It asks nobody, never waits, and allocates nothing for a request that it lets in.
//!
//! The 401 is the challenge of RFC 9470. It is met without a new login: check what the client shows now, and tell
//! [`SessionManager::reauthenticate`](crate::SessionManager::reauthenticate); the token stays the same. A role is given
//! and taken with [`update`](crate::SessionManager::update) and [`update_all`](crate::SessionManager::update_all).
//!
//! Where there is no session, nobody is let in: 401 `missing_token` behind a layer in
//! [`optional`](crate::SessionAuthLayer::optional) mode, 500 `internal` without any layer (an error of the application's,
//! which the log tells with the `request_id` of the answer).
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
//!         .route_layer(recent) // judged second: the layer that is added last is the outermost
//!         .route_layer(admin) // judged first
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
//! # let user = UserId::parse("jeju").ok_or("not a user id")?;
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
use crate::events::Event;
use crate::session::SessionData;
use crate::steps::attach;
use crate::steps::reject::JsonRejection;

/// Lets a request through to the inner service only if its session meets a condition. Cheap to clone.
///
/// Made by one of [`RequireRole`], [`RequireFresh`], [`RequireAcr`] and [`RequireAmr`]; what they have in common is told
/// at the [module](self).
///
/// The inner service's errors, futures and readiness stay as they are, and nothing need be `Clone`, `Send` or `'static`.
/// A refusal is a response with the [`AuthError`] in its extensions, and an [`Event::Rejected`].
pub struct Guard<C, D = (), R = JsonRejection> {
    condition: Arc<C>,
    /// Made once, handed out for each refusal.
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
    /// For sessions with the application's own data: the `D` of the [`SessionAuthLayer<D>`](crate::SessionAuthLayer)
    /// around it. With another `D` than the layer's, each request is answered with 500.
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

    /// Answers refused requests with `reject`, as
    /// [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject) does. It is asked for every refusal,
    /// [`NoLayer`](crate::error::AuthErrorKind::NoLayer) included.
    #[must_use]
    pub fn on_reject<R2>(self, reject: R2) -> Guard<C, D, R2> {
        let Self { condition, refusal, reject: _, data } = self;
        Guard { condition, refusal, reject: Arc::new(reject), data }
    }

    /// Whether the session in these extensions may pass.
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
    /// Asks clients for more than the guard itself checks: what it checks stays in the challenge, `step_up` adds what it
    /// has no words for.
    ///
    /// For a route with two guards, so that a client learns in one answer what will open it; and for [`RequireAmr`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tower_session_auth::error::StepUp;
    /// use tower_session_auth::guards::{RequireAcr, RequireFresh};
    ///
    /// # fn main() -> Result<(), tower_session_auth::ConfigError> {
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

// By hand: a derive would ask for `C: Clone`, `D: Clone` and `R: Clone`.
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
