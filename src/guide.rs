//! Pages to read: what is true of several parts together.

#[doc = include_str!("../docs/lifetimes.md")]
pub mod lifetimes {}

#[doc = include_str!("../docs/browsers.md")]
pub mod browsers {}
