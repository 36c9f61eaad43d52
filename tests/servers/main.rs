//! Tests that run the example servers as processes and check what clients and operators see.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected result, and may spawn tasks"
)]

mod contract;
#[cfg(all(unix, feature = "redis", feature = "metrics"))]
mod frozen;
mod minimal;
mod policies;
#[path = "../support/mod.rs"]
mod support;
mod two_servers;
