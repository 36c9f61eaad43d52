//! The OpenAPI document and the routes say the same: each answer that the routes give is in the document with its
//! schema, and each that is in the document can be had.

mod answers;
mod schemas;
mod text;
