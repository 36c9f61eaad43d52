//! One row of the table of all routes.

use axum::routing::MethodRouter;
use utoipa::openapi::path::HttpMethod;

use crate::routes::access::Access;
use crate::routes::context::Context;
use crate::routes::openapi::About;

/// One method of one path.
pub(in crate::routes) struct Endpoint<D> {
    pub(in crate::routes) method: HttpMethod,
    /// The path below the mount point, as both axum and OpenAPI write it.
    pub(in crate::routes) path: &'static str,
    pub(in crate::routes) access: Access,
    pub(in crate::routes) handler: MethodRouter<Context<D>>,
    pub(in crate::routes) about: About,
}

impl<D> Endpoint<D> {
    /// Returns the path if the group is mounted under `prefix`.
    pub(in crate::routes) fn path_below(&self, prefix: &str) -> String {
        match self.path {
            "/" => prefix.to_owned(),
            path => format!("{prefix}{path}"),
        }
    }
}
