//! Events: what is told of what happens, and that telling it hurts nobody.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and may start tasks"
)]

#[path = "../support/mod.rs"]
mod support;

mod refusals;
mod sinks;
