//! The page of the axum example in a real Chromium, over the real server. Screenshots go to `target/screenshots`.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
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

/// When to stop waiting for what should take a tenth of it.
const PATIENCE: Duration = Duration::from_secs(120);
