//! The auth and session routes, to be mounted under any prefix, and their OpenAPI document.
//!
//! No user model is imposed: the application checks credentials ([`Credentials`]), and its
//! [user directory](crate::directory), if it has one, says who a user is. Everything that these routes show is read from
//! the store.
//!
//! | auth routes | | session routes | |
//! |---|---|---|---|
//! | `POST /login` | opens a session | `GET /me` | the caller's session |
//! | `POST /logout` | ends the token's session | `POST /refresh` | its idle time starts anew |
//! | `POST /logout-all` | ends all of the caller's | `GET /all` | everybody's sessions, page by page |
//! | `GET /me` | who the caller is | `GET /stats` | how many there are |
//! | `GET /sessions` | the caller's sessions | `GET /user/{user_id}` | one user's |
//! | `DELETE /sessions/{session_id}` | ends one of them | `DELETE /user/{user_id}` | ends all of one user's |
//! | `GET /health` | whether the service is ready | `POST /cleanup` | frees expired ones |
//!
//! The last five session routes are for administrators; there is no way to mount them without that guard.
//!
//! A [`Router`] is a Tower service for any request body: hyper serves it through `TowerToHyperService`.

mod admin;
mod answer;
mod body;
mod builder;
mod code;
mod context;
mod contract;
mod credentials;
mod document;
mod given;
mod health;
mod input;
mod login;
mod mounts;
mod own;
mod problem;
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
pub use self::credentials::{Credentials, LoginName, Password, Verdict};
pub use self::document::document;
pub use self::mounts::Mounts;

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

    /// The auth routes, to be nested under a prefix.
    #[must_use]
    pub fn auth(&self) -> Router {
        router::router(Group::Auth, self.context.clone())
    }

    /// The session routes, to be nested under a prefix. All of them need a session, and those for administrators the
    /// role.
    #[must_use]
    pub fn session(&self) -> Router {
        router::router(Group::Session, self.context.clone())
    }

    /// `/` says whether the service is ready, `/live` whether it runs; to be nested under a prefix.
    #[must_use]
    pub fn health(&self) -> Router {
        router::router(Group::Health, self.context.clone())
    }

    /// All routes at these places.
    #[must_use]
    pub fn mounted(&self, mounts: &Mounts) -> Router {
        let nest = |router: Router, (group, prefix): (Group, &str)| {
            router.nest(prefix, router::router(group, self.context.clone()))
        };
        // What is not found beside the mounts is said in the same words, unless the application has a fallback.
        mounts.places().fold(router::seal(Router::new()), nest)
    }

    /// All routes at the [usual places](Mounts::standard).
    #[must_use]
    pub fn standard(&self) -> Router {
        self.mounted(&Mounts::standard())
    }

    /// The OpenAPI 3.1 document of the routes at these places. Merge your own into it
    /// ([`OpenApi::merge_from`]), and serve it with [`document`].
    #[must_use]
    pub fn openapi(&self, mounts: &Mounts) -> OpenApi {
        let mut openapi = document::empty();
        for (group, prefix) in mounts.places() {
            document::add(&mut openapi, prefix, &group.endpoints::<D>());
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
