//! The near cache as its user sees it: what a layer may ask of it, what happens while Redis is away, what it tells.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod demotions;
mod directories;
mod health;
mod layers;
mod policies;
mod world;
