//! What is remembered beside what changes, met at every step: a Redis that the test plays holds back each answer and
//! each message.

#![cfg(feature = "redis")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod alone;
mod changes;
mod fake;
mod links;
mod own;
mod resp;
#[path = "../support/mod.rs"]
mod support;
mod world;
