//! HTTP routes for login, sessions and health, and their OpenAPI document.
//!
//! The application mounts each group of routes under a prefix of its choice. The routes impose no
//! user model: the application verifies credentials ([`Credentials`]), and its [user
//! directory](crate::directory), if it has one, supplies user data. All session data in the
//! responses is read from the store.
//!
//! | auth routes | | session routes | |
//! |---|---|---|---|
//! | `POST /login` | opens a session | `GET /me` | returns the caller's session |
//! | `POST /refresh` | exchanges a refresh token for the next tokens | | |
//! | `POST /logout` | revokes the session of the token | `POST /refresh` | restarts the idle time of the session |
//! | `POST /logout-all` | revokes all sessions of the caller | `GET /all` | lists the sessions of all users, page by page |
//! | `GET /me` | returns the caller's user data | `GET /stats` | returns the number of sessions |
//! | `GET /sessions` | lists the caller's sessions | `GET /user/{user_id}` | lists the sessions of one user |
//! | `DELETE /sessions/{session_id}` | revokes one session of the caller | `DELETE /user/{user_id}` | revokes all sessions of one user |
//! | | | `DELETE /user/{user_id}/sessions/{session_id}` | revokes one session of one user |
//! | | | `POST /cleanup` | removes expired sessions |
//!
//! The health routes are:
//!
//! - `GET /health` returns the state of the store, the near cache and the worker.
//! - `GET /health/ready` returns whether requests that need a session can be answered.
//! - `GET /health/live` returns whether the process is running.
//!
//! The last six session routes are for administrators. The application cannot mount them without
//! the guard that requires an administrator role.
//!
//! # Refresh tokens and browsers
//!
//! If the manager has [refresh keys](crate::manager::SessionManagerBuilder::refresh_keys), a login
//! also issues a refresh token. By default, the refresh token travels in a [cookie](RefreshCookie)
//! that scripts cannot read, and `POST /refresh` of the auth routes exchanges it for the next
//! tokens. A logout clears the cookie. A refresh that fails leaves the cookie unchanged. Clients
//! other than browsers can receive the refresh token [in bodies](RefreshDelivery::Body) instead.
//! The access token can also travel in a [cookie](AccessCookie).
//!
//! Routes that act on cookies contain a [`SameOriginLayer`](crate::same_origin::SameOriginLayer),
//! which answers 403 `cross_site` to requests that another site has caused.
//! [`trusted_origins`](RoutesBuilder::trusted_origins) makes exceptions. Put the same layer around
//! your own routes that read the access token from a cookie.
//!
//! A browser can send several refresh cookies of one name, for example after a change of the
//! cookie's path. If the cookies belong to one user, a refresh uses the cookie of the latest login.
//! If they belong to different users, a refresh uses none of them and answers 401 `invalid_token`.
//!
//! A login revokes the session of each refresh token in the request's cookies (8 sessions at most).
//! It also clears other cookies that the browser may have under the names of the token cookies. It
//! clears each form of these names, at each prefix of the cookie's path and of the mount point's
//! path. A logout also revokes these sessions. It clears the same cookies, and the current token
//! cookies as well.
//!
//! # Other ways to log in
//!
//! [`Logins`] opens the session of an OAuth callback, a sign-up or a magic link, and makes the
//! response with its tokens and cookies.
//!
//! # Answers
//!
//! Every answer is JSON with `Cache-Control: no-store`. Every error answer is
//! `{"detail": …, "code": …}` with a stable `code`. [`ContractErrorsLayer`] converts the error
//! answers of the rest of your server to the same form.
//!
//! A [`Router`] is a Tower service for any request body: hyper serves it through
//! `TowerToHyperService`.
//!
//! # Example
//!
//! ```
//! use axum::Router;
//! use axum::body::{Body, to_bytes};
//! use http::{Request, StatusCode};
//! use tower::ServiceExt as _;
//! use tower_session_auth::directory::BoxError;
//! use tower_session_auth::telemetry::events::LoginRefusal;
//! use tower_session_auth::routes::{Credentials, LoginName, Mounts, Password, Routes, Verdict, document};
//! use tower_session_auth::{NewSession, SessionManager, UserId};
//!
//! struct Accounts;
//!
//! impl Credentials for Accounts {
//!     async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
//!         Ok(match login {
//!             LoginName::UserId(id) if id.as_str() == "jeju" => Some(id.clone()),
//!             _ => None,
//!         })
//!     }
//!
//!     async fn verify(&self, user: Option<&UserId>, password: &Password) -> Result<Verdict, BoxError> {
//!         // Really: a slow hash, also when there is no user.
//!         Ok(match user {
//!             Some(user) if password.as_str() == "password123" => Verdict::Accepted(NewSession::new(user.clone())),
//!             _ => Verdict::Refused(LoginRefusal::Credentials),
//!         })
//!     }
//! }
//!
//! fn app(manager: SessionManager) -> Result<Router, Box<dyn std::error::Error>> {
//!     let routes = Routes::builder(manager, Accounts).build()?;
//!     let mounts = Mounts::new().auth("/auth")?.session("/session")?.health("/health")?;
//!     Ok(routes.mounted(&mounts).merge(document("/openapi.json", routes.openapi(&mounts))?))
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";
//! # let (manager, _worker) = SessionManager::builder()
//! #     .keys(tower_session_auth::KeySet::new(tower_session_auth::SigningKey::hs256("2026-11", secret)?))
//! #     .issuer("https://example.com")
//! #     .audience("shop")
//! #     .build()?;
//!
//! let app = app(manager)?;
//! let login = Request::post("/auth/login").header("content-type", "application/json");
//! let login = login.body(Body::from(r#"{"user_id": "jeju", "password": "password123"}"#))?;
//! let response = app.clone().oneshot(login).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let body: serde_json::Value = serde_json::from_slice(&to_bytes(response.into_body(), 4096).await?)?;
//! let token = body["access_token"].as_str().ok_or("no token")?;
//! let all_sessions = Request::get("/session/all").header("authorization", format!("Bearer {token}"));
//! let response = app.oneshot(all_sessions.body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN); // for administrators
//! # Ok(())
//! # }
//! ```

