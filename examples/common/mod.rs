//! What a server needs beside its routes, whatever framework they are written with: both example servers include this
//! folder. Nothing in here knows axum.
//!
//! A service of your own will have most of it already; `users.rs` is what it has to bring for the routes of the library.

pub(crate) mod config;
pub(crate) mod connections;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod logging;
pub(crate) mod passwords;
pub(crate) mod proxies;
pub(crate) mod serve;
pub(crate) mod stack;
pub(crate) mod start;
pub(crate) mod users;

#[cfg(test)]
mod tests;
