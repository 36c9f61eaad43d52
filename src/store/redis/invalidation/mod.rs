//! Invalidation connection: Redis pushes invalidations on it (`CLIENT TRACKING`), so this process
//! may cache what it read.
//!
//! - **Reads for the near cache use this connection.** Redis tracks every key that the connection
//!   reads. (It does not use `OPTIN`, which is for connections that also make untracked reads and
//!   needs a second command, `CLIENT CACHING YES`, before each tracked read.)
//! - **The task that reads the socket handles the invalidations**, in the order in which they
//!   arrive. When the answer to a heartbeat is available, all invalidations that Redis sent before
//!   it have been handled.
//! - **The connection is trusted under conditions.** The invalidation of a probe that was written
//!   over the pool must have arrived on it ([`probe`]). The server must not be a replica.
//!   Heartbeats must be answered. At each address check (by default every second), a new connection
//!   must lead to the same server ([`moved_address`]). After a loss the connection is never trusted
//!   again: the store opens another one, and cache entries that were read on the old one are no
//!   longer valid.
//!
//! `SWAPDB` changes all keys, but Redis sends no invalidation for it. A Redis user with the rights
//! in `docs/redis.md` cannot send it, and no other user should.

mod connection;
mod heartbeat;
mod lost;
mod moved_address;
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

/// Bits of a slot number: 65,536 counters, half a megabyte. Users that share a counter cost
/// unnecessary reads now and then, never a wrong answer.
const GENERATIONS: u32 = 16;

/// Pauses between attempts to open a connection. Each is twice as long as the one before, up to
/// `LAST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// The invalidation connection of one manager to the primary of a store. It is replaced when it is
/// lost.
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
