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

mod heartbeat;
mod moved_address;
mod open;
mod probe;
mod push_handler;

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{ErrorKind, RedisResult, Value};

pub(super) use self::heartbeat::Lost;
use self::open::NotOpened;
use self::probe::Probes;
pub(super) use self::probe::{Proof, Route, write as write_probe};
use super::Inner;
use super::connect::connection::Connection;
use super::connect::handle::Handle;
use super::pool_client::{bytes, hget};
use crate::clock::Timestamp;
use crate::coherence::{
    CacheCounters, Generations, InvalidationState, Lease, Stamp, Tick, increment,
};
use crate::deadline;
use crate::id::{SessionId, UserId};
use crate::store::answer::Answer;
use crate::store::{Tracked, Tracker};
use crate::trace;

/// Bits of a slot number: 65,536 counters, half a megabyte. Users that share a counter cost
/// unnecessary reads now and then, never a wrong answer.
const GENERATIONS: u32 = 16;

/// Number of heartbeats per lease.
const HEARTBEATS: u32 = 5;

/// Pauses between attempts to open a connection. Each is twice as long as the one before, up to
/// `LAST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// A connection that lasted this long resets the pause.
const STEADY: Duration = Duration::from_secs(10);

/// Pause after a server refused. Meanwhile it may be replaced, or its permissions may change.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

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

/// One invalidation connection.
pub(super) struct InvalidationConnection {
    connection: Handle,
    lease: Arc<Lease>,
    probes: Arc<Probes>,
    /// Time limit of one step on the connection.
    patience: Duration,
    /// Start time, in nanoseconds, of the latest connection that was seen to lead to the same
    /// server.
    address_proved: AtomicU64,
}

impl InvalidationConnection {
    /// Records that a connection whose connect started at `begun` leads to the same server.
    fn mark_address_proved(&self, begun: Tick) {
        self.address_proved.fetch_max(begun.as_nanos(), Ordering::Relaxed);
    }

    fn address_proved(&self) -> Tick {
        Tick::from_nanos(self.address_proved.load(Ordering::Relaxed))
    }
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

    /// Opens an invalidation connection, uses it until it is lost, and opens the next one. Never
    /// returns.
    async fn keep(&self) {
        let _off_in_the_end = Running(self);
        let mut pause = FIRST_PAUSE;
        let mut refused = false;
        loop {
            if !refused {
                self.counters.set_state(InvalidationState::Connecting);
            }
            match self.open().await {
                Ok((link, connection)) => {
                    refused = false;
                    let begin = Tick::now();
                    let why = self.serve(link, &connection).await;
                    self.lost(why);
                    // A connection that is lost again and again must not be replaced without a
                    // pause.
                    if Tick::now().since(begin) >= STEADY {
                        pause = FIRST_PAUSE;
                    } else {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LAST_PAUSE);
                    }
                }
                Err(NotOpened::Refused(error)) => {
                    self.counters.set_state(InvalidationState::Refused);
                    if !mem::replace(&mut refused, true) {
                        trace::warn!(
                            "the near cache is off and each request asks redis, because redis \
                             refuses invalidations: if permissions are missing, grant the redis \
                             user +client|tracking +get +set +del on keys of this prefix",
                            error = trace::Chain(&error)
                        );
                    }
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
                Err(NotOpened::Away(error)) => {
                    trace::debug!(
                        "cannot open an invalidation connection to redis",
                        error = trace::Chain(&error)
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    fn lost(&self, why: Lost) {
        increment(&self.counters.lost_links);
        if matches!(why, Lost::Demoted | Lost::Untold | Lost::Moved) {
            // What one connection learned about its server holds for all connections of the store.
            self.store.eras.end();
        }
        trace::warn!(
            "the near cache lost its invalidation connection: each request asks redis until \
             another one is open",
            cause = why
        );
    }

    /// Trusts a connection until it is lost. `connection` is known to lead to the same server.
    async fn serve(&self, link: InvalidationConnection, connection: &Connection) -> Lost {
        let link = Arc::new(link);
        let _untrusted_in_the_end = Served { links: self, link: &link };
        self.store.eras.proofs().add(Arc::clone(&link), connection);
        self.current.store(Some(Arc::clone(&link)));
        self.counters.set_state(InvalidationState::Trusted);
        trace::info!("the near cache has an invalidation connection to redis");
        self.keep_lease(&link).await
    }

    /// Reads a field of a hash on the invalidation connection.
    async fn read(
        &self,
        link: &InvalidationConnection,
        key: &str,
        field: &str,
    ) -> RedisResult<Value> {
        let answer = link.connection.clone().send(&hget(key, field)).await;
        answer.and_then(Value::extract_error)
    }
}

/// Ends the connection's lease for good when it is dropped, however [`InvalidationConnections::serve`] ends.
struct Served<'a> {
    links: &'a InvalidationConnections,
    link: &'a InvalidationConnection,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.link.lease.end();
        self.links.store.eras.proofs().remove(self.link);
        self.links.current.store(None);
    }
}

/// Reports the state `Off` when it is dropped, at the end of [`InvalidationConnections::keep`].
struct Running<'a>(&'a InvalidationConnections);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.counters.set_state(InvalidationState::Off);
    }
}

impl Tracker for InvalidationConnections {
    fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp> {
        let link = self.current.load();
        // Without a valid lease no cache entry could be used, so the request uses the pool.
        let link = link.as_ref().filter(|link| link.lease.holds(now, self.lease))?;
        let key = self.store.prefix.live(user);
        Some(Stamp::take(&link.lease, key.as_bytes()))
    }

    fn load<'a>(
        &'a self,
        stamp: &'a Stamp,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Tracked> {
        Box::pin(async move {
            let key = self.store.prefix.live(user);
            let link = self.current.load_full().filter(|link| stamp.is_of(&link.lease));
            if let Some(link) = link {
                // Half of the timeout at most: if this connection hangs, time remains to ask the
                // pool.
                let patience = self.store.requests.timeout() / 2;
                let late = || (ErrorKind::Io, "no answer in time").into();
                let read = deadline::within(patience, self.read(&link, &key, id.as_str()), late);
                if let Ok(answer) = read.await {
                    let living = self.store.living(user, id, idle_bound, bytes(answer)?, None);
                    return Ok(Tracked { record: living.await?, is_tracked: true });
                }
            }
            // Boxed because it is rare: the future that each request holds stays small.
            let find = Box::pin(self.store.find(user, id, idle_bound));
            let record = self.store.requests.limited(find).await?;
            Ok(Tracked { record, is_tracked: false })
        })
    }

    fn invalidate(&self, user: &UserId) {
        let key = self.store.prefix.live(user);
        self.generations.bump(self.generations.slot(key.as_bytes()));
    }

    fn run(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.keep())
    }

    fn is_coherent(&self) -> bool {
        let link = self.current.load();
        link.as_ref().is_some_and(|link| link.lease.holds(Tick::now(), self.lease))
    }

    fn lease(&self) -> Duration {
        self.lease
    }

    fn heartbeat_interval(&self) -> Duration {
        self.lease / HEARTBEATS
    }

    fn counters(&self) -> &Arc<CacheCounters> {
        &self.counters
    }
}
