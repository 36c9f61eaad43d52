//! A request is let in only with a session that was live a moment ago: against a real Redis, in several processes, with
//! all that can happen to the link between them.
//!
//! `make test` runs each case a few times. `make chaos` runs them for longer and prints how late the last accepted
//! request of an ended session began.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
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

/// The default lease and a little. No request of an ended session is let in that begins later than this after its end was acknowledged. The lease is a
/// proof and needs no allowance for a slow machine: a request that begins late reads the clock later still. What is left
/// is that the times here are read from another clock than the lease's, and each rounds for itself.
const BOUND: Duration = Duration::from_millis(510);
/// No request takes longer to be answered on a machine that has time for it: the store gets 250 ms. Only `make chaos`
/// looks at this; that a request ends with its deadline is tested on a paused clock.
const SANE: Duration = Duration::from_secs(2);

/// For how long the crowd runs. `CHAOS_SECONDS` in the environment; 4 without it.
fn seconds() -> u64 {
    std::env::var("CHAOS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// What `make chaos` holds a lateness against that is no proof but a matter of the machine's speed as well.
fn bound_of_a_fast_machine() -> Duration {
    if is_long() { BOUND } else { Duration::MAX }
}

fn is_long() -> bool {
    std::env::var_os("CHAOS_SECONDS").is_some()
}

/// How often a case is repeated.
fn rounds(short: u64) -> u64 {
    if is_long() { short.max(seconds() / 3) } else { short }
}
