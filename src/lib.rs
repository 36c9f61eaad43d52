#![cfg_attr(docsrs, feature(doc_cfg))]
//! Tower middleware that accepts a request only with a valid JWT *and* a live server-side session.
//!
//! A JWT proves which key signed it. It does not prove that its owner is still logged in.
//! [`SessionAuthLayer`] wraps any `tower::Service<http::Request<B>>`, and checks both the JWT and
//! the session. If the near cache has a valid entry for the token, the check needs no round trip to
//! the store. A revocation takes effect in all processes within milliseconds.
//!
//! # What do you want to do?
//!
//! | task | item |
//! |---|---|
//! | protect a service | [`SessionAuthLayer`] |
//! | read the session in a handler | [`Session`] in the request's extensions, or the [`extractors`] |
//! | answer rejections with another body type or text | [`SessionAuthLayer::on_reject`] |
//! | accept requests without a token too | [`SessionAuthLayer::optional`] |
//! | require a role, a recent login, or a login method | [`guards`] |
//! | read the token from a cookie | [`TokenSource`], with [`SameOriginLayer`](same_origin::SameOriginLayer) against CSRF |
//! | log a user in with a password | the mountable [`routes`], or [`SessionManager::create`] |
//! | log a user in by OAuth, a sign-up or a magic link | [`Routes::logins`](routes::Routes::logins) |
//! | exchange a refresh token | [`SessionManager::refresh`] |
//! | log a user out, on one device or on all | [`SessionManager::logout`], [`SessionManager::revoke`] |
//! | list or change the sessions of a user | [`SessionManager::sessions`], [`SessionManager::update`] |
//! | keep the sessions in Redis | [`RedisStore`] |
//! | keep the sessions elsewhere | [`store::SessionStore`], and the contract suite in [`testing`] |
//! | limit attempts of your own | [`SessionManager::attempt`], [`rate_limit`] |
//! | choose what happens while the store is unavailable | [`FailurePolicy`] |
//! | check the user's account and role at your user table | [`directory`] |
//! | rotate the signing keys | [`KeySet`], [`SessionManager::replace_keys`] |
//! | write an audit trail, or watch metrics | [`telemetry`] |
//! | test a service without waiting | [`testing`] |
//! | understand lifetimes, browsers, CSRF, CORS and proxies | [`guide`] |
//!
//! # The path of a request
//!
//! ```text
//! request ── bearer ──▶ near cache ─────────────hit─────────────▶ extensions ──▶ inner service
//!    │                        │ miss                                  ▲    │
//!    ▼                        ▼                                       │    ▼
//!  no token              verify the JWT ──▶ load the session ─────────┘  touch queue ──(batch)──▶ store
//!  401, or pass               │                   │
//!  (optional)                 ▼                   ▼
//!                            401       401, or 503 if the store cannot answer
//! ```
//!
//! 1. The layer reads the token from the only `Authorization: Bearer` value of the request
//!    ([`bearer`](auth_layer::bearer)), or from a cookie if [`TokenSource`] permits it.
//! 2. The layer looks the token up in the near cache of this process
//!    ([`SessionManager::near_cache`]). If a valid entry contains a live session, the request
//!    continues with step 5. If a valid entry states that the session is over, the layer rejects
//!    the request. With [`RedisStore`], Redis itself invalidates the entries.
//! 3. If there is no valid entry, the layer verifies the token: first the signature, with the one
//!    algorithm of the key, and afterwards issuer, audience, type and times ([`token`]).
//! 4. The layer loads the session from the store, within a deadline ([`store`]). The user and the
//!    role come from the session, not from the token.
//! 5. The layer puts a [`Session`] into the request's extensions and calls the inner service.
//! 6. In the background, a [`Worker`](worker::Worker) writes the last activity of the session and
//!    its new idle deadline to the store.
//!
//! While the store cannot answer, the layer's [`FailurePolicy`] decides what happens to a request.
//! [`JsonRejection`](auth_layer::JsonRejection), or your own [`Reject`](auth_layer::Reject), makes
//! the response to a rejected request. The extensions of this response contain the [`AuthError`].
//!
//! # Example
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_session_auth::{
//!     RevokeReason, KeySet, NewSession, Session, SessionAuthLayer, SessionManager, SigningKey, UserId,
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
//! let user = UserId::parse("jeju")?;
//! let login = manager.create(NewSession::new(user).role("admin")).await?;
//!
//! let request = || {
//!     Request::get("/").header("authorization", format!("Bearer {}", login.access_token)).body(String::new())
//! };
//! let response = service.clone().oneshot(request()?).await?;
//! assert_eq!(response.body(), "hello jeju");
//!
//! manager.revoke(login.session.user_id(), login.session.id(), RevokeReason::Logout).await?.was_live();
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert!(response.body().contains("session_revoked"));
//!
//! background.stop().await?; // writes the queued touches
//! # Ok(())
//! # }
//! ```
//!
//! # Refresh tokens
//!
//! With [`refresh_keys`](manager::SessionManagerBuilder::refresh_keys), each login returns a
//! refresh token. A client can exchange the refresh token once ([`SessionManager::refresh`]). If a
//! replaced refresh token is used again after the grace period, the manager treats it as stolen and
//! revokes the session.
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
//! | `tracing` | log records with the target `tower_session_auth`, [events](telemetry::events) with `tower_session_auth::event` | `tracing` |
//! | `metrics` | the [metrics](telemetry::metrics), through the `metrics` facade | negligible without a recorder |
//! | `testing` | clocks for tests, and the contract suite for stores of your own | for dev-dependencies |
//!
//! The feature `aws-lc-rs` of this crate enables no feature of `jsonwebtoken`. An application that
//! itself uses `jsonwebtoken` therefore keeps the backend that it chose. Without the feature
//! `aws-lc-rs`, this library uses the backend that the application enabled in `jsonwebtoken`
//! (`aws_lc_rs` if both are enabled). If the application enabled no backend,
//! [`build`](manager::SessionManagerBuilder::build) returns
//! [`ConfigError::CryptoBackend`](error::ConfigError::CryptoBackend).

pub mod auth_layer;
mod authenticate;
mod cache;
pub mod clock;
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "only the Redis store reports changes, which creates these")
)]
mod coherence;
pub mod directory;
pub mod error;
pub mod guide;
mod id;
pub mod manager;
mod middleware;
pub mod rate_limit;
mod reason;
mod resilience;
#[cfg(feature = "routes")]
pub mod routes;
pub mod session;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod timer_elision;
pub mod token;
mod trace;
pub mod worker;

