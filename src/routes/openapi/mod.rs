//! Parts of the OpenAPI document: the description and the operation of one route, and the security
//! schemes.

mod about;
mod operation;
mod security;

pub(super) use self::about::{About, add_schema};
pub(super) use self::operation::operation;
pub(super) use self::security::{add_bearer_scheme, add_cookie_schemes};
