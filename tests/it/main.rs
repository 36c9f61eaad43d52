//! Tests that run within one process, with one module for each topic. Tests that need their own
//! process or binary are in the parent folder.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and may start tasks"
)]

mod architecture;
mod axum;
mod bulkheads;
mod circles;
#[cfg(feature = "redis")]
mod diagnosis;
mod events;
#[cfg(feature = "redis")]
mod fills;
mod forge;
mod guards;
mod hostile;
mod hyper;
#[cfg(feature = "redis")]
mod interleavings;
mod keep_alive;
mod layer;
mod least_store;
mod limits;
mod manager;
mod metrics;
mod near_cache;
#[cfg(feature = "redis")]
mod operations;
mod pages;
#[cfg(feature = "redis")]
mod properties;
mod rate_limit;
mod readme;
#[cfg(feature = "redis")]
mod redis_store;
#[cfg(feature = "redis")]
mod refresh;
#[cfg(all(feature = "redis", unix))]
mod replicas;
mod routes;
mod secrets;
mod store_contract;
#[cfg(feature = "redis")]
mod store_trouble;
#[path = "../support/mod.rs"]
mod support;
