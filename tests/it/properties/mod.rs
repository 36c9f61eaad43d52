//! Property tests with random input and with random sequences of operations. Each test checks
//! properties that must hold for every input and every sequence.
//!
//! A failed test prints the smallest failing input that was found, and a seed.
//! `PROPERTY_SEED=<seed>` repeats this run. `PROPERTY_CASES=<number>` sets the number of cases.

#[allow(dead_code, reason = "the tests of the routes use the remaining items")]
mod forwarded;
mod input;
mod memory;
mod model;
mod redis;
mod replies;
#[allow(dead_code, reason = "the tests of the routes use the remaining items")]
mod steps;
