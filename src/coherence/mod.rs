//! The conditions under which a process may use a copy of a session: generations, leases, and their
//! clock.
//!
//! With Redis client-side caching, Redis sends this process an invalidation when a key that the
//! process has read changes. A copy in this process is known to equal the original only if two
//! conditions hold. A [`Stamp`] checks both each time the copy is used:
//!
//! - **No invalidation has arrived since before the read was sent.** An invalidation only
//!   increments a counter in [`Generations`]. A copy holds the counter's value from *before* its
//!   read was sent. So the order in which the answer and the invalidation arrive does not matter.
//!   Nothing is removed, so a removal cannot race with an insertion.
//! - **Invalidations still arrive.** Each heartbeat is a command on the connection on which the
//!   invalidations arrive. Answers and invalidations keep their order on that connection. So when a
//!   heartbeat is answered, every invalidation that the server sent before the answer has arrived.
//!   A [`Lease`] holds the time at which the last answered heartbeat was *sent*. If the connection
//!   is lost or hangs, or if the runtime is too busy to read it, the lease ends without any action.
//!
//! This module does not know what is cached, or how invalidations are transported.

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
