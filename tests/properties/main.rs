//! Random input and random sequences of operations, against what must hold for all of them.
//!
//! A failure prints the smallest input found and a seed. `PROPERTY_SEED=<seed>` repeats that run, and
//! `PROPERTY_CASES=<number>` runs more or fewer cases.

#![cfg(feature = "redis")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[allow(dead_code, reason = "what the tests of the routes use beside")]
#[path = "../routes/desk.rs"]
mod desk;
mod forwarded;
mod input;
mod memory;
mod model;
#[path = "../support/property.rs"]
mod property;
mod redis;
mod replies;
#[allow(dead_code, reason = "what the tests of the routes use beside")]
#[path = "../routes/site.rs"]
mod site;
mod steps;
#[path = "../support/mod.rs"]
mod support;
