//! The invalidation link: a connection on which Redis tells what has changed (`CLIENT TRACKING`), so that this process
//! may remember what it read.
//!
//! - **What is to be remembered is read on the link itself**, so that it is tracked by construction: all that this
//!   connection reads is. (Not `OPTIN`: that is for connections that read other things as well, and asks for a second
//!   command, `CLIENT CACHING YES`, before each read.)
//! - **Messages are taken in by the socket's own task**, in the order in which they came; so whoever has the
//!   answer to a beat has all that was told before it.
//! - **A link is trusted** once a write over the pool has been told on it ([`probe`]), never by a replica,
//!   only while its beats are answered, and only while a connection that is made for this each second leads
//!   to the same server ([`address`]). It is never revived: when one is lost, another is made, and nothing
//!   that was remembered under the old one counts.
//!
//! `SWAPDB` changes everything, and Redis tells nobody: an application that has given its user the rights in README
//! cannot send it, and nobody else should.

mod address;
mod beat;
mod listen;
mod open;
mod probe;

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{ErrorKind, RedisResult, Value};

pub(super) use self::beat::Lost;
use self::open::NotOpened;
use self::probe::Probes;
pub(super) use self::probe::{Proof, Route, write as write_probe};
use super::Inner;
use super::connection::Connection;
use super::handle::Handle;
use super::lane::{bytes, hget};
use crate::clock::Timestamp;
use crate::coherence::{Figures, Generations, Lease, LinkState, Stamp, Tick, one_more};
use crate::id::{SessionId, UserId};
use crate::limit;
use crate::store::erased::Answer;
use crate::store::{Tracked, Tracker};
use crate::trace;

/// 65,536 counters, half a megabyte: two of a hundred thousand users share one now and then.
const GENERATIONS: u32 = 16;

/// So many beats in one lease.
const BEATS: u32 = 5;

/// The pauses between tries to make a link: they double.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// A link that held for so long was a good one.
const STEADY: Duration = Duration::from_secs(10);

/// A server that refuses may have been replaced, or told otherwise.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// The link of one manager to a store's primary.
pub(super) struct Links {
    store: Arc<Inner>,
    lease: Duration,
    generations: Arc<Generations>,
    figures: Arc<Figures>,
    /// The one that is trusted.
    current: ArcSwapOption<Link>,
}

/// One link.
pub(super) struct Link {
    connection: Handle,
    lease: Arc<Lease>,
    probes: Arc<Probes>,
    /// How long a step on it may take.
    patience: Duration,
    /// When the latest connection was begun that was seen to lead to the same server, in nanoseconds.
    address_proved: AtomicU64,
}

impl Link {
    /// A connection that was begun at `begun` leads to the same server.
    fn address_leads_here(&self, begun: Tick) {
        self.address_proved.fetch_max(begun.as_nanos(), Ordering::Relaxed);
    }

    fn address_proved(&self) -> Tick {
        Tick::from_nanos(self.address_proved.load(Ordering::Relaxed))
    }
}

impl Links {
    pub(super) fn new(store: Arc<Inner>) -> Self {
        Self {
            lease: store.lease,
            generations: Arc::new(Generations::new(GENERATIONS)),
            figures: Arc::default(),
            current: ArcSwapOption::empty(),
            store,
        }
    }

    async fn keep(&self) {
        let _off_in_the_end = Running(self);
        let mut pause = FIRST_PAUSE;
        let mut refused = false;
        loop {
            if !refused {
                self.figures.link_is(LinkState::Connecting);
            }
            match self.open().await {
                Ok((link, connection)) => {
                    refused = false;
                    let begin = Tick::now();
                    let why = self.serve(link, &connection).await;
                    self.lost(why);
                    // One that is lost again and again is not made again and again without a pause.
                    if Tick::now().since(begin) >= STEADY {
                        pause = FIRST_PAUSE;
                    } else {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LAST_PAUSE);
                    }
                }
                Err(NotOpened::Refused(error)) => {
                    self.figures.link_is(LinkState::Refused);
                    if !mem::replace(&mut refused, true) {
                        trace::warn!(
                            "no near cache, a round trip for each request: redis does not tell of changes. If that \
                             is for missing permissions, its user needs +client|tracking +get +set +del on keys of \
                             this prefix",
                            error = trace::Chain(&error)
                        );
                    }
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
                Err(NotOpened::Away(error)) => {
                    trace::debug!("no link to redis", error = trace::Chain(&error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    fn lost(&self, why: Lost) {
        one_more(&self.figures.lost_links);
        if matches!(why, Lost::Demoted | Lost::Untold | Lost::Moved) {
            // What one connection has learned of its server counts for all.
            self.store.eras.ends();
        }
        trace::warn!(
            "the near cache lost its link to redis: each request asks redis until there is another",
            cause = why
        );
    }

    /// Trusts a link until it is lost. `connection` is known to lead to the same server.
    async fn serve(&self, link: Link, connection: &Connection) -> Lost {
        let link = Arc::new(link);
        let _untrusted_in_the_end = Served { links: self, link: &link };
        self.store.eras.proofs().add(Arc::clone(&link), connection);
        self.current.store(Some(Arc::clone(&link)));
        self.figures.link_is(LinkState::Trusted);
        trace::info!("the near cache has a link to redis");
        self.keep_lease(&link).await
    }

    /// A field of a hash, read on the link.
    async fn read(&self, link: &Link, key: &str, field: &str) -> RedisResult<Value> {
        let answer = link.connection.clone().send(&hget(key, field)).await;
        answer.and_then(Value::extract_error)
    }
}

/// However the link is left: its lease ends with it, for good.
struct Served<'a> {
    links: &'a Links,
    link: &'a Link,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.link.lease.end();
        self.links.store.eras.proofs().remove(self.link);
        self.links.current.store(None);
    }
}

/// While somebody looks for links, and keeps them.
struct Running<'a>(&'a Links);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.figures.link_is(LinkState::Off);
    }
}

impl Tracker for Links {
    fn stamp(&self, user: &UserId, now: Tick) -> Option<Stamp> {
        let link = self.current.load();
        // Nothing under a lease that does not hold would be used: the pool is the better way then.
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
                // A link that hangs leaves time to ask the pool.
                let patience = self.store.requests.timeout() / 2;
                let late = || (ErrorKind::Io, "no answer in time").into();
                let read = limit::within(patience, self.read(&link, &key, id.as_str()), late);
                if let Ok(answer) = read.await {
                    let living = self.store.living(user, id, idle_bound, bytes(answer)?, None);
                    return Ok(Tracked { record: living.await?, is_tracked: true });
                }
            }
            // Boxed, for it is rare: what each request has room for is small.
            let find = Box::pin(self.store.find(user, id, idle_bound));
            let record = self.store.requests.limited(find).await?;
            Ok(Tracked { record, is_tracked: false })
        })
    }

    fn changed(&self, user: &UserId) {
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

    fn beat(&self) -> Duration {
        self.lease / BEATS
    }

    fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }
}
