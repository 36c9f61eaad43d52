//! The auth and session routes, to be mounted under any prefix, and their OpenAPI document.
//!
//! No user model is imposed: the application checks credentials ([`Credentials`]), and its
//! [user directory](crate::directory), if it has one, says who a user is. Everything that these routes show is read from
//! the store.
//!
//! | auth routes | | session routes | |
//! |---|---|---|---|
//! | `POST /login` | opens a session | `GET /me` | the caller's session |
//! | `POST /refresh` | the next tokens, for a refresh token | | |
//! | `POST /logout` | ends the token's session | `POST /refresh` | its idle time starts anew |
//! | `POST /logout-all` | ends all of the caller's | `GET /all` | everybody's sessions, page by page |
//! | `GET /me` | who the caller is | `GET /stats` | how many there are |
//! | `GET /sessions` | the caller's sessions | `GET /user/{user_id}` | one user's |
//! | `DELETE /sessions/{session_id}` | ends one of them | `DELETE /user/{user_id}` | ends all of one user's |
//! | | | `DELETE /user/{user_id}/sessions/{session_id}` | ends one of them |
//! | `GET /health` | whether the service is ready | `POST /cleanup` | frees expired ones |
//!
//! The last six session routes are for administrators; there is no way to mount them without that guard.
//!
//! # Refresh tokens and browsers
//!
//! Of a manager [with keys for them](crate::SessionManagerBuilder::refresh_keys) a login hands out a refresh token as well,
//! by default in a [cookie](RefreshCookie) that no script can read, and `POST /refresh` of the auth routes exchanges it for
//! the next tokens. A logout takes the cookie back; a refresh that fails leaves it alone. Clients that are no browsers may
//! get it [in bodies](RefreshDelivery::Body) instead. The access token can be put into a [cookie](AccessCookie) as well.
//!
//! Where a cookie counts, requests that a browser makes for another site are 403 `cross_site`: these routes have a
//! [`SameOriginLayer`](crate::SameOriginLayer) inside. [`trusted_origins`](RoutesBuilder::trusted_origins) makes
//! exceptions. Put the layer around routes of your own that take the access token from a cookie.
//!
//! Of several refresh cookies of one name, as after a change of the cookie's path, the latest login counts; of different
//! users none does. A login and a logout end the session of each refresh token that they are shown, and take the cookies
//! back in each form of the name at each prefix of the mount's path.
//!
//! # Answers
//!
//! Every answer is JSON with `Cache-Control: no-store`, every refusal `{"detail": …, "code": …}` with a stable `code`.
//! [`ContractErrorsLayer`] says the errors of the rest of your server in the same words.
//!
//! A [`Router`] is a Tower service for any request body: hyper serves it through `TowerToHyperService`.
//!
//! # Example
//!
//! ```
//! use axum::Router;
//! use axum::body::{Body, to_bytes};
//! use http::{Request, StatusCode};
//! use tower::ServiceExt as _;
//! use tower_session_auth::directory::BoxError;
//! use tower_session_auth::events::LoginRefusal;
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
//! let everybodys = Request::get("/session/all").header("authorization", format!("Bearer {token}"));
//! let response = app.oneshot(everybodys.body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN); // for administrators
//! # Ok(())
//! # }
//! ```

mod admin;
mod answer;
mod body;
mod builder;
mod code;
mod context;
mod contract;
mod cookie;
mod credentials;
mod delivery;
mod device;
mod document;
mod given;
mod health;
mod input;
mod limits;
mod login;
mod mounts;
mod own;
mod peer;
mod problem;
mod refresh;
mod router;
mod shapes;
mod table;

use std::fmt;

use axum::Router;
use utoipa::openapi::OpenApi;

use self::context::Context;
use self::table::Group;
use crate::manager::SessionManager;
use crate::session::SessionData;

pub use self::builder::RoutesBuilder;
pub use self::contract::{ContractErrors, ContractErrorsFuture, ContractErrorsLayer};
pub use self::cookie::{AccessCookie, RefreshCookie, RefreshDelivery};
pub use self::credentials::{Credentials, LoginName, Password, Verdict};
pub use self::device::DeviceCookie;
pub use self::document::document;
pub use self::limits::{LoginLimit, RefreshLimit};
pub use self::mounts::Mounts;
pub use self::peer::{PeerAddress, peer_address};

/// The routes, ready to be mounted. Cheap to clone.
pub struct Routes<D = ()> {
    context: Context<D>,
}

impl<D: SessionData> Routes<D> {
    /// Starts a configuration: sessions are `manager`'s, logins are checked by `credentials`.
    pub fn builder(
        manager: SessionManager<D>,
        credentials: impl Credentials<D>,
    ) -> RoutesBuilder<D> {
        RoutesBuilder::new(manager, credentials)
    }

    /// The auth routes, to be nested under a prefix. They do not know which: unless it is [set](RefreshCookie::path), the
    /// path of their refresh cookie is `/`.
    pub fn auth(&self) -> Router {
        router::router(Group::Auth, self.context.clone())
    }

    /// The session routes, to be nested under a prefix. All of them need a session, and those for administrators the
    /// role.
    pub fn session(&self) -> Router {
        router::router(Group::Session, self.context.clone())
    }

    /// `/` says whether the service is ready, `/live` whether it runs; to be nested under a prefix.
    pub fn health(&self) -> Router {
        router::router(Group::Health, self.context.clone())
    }

    /// All routes at these places.
    pub fn mounted(&self, mounts: &Mounts) -> Router {
        let nest = |router: Router, (group, prefix): (Group, &str)| {
            let context = self.context.at(mounts.cookie_path(prefix));
            router.nest(prefix, router::router(group, context))
        };
        // What is not found beside the mounts is said in the same words, unless the application has a fallback.
        mounts.places().fold(router::seal(Router::new()), nest)
    }

    /// All routes at the [usual places](Mounts::standard).
    pub fn standard(&self) -> Router {
        self.mounted(&Mounts::standard())
    }

    /// The OpenAPI 3.1 document of the routes at these places. Merge your own into it
    /// ([`OpenApi::merge_from`]), and serve it with [`document()`].
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

// By hand: a derive would ask for `D: Clone`.
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
