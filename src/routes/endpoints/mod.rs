//! The table of all routes. The router and the OpenAPI document are both made from this table, so
//! they always have the same routes.

mod auth;
mod endpoint;
mod health;
mod session;
mod tokens;

pub(super) use self::endpoint::Endpoint;
use super::delivery::Delivery;
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
            Self::Health => health::all(),
        }
    }
}
