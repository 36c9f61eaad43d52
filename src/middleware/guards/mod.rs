//! Guards: layers that authorize a request by its session, for routes that need more than a login.
//!
//! | guard | requires | otherwise |
//! |---|---|---|
//! | [`RequireRole`] | one of the given roles | 403 `insufficient_scope` |
//! | [`RequireFresh`] | a recent authentication | 401 `insufficient_user_authentication`, `max_age` |
//! | [`RequireAcr`] | a login of a strong enough class (`acr`) | 401 `insufficient_user_authentication`, `acr_values` |
//! | [`RequireAmr`] | a login with strong enough methods (`amr`) | 401 `insufficient_user_authentication` |
//!
//! A guard must be *inside* of a [`SessionAuthLayer`](crate::SessionAuthLayer), around any Tower
//! service or around one route. If guards are nested, each guard checks its own condition, and the
//! outermost guard checks first.
//!
//! A guard checks the session that the layer has put into the request, never a claim of the token.
//! So the removal of a role takes effect with the next request. A guard does no I/O and never
//! waits. It allocates no memory for a request that passes.
//!
//! The 401 responses in this table are challenges of RFC 9470. The client does not need a new
//! session to meet such a challenge. Instead, the application verifies the user's credentials again
//! and calls [`SessionManager::reauthenticate`](crate::SessionManager::reauthenticate). The access
//! token stays the same. To give a role to a user or to remove it, the application calls
//! [`update`](crate::SessionManager::update) or [`update_all`](crate::SessionManager::update_all).
//!
//! A guard always rejects a request without a session. If the layer around the guard is in
//! [`optional`](crate::SessionAuthLayer::optional) mode, the guard answers 401 `missing_token`. If
//! there is no layer around the guard, the guard answers 500 `internal`. The missing layer is an
//! error of the application. The log has an entry with the `request_id` of the response.
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
//!
//! # What the guards have in common
//!
//! Guards are cheap to clone. The errors, futures and readiness of the inner service do not change.
//! A guard requires no type to be `Clone`, `Send` or `'static`. A rejection is a response with the
//! [`AuthError`](crate::AuthError) in its extensions. The guard also emits an
//! [`Event::Rejected`](crate::telemetry::events::Event::Rejected).
//!
//! If the sessions hold data of the application, set the type of these data with `data`:
//!
//! ```
//! use tower_session_auth::guards::RequireRole;
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Cart { items: Vec<u32> }
//!
//! let guard: RequireRole<Cart> = RequireRole::new("admin").data::<Cart>();
//! # let _ = guard;
//! ```

mod acr;
mod amr;
mod check;
mod condition;
mod fresh;
mod role;
mod service;

pub use self::acr::RequireAcr;
pub use self::amr::RequireAmr;
pub use self::fresh::RequireFresh;
pub use self::role::RequireRole;
pub use self::service::{GuardFuture, Guarded};