pub use self::authenticate::request_policy::FailurePolicy;
pub use self::cache::Session;
pub use self::error::{AuthError, AuthErrorKind};
pub use self::id::{SessionId, UserId};
pub use self::manager::{Login, SessionManager};
pub use self::middleware::extract::TokenSource;
#[cfg(feature = "axum")]
pub use self::middleware::extractors;
pub use self::middleware::layer::SessionAuthLayer;
pub use self::middleware::{guards, same_origin};
pub use self::reason::RevokeReason;
pub use self::session::NewSession;
#[cfg(feature = "redis")]
pub use self::store::RedisStore;
pub use self::store::Target;
pub use self::token::{KeySet, SigningKey};

/// Compiles the code blocks of README and of the pages that rustdoc does not show.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/sessions.md")]
    struct Sessions;
    #[doc = include_str!("../docs/routes.md")]
    struct Routes;
    #[doc = include_str!("../docs/own-logins.md")]
    struct OwnLogins;
    #[doc = include_str!("../docs/authorization.md")]
    struct Authorization;
    #[doc = include_str!("../docs/refresh-tokens.md")]
    struct RefreshTokens;
    #[doc = include_str!("../docs/outages.md")]
    struct Outages;
    #[doc = include_str!("../docs/redis.md")]
    struct Redis;
    #[doc = include_str!("../docs/integration.md")]
    struct Integration;
    #[doc = include_str!("../docs/near-cache.md")]
    struct NearCache;
    #[doc = include_str!("../docs/operations.md")]
    struct Operations;
    #[doc = include_str!("../docs/rate-limits.md")]
    struct RateLimits;
    #[doc = include_str!("../docs/examples.md")]
    struct Examples;
    #[doc = include_str!("../docs/features.md")]
    struct Features;
    #[doc = include_str!("../docs/kubernetes.md")]
    struct Kubernetes;
    #[doc = include_str!("../docs/key-rotation.md")]
    struct KeyRotation;
    #[doc = include_str!("../docs/monitoring.md")]
    struct Monitoring;
    #[doc = include_str!("../docs/custom-stores.md")]
    struct CustomStores;
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
}
