//! The parts of a server besides its routes. They depend on no web framework; both example servers
//! include this folder.
//!
//! Your application probably has most of these parts already. `users.rs` is the part that it must
//! provide for the routes of the library.

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
