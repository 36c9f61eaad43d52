//! The OpenAPI document matches the routes: it contains each response of the routes with its
//! schema, and the routes can return each response that it contains.

mod answers;
mod schemas;
mod text;
