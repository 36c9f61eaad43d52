//! Proof by effect that the connections of one store lead to the same server.
//!
//! An address may begin to lead to another server while the old one lives on, and nothing that Redis says of itself names
//! the server within the rights of README. So a value that is written over one connection is looked for on another:
//!
//! - **Before its first use** a connection of any pool writes a value that each invalidation connection of the store must
//!   see. Where there is none, the connection on which requests are sent must see it.
//! - **Each second** the requests' connection writes one, and so does a connection that is made for this, as nothing else
//!   says where the address leads now ([`link`](super::link); without an invalidation connection the store's upkeep).
//!
//! A value that was taken and is not seen ends all connections. A value that could not be written says nothing: the
//! near cache is switched off then, and requests are served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{RedisResult, Value, cmd};
use tokio::time::timeout;

use super::Inner;
use super::connection::Connection;
use super::era::Era;
use super::link::{Link, Lost, Proof, Route, write_probe};
use crate::coherence::Tick;
use crate::limit;
use crate::trace;

/// What a connection is compared with before its first use.
pub(super) struct Proofs {
    /// Moves when there is another connection to be compared with. Never 0.
    version: AtomicU64,
    links: Mutex<Vec<Arc<Link>>>,
    /// The connection on which requests are sent.
    reference: ArcSwapOption<Connection>,
    /// A key that this store alone writes.
    key: String,
    count: AtomicU64,
    /// How long a step may take.
    patience: Duration,
    /// When a connection was made last to see where the address leads, in nanoseconds.
    checked: AtomicU64,
}

impl Proofs {
    pub(super) fn new(key: String, patience: Duration) -> Self {
        Self {
            version: AtomicU64::new(1),
            links: Mutex::default(),
            reference: ArcSwapOption::empty(),
            key,
            count: AtomicU64::new(0),
            patience,
            checked: AtomicU64::new(Tick::now().as_nanos()),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// From now on requests are sent on this connection. If it is another one than before, all others are compared again
    /// before their next use.
    pub(super) fn set_reference(&self, connection: &Arc<Connection>) {
        let _one_at_a_time = self.links();
        let before = self.reference.swap(Some(Arc::clone(connection)));
        if before.is_none_or(|before| !before.is_same(connection)) {
            self.next_version(connection);
        }
    }

    pub(super) fn drop_reference(&self) {
        self.reference.store(None);
    }

    /// A connection that has passed the present version has passed the next one. Called under the lock.
    fn next_version(&self, connection: &Connection) {
        let before = self.version.fetch_add(1, Ordering::Relaxed);
        if connection.has_proved(before) {
            connection.set_proved(before + 1);
        }
    }

    /// Whether there is an invalidation connection, which is compared with the address by itself.
    fn has_links(&self) -> bool {
        !self.links().is_empty()
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        // Each change is one step: a panic cannot leave it half done.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on connections are compared with `link` too. `connection` has been.
    pub(super) fn add(&self, link: Arc<Link>, connection: &Connection) {
        let mut links = self.links();
        links.push(link);
        self.next_version(connection);
    }

    pub(super) fn remove(&self, link: &Link) {
        // What was compared with more has been compared with the others.
        self.links().retain(|other| !std::ptr::eq(&**other, link));
    }
}

impl Era {
    /// Compares a connection with those that are in use. One that leads elsewhere ends all of them, itself included.
    pub(super) async fn compare(&self, connection: &mut Connection) {
        let proofs = self.proofs();
        let version = proofs.version();
        let links = proofs.links().clone();
        for link in &links {
            match link.prove(connection, Route::New, proofs.patience).await {
                Ok(Proof::Same(_)) => {}
                Ok(Proof::Other) => {
                    proofs.remove(link);
                    link.give_up(Lost::Untold);
                    self.ends();
                    return;
                }
                Ok(Proof::Unknown(_)) if !connection.is_of_use() => return,
                // The one that cannot be compared is used, so what is remembered is not.
                Ok(Proof::Unknown(_)) | Err(_) => {
                    proofs.remove(link);
                    link.give_up(Lost::Unproved);
                }
            }
        }
        if links.is_empty() && self.is_elsewhere(connection).await {
            self.ends();
            return;
        }
        connection.set_proved(version);
    }

    /// Whether a connection certainly does not lead where requests are sent.
    pub(super) async fn is_elsewhere(&self, connection: &mut Connection) -> bool {
        let proofs = self.proofs();
        let reference = proofs.reference.load_full();
        let reference = reference.filter(|it| it.is_of_use() && !it.is_same(connection));
        let Some(reference) = reference else { return false };
        let mut reference = Connection::clone(&reference);
        // As with a link: of two, so that no eviction in between is taken for another server.
        for _ in 0..2 {
            let value = proofs.count.fetch_add(1, Ordering::Relaxed);
            let key = format!("{}:{value}", proofs.key);
            let compared = timeout(proofs.patience, written(connection, &mut reference, &key));
            match compared.await {
                Ok(Ok(false)) => {}
                _ => return false,
            }
        }
        true
    }
}

impl Inner {
    /// Where there is no invalidation connection: makes a connection, if one is due, and compares it with the one on which
    /// requests are sent. If it leads elsewhere, all connections end.
    pub(super) async fn follow_address(&self) {
        let proofs = self.eras.proofs();
        let checked = Tick::from_nanos(proofs.checked.load(Ordering::Relaxed));
        // The caller comes once a second, give or take a little.
        let interval = self.address_check.saturating_sub(self.address_check / 10);
        if proofs.has_links() || Tick::now() < checked.after(interval) {
            return;
        }
        proofs.checked.store(Tick::now().as_nanos(), Ordering::Relaxed);
        // The caller's time is for the store, and this must not use it up.
        let limit = self.requests.timeout().min(limit::left()) / 4;
        match self.requests.fresh(limit).await {
            Ok((mut connection, _)) => {
                let elsewhere = timeout(limit, self.eras.is_elsewhere(&mut connection));
                if elsewhere.await.unwrap_or(false) {
                    trace::warn!(
                        "the address of redis leads to another server: all connections are made anew"
                    );
                    self.eras.ends();
                }
            }
            Err(error) => {
                let error = trace::Chain(&error);
                trace::debug!("where the address of redis leads is not known", error = error);
            }
        }
    }
}

/// Whether what is written over one connection is seen over the other.
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
