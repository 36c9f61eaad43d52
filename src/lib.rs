#![cfg_attr(docsrs, feature(doc_cfg))]
//! Tower middleware that lets a request in only with a valid JWT *and* a live server-side session.
//!
//! A JWT proves who signed it, not that its owner is still logged in. [`SessionAuthLayer`] asks for both, around any
//! `tower::Service<http::Request<B>>`:
//!
//! ```text
//! request ── bearer ──▶ near cache ─────────────hit─────────────▶ extensions ──▶ inner service
//!    │                        │ miss                                  ▲    │
//!    ▼                        ▼                                       │    ▼
//!  no token              verify the JWT ──▶ load the session ─────────┘  touch queue ──(batch)──▶ store
//!  401, or pass               │                   │
//!  (optional)                 ▼                   ▼
//!                            401       401, or 503 if nobody can tell
//! ```
//!
//! 1. The one `Authorization: Bearer` value is read ([`bearer`]), or a cookie if the layer is told so ([`TokenSource`]).
//! 2. What this process knows of the token is used while the store vouches for it
//!    ([`SessionManager::near_cache`]; with [`RedisStore`]). Then go on with 5: nobody was asked.
//! 3. The token is verified: one algorithm per key, issuer, audience, type, times ([`token`]).
//! 4. The session that it names is loaded from the store, within a deadline ([`store`]). Who the user is and which role
//!    they have comes from there.
//! 5. A [`Session`] goes into the request's extensions, and the inner service is called.
//! 6. In the background a [`Worker`](worker::Worker) moves the session's last activity and idle deadline.
//!
//! While the store cannot answer, [`FailurePolicy`] decides. A request that is not let in is answered with a response ([`JsonRejection`], or one of your own), with the
//! [`AuthError`] in its extensions.
//!
//! # Example
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_session_auth::{
//!     EndReason, KeySet, NewSession, Session, SessionAuthLayer, SessionManager, SigningKey, UserId,
//! };
//!
//! async fn hello(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
//!     let user = request.extensions().get::<Session>().map(|session| session.user_id().to_string());
//!     Ok(Response::new(format!("hello {}", user.unwrap_or_default())))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";
//! let (manager, worker) = SessionManager::builder()
//!     .keys(KeySet::new(SigningKey::hs256("2026-11", secret)?)) // 32 random bytes or more
//!     .issuer("https://example.com")
//!     .audience("shop")
//!     .build()?; // sessions in this process; `.store(RedisStore::new(url)?)` keeps them in Redis
//! let background = worker.start();
//! let service = SessionAuthLayer::new(manager.clone()).layer(service_fn(hello));
//!
//! // Somewhere in your login, once the password is right:
//! let user = UserId::parse("jeju").ok_or("not a user id")?;
//! let login = manager.create(NewSession::new(user).role("admin")).await?;
//!
//! let request = || {
//!     Request::get("/").header("authorization", format!("Bearer {}", login.access_token)).body(String::new())
//! };
//! let response = service.clone().oneshot(request()?).await?;
//! assert_eq!(response.body(), "hello jeju");
//!
//! manager.delete(login.session.user_id(), login.session.id(), EndReason::Logout).await?;
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert!(response.body().contains("session_revoked"));
//!
//! background.stop().await?; // writes what is left
//! # Ok(())
//! # }
//! ```
//!
//! # Refresh tokens, browsers
//!
//! With [`refresh_keys`](SessionManagerBuilder::refresh_keys) each login brings a refresh token, good for one exchange
//! ([`SessionManager::refresh`]); one that is used again later ends its session as stolen. Which lifetime does what, and what
//! cookies, CSRF, CORS and proxies ask of an application: see the [`guide`].
//!
//! # Features
//!
//! | feature | adds | cost |
//! |---|---|---|
//! | `redis` (default) | [`RedisStore`] | `redis`, `bb8` |
//! | `aws-lc-rs` (default) | the cryptography for tokens | needs a C compiler |
//! | `tls` | `rediss://`: TLS to Redis | `rustls` with `aws-lc-rs`; no native TLS |
//! | `axum` | extractors `Session<D>`, `Caller<D>`, and `Option` of both | `axum-core` |
//! | `routes` | [the auth and session routes](routes) to mount, and their OpenAPI document | `axum`, `utoipa`, `cookie` |
//! | `tracing` | a log under the target `tower_session_auth`, [events] under `tower_session_auth::event` | `tracing` |
//! | `metrics` | the figures of [`metrics`], through the `metrics` facade | no cost to speak of without a recorder |
//! | `testing` | clocks for tests, the contract suite for stores of your own | for dev-dependencies |
//!
//! `aws-lc-rs` turns on no feature of `jsonwebtoken`, so an application's own use of `jsonwebtoken` keeps its backend.
//! Without it, the library uses the backend that the application turned on at `jsonwebtoken` (`aws_lc_rs` where both are
//! on); where there is none, [`build`](SessionManagerBuilder::build) returns [`ConfigError::CryptoBackend`].

mod authenticate;
mod cache;
pub mod clock;
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "a store that tells of changes makes these, and only one does")
)]
mod coherence;
mod deadline;
pub mod directory;
pub mod error;
pub mod guide;
mod id;
mod manager;
mod middleware;
mod reason;
mod resilience;
#[cfg(feature = "routes")]
pub mod routes;
pub mod session;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
mod trace;
pub mod worker;

pub use self::authenticate::request_policy::FailurePolicy;
pub use self::authenticate::token_only::{TokenLogin, TokenOnly};
pub use self::cache::{NearCacheState, NearCacheStats};
pub use self::error::{AuthError, AuthErrorKind, ConfigError, KeyError, SessionError};
pub use self::id::{RandomError, SessionId, UserId};
pub use self::manager::{
    Cursor, Health, Login, OwnSession, Progress, SessionManager, SessionManagerBuilder,
    SessionPage, Statistics,
};
pub use self::middleware::attach::Caller;
pub use self::middleware::extract::{TokenSource, bearer};
#[cfg(feature = "axum")]
pub use self::middleware::extractors;
pub use self::middleware::future::ResponseFuture;
pub use self::middleware::guards;
pub use self::middleware::guards::{RequireAcr, RequireAmr, RequireFresh, RequireRole};
pub use self::middleware::layer::SessionAuthLayer;
pub use self::middleware::optional_mode::OptionalMode;
pub use self::middleware::reject::{Head, JsonRejection, Reject};
pub use self::middleware::same_origin::{SameOrigin, SameOriginFuture, SameOriginLayer};
pub use self::middleware::service::SessionAuth;
pub use self::reason::EndReason;
pub use self::session::{NewSession, Session, SessionData};
#[cfg(feature = "redis")]
pub use self::store::RedisStore;
pub use self::store::{MemoryStore, Replicas, Revoke, Revoked};
pub use self::token::{Algorithm, KeySet, RefreshToken, SigningKey, VerifiedClaims, VerifyingKey};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
