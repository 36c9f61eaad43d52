//! Which routes there are: router and document are both made from here, so that neither can have one that the other has
//! not.

mod auth;
mod health;
mod session;
mod tokens;

use axum::routing::MethodRouter;
use utoipa::openapi::path::{HttpMethod, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::code::Code;
use super::context::Context;
use super::delivery::Delivery;
use super::document::About;
use crate::session::SessionData;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// Who shows a refresh token.
    Refresh,
    /// Who shows a token of ours. Its `exp` may have passed, and its session may have ended. A refresh token does as well.
    Token,
    /// Who shows a token whose session lives.
    Session,
    /// Of those, who has an administrator's role.
    Admin,
}

impl Access {
    /// What every route may answer to which this access is needed.
    pub(super) fn problems(self) -> &'static [Code] {
        const ALL: [Code; 11] = [
            Code::InvalidRequest,
            Code::MissingToken,
            Code::InvalidToken,
            Code::RequestTimeout,
            Code::StoreUnavailable,
            Code::Internal,
            // With a session:
            Code::TokenExpired,
            Code::SessionExpired,
            Code::SessionRevoked,
            Code::AccountInactive,
            // With a role:
            Code::InsufficientScope,
        ];
        let count = match self {
            Self::Open => 0,
            Self::Refresh | Self::Token => 6,
            Self::Session => 10,
            Self::Admin => ALL.len(),
        };
        ALL.get(..count).unwrap_or(&ALL)
    }
}

/// Which routes belong together: they are mounted under one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Auth,
    Session,
    Health,
}

impl Group {
    /// How tokens travel says which there are.
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
    /// Below the mount, as axum and OpenAPI both write it.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: MethodRouter<Context<D>>,
    pub(super) about: About,
}

impl<D> Endpoint<D> {
    /// Where it is with the group under `prefix`.
    pub(super) fn path_below(&self, prefix: &str) -> String {
        match self.path {
            "/" => prefix.to_owned(),
            path => format!("{prefix}{path}"),
        }
    }
}

/// The session that a path names.
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
