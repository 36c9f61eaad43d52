//! Property tests: random input and random sequences of operations, checked for what must hold for
//! all of them.
//!
//! A failure prints the smallest input found and a seed. `PROPERTY_SEED=<seed>` repeats that run,
//! and `PROPERTY_CASES=<number>` runs more or fewer cases.

#[allow(dead_code, reason = "the tests of the routes use the remaining items")]
mod forwarded;
mod input;
mod memory;
mod model;
mod redis;
mod replies;
#[allow(dead_code, reason = "the tests of the routes use the remaining items")]
mod steps;
