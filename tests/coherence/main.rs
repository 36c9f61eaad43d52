//! A request is admitted only if its session was live within the lease. These tests check that with
//! a real Redis, with several processes, and with failures of the connections between them.
//!
//! `make test` runs each case a few times. `make chaos` runs the cases longer and prints how late
//! the last accepted request of a revoked session began.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails at the first unexpected result"
)]

mod blocked;
mod board;
mod bytes;
mod crowd;
mod hammer;
mod holes;
mod instance;
mod late;
mod lost_data;
mod lost_links;
mod memory;
mod moved_address;
mod operator;
mod outages;
mod participant;
mod policies;
mod processes;
mod storms;
#[path = "../support/mod.rs"]
mod support;
mod takeover;
mod wrong_server;

use std::time::Duration;

/// The default lease plus a margin. A request that begins later than this after the revocation was
/// acknowledged must be rejected. The lease needs no allowance for a slow machine: a request that
/// begins late also reads the clock late. The margin is needed because the tests and the lease read
/// different clocks, and each rounds on its own.
const BOUND: Duration = Duration::from_millis(510);
/// Maximum time of a request on a machine that is not overloaded. The store timeout is 250 ms. Only
/// `make chaos` checks this value. A test with a paused clock checks that a request ends at its
/// deadline.
const SANE: Duration = Duration::from_secs(2);

/// Duration of the test with concurrent processes, in seconds: `CHAOS_SECONDS` in the environment,
/// or 4.
fn seconds() -> u64 {
    std::env::var("CHAOS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Bound for a lateness that also depends on the speed of the machine. Only `make chaos` applies
/// it.
fn bound_of_a_fast_machine() -> Duration {
    if is_long() { BOUND } else { Duration::MAX }
}

fn is_long() -> bool {
    std::env::var_os("CHAOS_SECONDS").is_some()
}

/// Number of repetitions of a case.
fn rounds(short: u64) -> u64 {
    if is_long() { short.max(seconds() / 3) } else { short }
}
