//! The tracker of the near cache. It keeps one invalidation connection open and reads over it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisResult, Value};

use super::connection::InvalidationConnection;
use super::lost::Lost;
use super::open::NotOpened;
use super::{FIRST_PAUSE, InvalidationConnections, LAST_PAUSE};
use crate::clock::Timestamp;
use crate::coherence::{CacheCounters, InvalidationState, Stamp, Tick, increment};
use crate::id::{SessionId, UserId};
use crate::store::answer::Answer;
use crate::store::redis::connect::connection::Connection;
use crate::store::redis::connect::pool_client::{bytes, hget};
use crate::store::{Tracked, Tracker};
use crate::timer_elision;
use crate::trace;

/// The number of heartbeats per lease.
const HEARTBEATS: u32 = 5;

/// How long a connection must last so that the next pause is the shortest one again.
const STEADY: Duration = Duration::from_secs(10);

/// The pause after a server refused invalidations. During this pause, the server may be replaced,
/// or its permissions may change.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

impl InvalidationConnections {
    /// Opens an invalidation connection, uses it until it is lost, and then opens the next one.
    /// Never returns.
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
                    // The pause becomes short again only after a connection that lasted for
                    // `STEADY`. Without this condition, the store would open connections without a
                    // pause if each of them is lost at once.
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
            // These causes concern the server or the address, so the store must replace all its
            // connections.
            self.store.eras.end();
        }
        trace::warn!(
            "the near cache lost its invalidation connection: each request asks redis until \
             another one is open",
            cause = why
        );
    }

    /// Uses an invalidation connection until it is lost, and returns why it was lost. `connection`
    /// is a connection of the pool. A probe has shown that it leads to the same server as `link`.
    async fn serve(&self, link: InvalidationConnection, connection: &Connection) -> Lost {
        let link = Arc::new(link);
        let _untrusted_in_the_end = Served { links: self, link: &link };
        self.store.same_server.add(Arc::clone(&link), connection);
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

/// Ends the connection's lease permanently when this value is dropped. The value is dropped on each
/// path out of [`InvalidationConnections::serve`].
struct Served<'a> {
    links: &'a InvalidationConnections,
    link: &'a InvalidationConnection,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.link.lease.end();
        self.links.store.same_server.remove(self.link);
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
        // Without a valid lease, no cache entry could be used. In that case, the request reads over
        // the pool.
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
                // Limited to half of the timeout: if this connection hangs, there is time left to
                // ask the pool.
                let patience = self.store.requests.timeout() / 2;
                let late = || (ErrorKind::Io, "no answer in time").into();
                let read =
                    timer_elision::timeout(patience, self.read(&link, &key, id.as_str()), late);
                if let Ok(answer) = read.await {
                    let living = self.store.living(user, id, idle_bound, bytes(answer)?, None);
                    return Ok(Tracked { record: living.await?, is_tracked: true });
                }
            }
            // Boxed because it is rare: this keeps the future of each request small.
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
