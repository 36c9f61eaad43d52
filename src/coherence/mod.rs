//! The conditions under which a process may use a copy of a session: generations, leases, and the
//! clock that both use.
//!
//! Redis client-side caching sends an invalidation when a key changes that this process has read. A
//! copy in this process is then as good as the original under two conditions. A [`Stamp`] checks
//! both each time the copy is used:
//!
//! - **No invalidation arrived since before the read was sent.** An invalidation does one thing: it
//!   increments a counter in [`Generations`]. A copy holds the counter's value from *before* its
//!   read was sent. So it does not matter whether the answer or the invalidation arrives first.
//!   Nothing needs to be removed, so there is no race between a removal and an insertion.
//! - **Invalidations still arrive.** Each heartbeat is a command on the connection on which the
//!   invalidations arrive. Answers and invalidations keep their order on that connection. So once a
//!   heartbeat is answered, every invalidation that the server sent before the answer has arrived.
//!   A [`Lease`] holds the time at which the last answered heartbeat was *sent*. If the connection
//!   dies, hangs, or waits for a busy runtime, the lease runs out by itself.
//!
//! This module does not know what is cached or how invalidations are transported.

mod cache_counters;
mod generations;
mod lease;
mod stamp;
mod tick;
mod validity;

/// The atomics. A test compiles these files with a replacement that tries every order of atomic
/// operations.
mod sync {
    pub(super) use std::sync::Arc;
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

pub(crate) use self::cache_counters::{CacheCounters, InvalidationState, increment};
#[cfg(feature = "redis")]
pub(crate) use self::generations::Generations;
#[cfg(feature = "redis")]
pub(crate) use self::lease::Lease;
pub(crate) use self::stamp::Stamp;
pub(crate) use self::tick::Tick;
pub(crate) use self::validity::{Validity, ValidityBounds};
