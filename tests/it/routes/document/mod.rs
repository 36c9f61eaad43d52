//! The OpenAPI document matches the routes. It contains each response of the routes with its
//! schema. The routes can return each response in the document.

mod answers;
mod schemas;
mod text;
