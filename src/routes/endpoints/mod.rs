//! The table of all routes. Both the router and the OpenAPI document are made from it, so that they
//! always have the same routes.

mod auth;
mod health;
mod session;
mod tokens;

use axum::routing::MethodRouter;
use utoipa::openapi::path::{HttpMethod, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::access::Access;
use super::context::Context;
use super::delivery::Delivery;
use super::openapi::About;
use crate::session::SessionData;

/// Routes that are mounted together under one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Auth,
    Session,
    Health,
}

impl Group {
    /// Returns the routes of the group. Some exist only for certain kinds of delivery.
    pub(super) fn endpoints<D: SessionData>(self, delivery: &Delivery) -> Vec<Endpoint<D>> {
        match self {
            Self::Auth => auth::auth(delivery),
            Self::Session => session::session(),
            Self::Health => health::health(),
        }
    }
}

/// One method of one path.
pub(super) struct Endpoint<D> {
    pub(super) method: HttpMethod,
    /// The path below the mount point, as both axum and OpenAPI write it.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: MethodRouter<Context<D>>,
    pub(super) about: About,
}

impl<D> Endpoint<D> {
    /// Returns the path if the group is mounted under `prefix`.
    pub(super) fn path_below(&self, prefix: &str) -> String {
        match self.path {
            "/" => prefix.to_owned(),
            path => format!("{prefix}{path}"),
        }
    }
}

/// Adds the path parameter `session_id`.
fn session_id(about: About) -> About {
    about.parameter(
        ParameterIn::Path,
        "session_id",
        "The session's public name, from the list.",
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^[A-Za-z0-9_-]{1,64}$")),
    )
}
