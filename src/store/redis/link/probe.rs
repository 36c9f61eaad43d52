//! The probe keys of an invalidation connection: a write over another connection that is seen here proves that both lead
//! to the same server, and that the server tells of changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, Value, cmd};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::Link;
use super::beat::Lost;
use crate::coherence::Tick;
use crate::store::StoreErrorKind;
use crate::store::redis::connection::Connection;
use crate::store::redis::error::store_error;
use crate::store::redis::scripts::Script;

/// How long a probe key stays after its latest write.
pub(in crate::store::redis) const LIFE: Duration = Duration::from_secs(10);

/// The connection whose writes are looked for. Each kind has a key of its own, so that none waits for another's probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Route {
    /// The one on which requests are sent.
    Requests,
    /// One that was just made to see where the address leads.
    Address,
    /// One of any pool, before its first use.
    New,
}

/// What a probe says.
#[derive(Debug)]
pub(in crate::store::redis) enum Proof {
    /// Both connections lead to the same server, which tells of changes; and how long the news took.
    Same(Duration),
    /// The write was taken, and was not seen.
    Other,
    /// Nothing is known: the write was refused, or not answered.
    Unknown(RedisError),
}

/// The probe keys of one invalidation connection, which nothing else writes.
pub(super) struct Probes {
    all: [Probe; 3],
    lost: Notify,
    /// Why the connection is to be given up, where another part of the store says so.
    cause: std::sync::Mutex<Option<Lost>>,
}

struct Probe {
    key: String,
    /// When a change of it was told, in nanoseconds; 0 if not since the last look.
    told: AtomicU64,
    /// How many probes there were: the value that is written.
    count: AtomicU64,
    /// One probe at a time.
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

    /// Takes the news that this key has changed; `false` if it is no probe key.
    pub(super) fn told(&self, key: &[u8]) -> bool {
        let Some(probe) = self.all.iter().find(|probe| probe.key.as_bytes() == key) else {
            return false;
        };
        probe.told.store(Tick::now().as_nanos(), Ordering::Release);
        true
    }

    pub(super) fn link_is_lost(&self) {
        self.lost.notify_one();
    }

    /// Waits until the connection is lost, or `pause` is over.
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

impl Link {
    /// Ends the lease at once, and has the connection replaced.
    pub(in crate::store::redis) fn give_up(&self, cause: Lost) {
        self.lease.end();
        let mut known = self.probes.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get_or_insert(cause);
        drop(known);
        self.probes.link_is_lost();
    }

    /// Looks whether a write over `connection` is seen here, and told. `patience` is for the write.
    ///
    /// # Errors
    ///
    /// That of the invalidation connection, which is of no more use then.
    pub(in crate::store::redis) async fn prove(
        &self,
        connection: &mut Connection,
        route: Route,
        patience: Duration,
    ) -> RedisResult<Proof> {
        let probe = self.probes.of(route);
        let _turn = probe.turn.lock().await;
        // A request waits for the first use of a connection.
        let limit = if route == Route::New { patience } else { self.patience };
        let first = self.try_to_prove(connection, probe, patience, limit).await?;
        if !matches!(first, Proof::Other) {
            return Ok(first);
        }
        // The key may have been evicted or flushed in between, or a write of before came late.
        self.try_to_prove(connection, probe, patience, limit).await
    }

    async fn try_to_prove(
        &self,
        connection: &mut Connection,
        probe: &Probe,
        patience: Duration,
        limit: Duration,
    ) -> RedisResult<Proof> {
        // From here on a change is told; one that was told before is not the one to come.
        self.get(&probe.key, limit).await?;
        probe.told.store(0, Ordering::Release);
        let value = (probe.count.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let sent = Tick::now();
        let late = |_| Err((ErrorKind::Io, "the probe key could not be written in time").into());
        let write = write(connection, &probe.key, &value);
        if let Err(error) = timeout(patience, write).await.unwrap_or_else(late) {
            return Ok(Proof::Unknown(error));
        }
        // The news are ahead of this answer: it was written before this was asked.
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

/// Writes a probe key. A server that is out of memory takes this write too.
pub(in crate::store::redis) async fn write(
    connection: &mut Connection,
    key: &str,
    value: &str,
) -> RedisResult<Value> {
    let life = LIFE.as_millis().to_string();
    let keys = [key.to_owned()];
    connection.run(Script::Probe, &keys, &[value.as_bytes(), life.as_bytes()]).await
}

/// Whether the server has refused the write of a probe key for good: it may not be written by this user.
pub(super) fn is_refused(error: &RedisError) -> bool {
    store_error(error).kind() == StoreErrorKind::Unsupported
}
