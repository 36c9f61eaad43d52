//! Probe keys of an invalidation connection. A probe is a write over another connection. If its
//! value and its invalidation arrive here, both connections lead to the same server, and the server
//! sends invalidations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, Value, cmd};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::InvalidationConnection;
use super::heartbeat::Lost;
use crate::coherence::Tick;
use crate::store::StoreErrorKind;
use crate::store::redis::connect::connection::Connection;
use crate::store::redis::error::store_error;
use crate::store::redis::scripts::Script;

/// How long a probe key stays after its latest write.
pub(in crate::store::redis) const LIFE: Duration = Duration::from_secs(10);

/// The connection that writes the probe. Each kind has a probe key of its own, so that no kind
/// waits for the probe of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Route {
    /// The connection on which requests are sent.
    Requests,
    /// A new connection, made to see where the address leads.
    Address,
    /// A connection of any pool, before its first use.
    New,
}

/// Result of a probe.
#[derive(Debug)]
pub(in crate::store::redis) enum Proof {
    /// Both connections lead to the same server, which sends invalidations. Holds the time from the
    /// write to its invalidation.
    Same(Duration),
    /// The write succeeded, but its value or its invalidation did not arrive.
    Other,
    /// The write was refused or not answered, so nothing is known.
    Unknown(RedisError),
}

/// The probe keys of one invalidation connection. Nothing else writes them.
pub(super) struct Probes {
    all: [Probe; 3],
    lost: Notify,
    /// Why the connection must be replaced, if another part of the store decided that.
    cause: std::sync::Mutex<Option<Lost>>,
}

struct Probe {
    key: String,
    /// When an invalidation of the key arrived, in nanoseconds; 0 if none arrived since the latest
    /// probe began.
    told: AtomicU64,
    /// Number of probes so far. It is also the value that a probe writes.
    count: AtomicU64,
    /// Only one probe at a time.
    turn: Mutex<()>,
}

impl Probes {
    pub(super) fn new(key: &str) -> Self {
        let probe = |part| Probe {
            key: format!("{key}:{part}"),
            told: AtomicU64::new(0),
            count: AtomicU64::new(0),
            turn: Mutex::new(()),
        };
        let all = [probe('r'), probe('a'), probe('n')];
        Self { all, lost: Notify::new(), cause: std::sync::Mutex::new(None) }
    }

    /// Records an invalidation of this key. Returns `false` if it is not a probe key.
    pub(super) fn told(&self, key: &[u8]) -> bool {
        let Some(probe) = self.all.iter().find(|probe| probe.key.as_bytes() == key) else {
            return false;
        };
        probe.told.store(Tick::now().as_nanos(), Ordering::Release);
        true
    }

    /// Wakes [`lost_within`](Self::lost_within): the connection is lost.
    pub(super) fn mark_connection_lost(&self) {
        self.lost.notify_one();
    }

    /// Waits until the connection is lost, and returns why. Returns `None` after `pause`.
    pub(super) async fn lost_within(&self, pause: Duration) -> Option<Lost> {
        timeout(pause, self.lost.notified()).await.ok()?;
        let cause = *self.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(cause.unwrap_or(Lost::Closed))
    }

    fn of(&self, route: Route) -> &Probe {
        let [requests, address, new] = &self.all;
        match route {
            Route::Requests => requests,
            Route::Address => address,
            Route::New => new,
        }
    }
}

impl InvalidationConnection {
    /// Ends the lease at once, and has the connection replaced.
    pub(in crate::store::redis) fn give_up(&self, cause: Lost) {
        self.lease.end();
        let mut known = self.probes.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get_or_insert(cause);
        drop(known);
        self.probes.mark_connection_lost();
    }

    /// Probes whether a write over `connection`, and its invalidation, arrive here. `patience`
    /// limits the write.
    ///
    /// # Errors
    ///
    /// The error of the invalidation connection, which must then be replaced.
    pub(in crate::store::redis) async fn prove(
        &self,
        connection: &mut Connection,
        route: Route,
        patience: Duration,
    ) -> RedisResult<Proof> {
        let probe = self.probes.of(route);
        let _turn = probe.turn.lock().await;
        // A request waits for this probe, so its reads have the shorter limit too.
        let limit = if route == Route::New { patience } else { self.patience };
        let first = self.try_to_prove(connection, probe, patience, limit).await?;
        if !matches!(first, Proof::Other) {
            return Ok(first);
        }
        // Once more: the key may have been evicted or flushed meanwhile, or an earlier write may
        // have come late.
        self.try_to_prove(connection, probe, patience, limit).await
    }

    async fn try_to_prove(
        &self,
        connection: &mut Connection,
        probe: &Probe,
        patience: Duration,
        limit: Duration,
    ) -> RedisResult<Proof> {
        // With this read, Redis tracks the key. An invalidation that arrived before belongs to an
        // earlier write.
        self.get(&probe.key, limit).await?;
        probe.told.store(0, Ordering::Release);
        let value = (probe.count.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let sent = Tick::now();
        let late = |_| Err((ErrorKind::Io, "the probe key could not be written in time").into());
        let write = write(connection, &probe.key, &value);
        if let Err(error) = timeout(patience, write).await.unwrap_or_else(late) {
            return Ok(Proof::Unknown(error));
        }
        // The invalidation arrives before this answer, because the write was done before this read
        // was sent.
        let seen = self.get(&probe.key, limit).await?;
        let told = Tick::from_nanos(probe.told.load(Ordering::Acquire));
        let is_same = seen == Value::BulkString(value.into()) && told.as_nanos() != 0;
        Ok(if is_same { Proof::Same(told.since(sent)) } else { Proof::Other })
    }

    async fn get(&self, key: &str, limit: Duration) -> RedisResult<Value> {
        let mut get = cmd("GET");
        get.arg(key);
        let mut connection = self.connection.clone();
        let late = |_| Err((ErrorKind::Io, "no answer in time").into());
        let answer = timeout(limit, connection.send(&get)).await;
        answer.unwrap_or_else(late).and_then(Value::extract_error)
    }
}

/// Writes a probe key. The write also succeeds on a server that is out of memory.
pub(in crate::store::redis) async fn write(
    connection: &mut Connection,
    key: &str,
    value: &str,
) -> RedisResult<Value> {
    let life = LIFE.as_millis().to_string();
    let keys = [key.to_owned()];
    connection.run(Script::Probe, &keys, &[value.as_bytes(), life.as_bytes()]).await
}

/// Whether the server refuses the write of a probe key for good: the user lacks the right to it.
pub(super) fn is_refused(error: &RedisError) -> bool {
    store_error(error).kind() == StoreErrorKind::Unsupported
}
