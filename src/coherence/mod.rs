//! The conditions under which a process may use a copy of a session: generations, leases, and their
//! clock.
//!
//! With Redis client-side caching, Redis sends this process an invalidation when a key that the
//! process has read changes. A copy in this process equals the original for certain only if two
//! conditions hold. A [`Stamp`] checks both conditions each time a request uses the copy:
//!
//! - **No invalidation of the key has arrived after the stamp was taken.** An invalidation only
//!   increments a counter in [`Generations`]. A stamp contains the counter's value, and the process
//!   takes the stamp *before* it sends the read. The order in which the answer and the invalidation
//!   arrive therefore does not matter. An invalidation removes nothing, so there is no race between
//!   a removal and an insertion.
//! - **Invalidations still arrive.** Each heartbeat is a command on the connection on which the
//!   invalidations arrive. Answers and invalidations keep their order on that connection. When a
//!   heartbeat is answered, every invalidation that the server sent before the answer has therefore
//!   arrived. A [`Lease`] stores the time at which the last answered heartbeat was *sent*. If the
//!   connection is lost or hangs, or if the runtime is too busy to read from it, no further
//!   heartbeat is answered. In each of these cases, the lease runs out by itself.
//!
//! This module does not depend on what is cached, or on how invalidations are transported.

mod cache_counters;
mod generations;
mod lease;
mod stamp;
mod tick;
mod validity;

/// The atomic types. A test compiles these files with other atomic types, which try every order of
/// atomic operations.
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
