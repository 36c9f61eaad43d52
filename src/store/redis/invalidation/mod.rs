//! The invalidation connection. Redis pushes invalidations on this connection (`CLIENT TRACKING`).
//! So this process can cache the values that it reads over this connection.
//!
//! - **Reads for the near cache use this connection.** Redis tracks every key that the connection
//!   reads. The connection does not use `OPTIN`. That mode is for connections that also make
//!   untracked reads, and it needs a second command, `CLIENT CACHING YES`, before each tracked
//!   read.
//! - **The task that reads the socket handles the invalidations**, in the order in which they
//!   arrive. So when the answer to a heartbeat is available, all invalidations that Redis sent
//!   before the answer have been handled.
//! - **The connection is trusted only under four conditions:**
//!   - The invalidation of a probe that was written over the pool has arrived on it ([`probe`]).
//!   - The server is not a replica.
//!   - The server answers the heartbeats.
//!   - At each address check (by default every second), a new connection leads to the same server
//!     ([`address_check`]).
//! - **A lost connection is never trusted again.** The store opens another connection. Cache
//!   entries that were read over the lost connection are no longer valid.
//!
//! `SWAPDB` changes all keys, but Redis sends no invalidations for this change. A Redis user with
//! only the rights in `docs/redis.md` cannot send `SWAPDB`. No other user of the server should have
//! the right to send it.

mod address_check;
mod connection;
mod heartbeat;
mod lost;
mod open;
mod probe;
mod push_handler;
mod tracker;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

pub(super) use self::connection::InvalidationConnection;
pub(super) use self::lost::Lost;
pub(super) use self::probe::{Proof, Route, write as write_probe};
use super::inner::Inner;
use crate::coherence::{CacheCounters, Generations};

/// The number of bits of a slot number. 16 bits give 65,536 generations, which take half a
/// megabyte. Two users can share a generation. In that case, a change of one user's sessions can
/// cause an unnecessary read for the other user, but never a wrong answer.
const GENERATIONS: u32 = 16;

/// The pauses between attempts to open a connection. Each pause is twice as long as the previous
/// one, up to `LAST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// The invalidation connection of one manager to the primary of a store. A lost connection is
/// replaced.
pub(super) struct InvalidationConnections {
    store: Arc<Inner>,
    lease: Duration,
    generations: Arc<Generations>,
    counters: Arc<CacheCounters>,
    /// The trusted connection, if there is one.
    current: ArcSwapOption<InvalidationConnection>,
}

impl InvalidationConnections {
    pub(super) fn new(store: Arc<Inner>) -> Self {
        Self {
            lease: store.lease,
            generations: Arc::new(Generations::new(GENERATIONS)),
            counters: Arc::default(),
            current: ArcSwapOption::empty(),
            store,
        }
    }
}
