//! Checks that the connections of one store lead to the same server.
//!
//! An address may start to lead to another server while the old server is still running. With the
//! rights in `docs/redis.md`, Redis reports nothing that identifies a server. So the store writes a
//! value over one connection and reads it over another connection:
//!
//! - **Before a pool uses a new connection for the first time**, the store writes a value over the
//!   new connection. If the store has invalidation connections, the value must arrive on each of
//!   them. If it has none, the store must be able to read the value over the connection that
//!   carries requests.
//! - **Every second** (by default), the store makes a new connection, because only a new connection
//!   shows where the address leads now. There are two cases:
//!   - With an invalidation connection, the task of that connection compares the new connection
//!     with the invalidation connection (`invalidation/address_check.rs`). The task also probes the
//!     connection that carries requests (`invalidation/heartbeat.rs`).
//!   - Without an invalidation connection, the upkeep of the store compares the new connection with
//!     the connection that carries requests
//!     ([`pool_address_check`](crate::store::redis::pool_address_check)).
//!
//! If a written value does not arrive, the store replaces all connections. If a value cannot be
//! written, it is unknown where the connections lead. In that case, the near cache is not used, and
//! each request asks the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{RedisResult, Value, cmd};
use tokio::time::timeout;

use super::connection::Connection;
use crate::coherence::Tick;
use crate::store::redis::era::Era;
use crate::store::redis::invalidation::{InvalidationConnection, Lost, Proof, Route, write_probe};

/// The connections with which a connection is compared before its first use.
pub(crate) struct SameServerChecks {
    /// The era to end when a connection leads to another server.
    era: Arc<Era>,
    /// The version of the set of connections with which other connections are compared. That set
    /// has the invalidation connections and `reference`. The version increases when a connection is
    /// added to the set. The version is never 0.
    version: AtomicU64,
    links: Mutex<Vec<Arc<InvalidationConnection>>>,
    /// The connection that carries requests.
    reference: ArcSwapOption<Connection>,
    /// The prefix of the probe keys. Only this store writes these keys.
    key: String,
    /// The number of values written so far. Each probe uses a new key.
    count: AtomicU64,
    /// The time limit of one step.
    patience: Duration,
    /// The time at which a connection was last opened to check the address, in nanoseconds.
    checked: AtomicU64,
}

impl SameServerChecks {
    pub(crate) fn new(era: Arc<Era>, key: String, patience: Duration) -> Self {
        Self {
            era,
            version: AtomicU64::new(1),
            links: Mutex::default(),
            reference: ArcSwapOption::empty(),
            key,
            count: AtomicU64::new(0),
            patience,
            checked: AtomicU64::new(Tick::now().as_nanos()),
        }
    }

    pub(crate) fn era(&self) -> &Arc<Era> {
        &self.era
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Sets the connection that carries requests. If this connection differs from the previous one,
    /// all other connections are compared again before their next use.
    pub(crate) fn set_reference(&self, connection: &Arc<Connection>) {
        let _one_at_a_time = self.links();
        let before = self.reference.swap(Some(Arc::clone(connection)));
        if before.is_none_or(|before| !before.is_same(connection)) {
            self.next_version(connection);
        }
    }

    pub(crate) fn drop_reference(&self) {
        self.reference.store(None);
    }

    /// Starts the next version. If `connection` has passed the checks of the current version, it
    /// also counts as passed for the next version. The caller holds the lock of `links`.
    fn next_version(&self, connection: &Connection) {
        let before = self.version.fetch_add(1, Ordering::Relaxed);
        if connection.has_proved(before) {
            connection.set_proved(before + 1);
        }
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<InvalidationConnection>>> {
        // Each change is one step, so a panic leaves nothing half done.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `link` to the connections to compare with. `connection` has already been compared with
    /// `link`.
    pub(crate) fn add(&self, link: Arc<InvalidationConnection>, connection: &Connection) {
        let mut links = self.links();
        links.push(link);
        self.next_version(connection);
    }

    pub(crate) fn remove(&self, link: &InvalidationConnection) {
        // The version does not change, because the set has only become smaller. A connection that
        // passed the checks of this version was compared with all connections that remain.
        self.links().retain(|other| !std::ptr::eq(&**other, link));
    }

    /// Returns whether the caller must check the address now. If so, this method records the
    /// current time as the time of the latest check. Returns `false` while there is an invalidation
    /// connection, because the task of that connection checks the address.
    pub(crate) fn start_address_check(&self, interval: Duration) -> bool {
        let checked = Tick::from_nanos(self.checked.load(Ordering::Relaxed));
        let is_due = self.links().is_empty() && Tick::now() >= checked.after(interval);
        if is_due {
            self.checked.store(Tick::now().as_nanos(), Ordering::Relaxed);
        }
        is_due
    }

    /// Compares a connection with the connections in use. If the connection leads to another
    /// server, the store gives up all connections, including this one.
    pub(crate) async fn compare(&self, connection: &mut Connection) {
        let version = self.version();
        let links = self.links().clone();
        for link in &links {
            match link.prove(connection, Route::New, self.patience).await {
                Ok(Proof::Same(_)) => {}
                Ok(Proof::Other) => {
                    self.remove(link);
                    link.give_up(Lost::Untold);
                    self.era.end();
                    return;
                }
                Ok(Proof::Unknown(_)) if !connection.is_of_use() => return,
                // The connection is used although it could not be compared, so cache entries must
                // not be used.
                Ok(Proof::Unknown(_)) | Err(_) => {
                    self.remove(link);
                    link.give_up(Lost::Unproved);
                }
            }
        }
        if links.is_empty() && self.is_elsewhere(connection).await {
            self.era.end();
            return;
        }
        connection.set_proved(version);
    }

    /// Returns `true` only if the connection certainly leads to another server than the connection
    /// that carries requests. Returns `false` if the two connections could not be compared.
    pub(crate) async fn is_elsewhere(&self, connection: &mut Connection) -> bool {
        let reference = self.reference.load_full();
        let reference = reference.filter(|it| it.is_of_use() && !it.is_same(connection));
        let Some(reference) = reference else { return false };
        let mut reference = Connection::clone(&reference);
        // Try twice, as for an invalidation connection: a key that is evicted between the write and
        // the read must not be mistaken for another server.
        for _ in 0..2 {
            let value = self.count.fetch_add(1, Ordering::Relaxed);
            let key = format!("{}:{value}", self.key);
            let compared = timeout(self.patience, written(connection, &mut reference, &key));
            match compared.await {
                Ok(Ok(false)) => {}
                _ => return false,
            }
        }
        true
    }
}

/// Writes a value over one connection. Returns whether it can be read over the other connection.
async fn written(
    connection: &mut Connection,
    reference: &mut Connection,
    key: &str,
) -> RedisResult<bool> {
    write_probe(connection, key, "1").await?;
    let mut get = cmd("GET");
    get.arg(key);
    let is_seen = reference.send(&get).await? != Value::Nil;
    let mut delete = cmd("DEL");
    delete.arg(key);
    connection.send(&delete).await?;
    Ok(is_seen)
}