mod access;
mod admin;
mod body;
mod builder;
mod context;
mod contract;
mod cookie;
mod credentials;
mod delivery;
mod device;
mod document;
mod endpoints;
mod error_response;
mod health;
mod input;
mod limits;
mod local_path;
mod login;
mod login_error;
mod logins;
mod mounts;
mod openapi;
mod opened;
mod own;
mod peer;
mod refresh;
mod requests;
mod response;
mod responses;
mod router;

use std::fmt;

use axum::Router;
use utoipa::openapi::OpenApi;

use self::context::Context;
use self::endpoints::Group;
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::session::SessionData;

pub use self::builder::RoutesBuilder;
pub use self::contract::{ContractErrors, ContractErrorsFuture, ContractErrorsLayer};
pub use self::cookie::{AccessCookie, RefreshCookie, RefreshDelivery};
pub use self::credentials::{Credentials, LoginName, Password, Verdict};
pub use self::device::DeviceCookie;
pub use self::document::document;
pub use self::limits::{LoginLimit, RefreshLimit};
pub use self::local_path::{LocalPath, LocalPathError};
pub use self::login_error::LoginError;
pub use self::logins::Logins;
pub use self::mounts::Mounts;
pub use self::opened::Opened;
pub use self::peer::{PeerAddress, peer_address};

/// The configured routes, ready to be mounted. Cheap to clone.
pub struct Routes<D = ()> {
    context: Context<D>,
}

impl<D: SessionData> Routes<D> {
    /// Starts the configuration of the routes. The routes open and revoke sessions of `manager`,
    /// and `credentials` verifies logins.
    pub fn builder(
        manager: SessionManager<D>,
        credentials: impl Credentials<D>,
    ) -> RoutesBuilder<D> {
        RoutesBuilder::new(manager, credentials)
    }

    /// Returns the auth routes, to be nested under a prefix.
    ///
    /// The routes do not know the prefix. Unless it is [set](RefreshCookie::path), the path of
    /// their refresh cookie is `/`.
    pub fn auth(&self) -> Router {
        router::router(Group::Auth, self.context.clone())
    }

    /// Returns the session routes, to be nested under a prefix. All of them require a session. The
    /// routes for administrators also require an administrator role.
    pub fn session(&self) -> Router {
        router::router(Group::Session, self.context.clone())
    }

    /// Returns the health routes, to be nested under a prefix. `/` returns the state of the store,
    /// the near cache and the worker. `/ready` returns whether requests that need a session can be
    /// answered. `/live` returns whether the process is running.
    pub fn health(&self) -> Router {
        router::router(Group::Health, self.context.clone())
    }

    /// Returns all routes at these mount points.
    pub fn mounted(&self, mounts: &Mounts) -> Router {
        let nest = |router: Router, (group, prefix): (Group, &str)| {
            let context = self.context.at(mounts.cookie_path(prefix));
            router.nest(prefix, router::router(group, context))
        };
        // A path outside of all mount points also gets the 404 `not_found` of the contract, unless
        // the application sets a fallback.
        mounts.places().fold(router::seal(Router::new()), nest)
    }

    /// Returns all routes at the [standard mount points](Mounts::standard).
    pub fn standard(&self) -> Router {
        self.mounted(&Mounts::standard())
    }

    /// Returns the helper for logins through handlers of the application, such as an OAuth
    /// callback, a sign-up or a magic link. Their responses have the same body and cookies as
    /// `POST /login` at `prefix`.
    ///
    /// `mounts` are the mount points that the application passes to [`mounted`](Self::mounted).
    /// `prefix` is one of their auth mount points, for example `/api/auth`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if `mounts` has no auth routes at `prefix`.
    pub fn logins(&self, mounts: &Mounts, prefix: &str) -> Result<Logins<D>, ConfigError> {
        mounts.check_auth(prefix)?;
        Ok(Logins::new(self.context.at(mounts.cookie_path(prefix)), prefix))
    }

    /// Returns the OpenAPI 3.1 document of the routes at these mount points.
    ///
    /// Merge the document of your own routes into it ([`OpenApi::merge_from`]), and serve it with
    /// [`document()`].
    #[must_use]
    pub fn openapi(&self, mounts: &Mounts) -> OpenApi {
        let mut openapi = document::empty();
        for (group, prefix) in mounts.places() {
            let delivery = self.context.at(mounts.cookie_path(prefix)).delivery;
            document::add(&mut openapi, prefix, &delivery, group.endpoints::<D>(&delivery));
        }
        openapi
    }
}

// Implemented by hand: a derive would require `D: Clone`.
impl<D> Clone for Routes<D> {
    fn clone(&self) -> Self {
        Self { context: self.context.clone() }
    }
}

impl<D> fmt::Debug for Routes<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("manager", &self.context.manager).finish_non_exhaustive()
    }
}
