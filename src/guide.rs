//! Guides: pages about topics that concern several parts of the library.

#[doc = include_str!("../docs/lifetimes.md")]
pub mod lifetimes {}

#[doc = include_str!("../docs/browsers.md")]
pub mod browsers {}
