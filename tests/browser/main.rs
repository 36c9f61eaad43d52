//! Tests of the page of the axum example, in a real Chromium and with the real server. Screenshots
//! go to `target/screenshots`.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test fails at the first unexpected result"
)]

mod admin;
mod chromium;
mod ended;
mod entering;
mod looks;
mod meter;
mod mine;
mod page;
mod safety;
#[path = "../support/mod.rs"]
mod support;
mod tabs;
mod wire;

use std::time::Duration;

/// Maximum wait for a condition. It is about ten times the expected time.
const PATIENCE: Duration = Duration::from_secs(120);
