//! One invalidation connection, and its comparison with other connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{ErrorKind, RedisResult, Value, cmd};
use tokio::time::timeout;

use super::lost::Lost;
use super::probe::{self, Probe, Probes, Proof, Route};
use crate::coherence::{Lease, Tick};
use crate::store::redis::connect::connection::Connection;
use crate::store::redis::connect::handle::Handle;

/// One invalidation connection.
pub(crate) struct InvalidationConnection {
    pub(super) connection: Handle,
    pub(super) lease: Arc<Lease>,
    pub(super) probes: Arc<Probes>,
    /// The time limit of one step on the connection.
    pub(super) patience: Duration,
    /// The time, in nanoseconds, at which the store started to make the latest connection that was
    /// proved to lead to the same server.
    pub(super) address_proved: AtomicU64,
}

impl InvalidationConnection {
    /// Records that a connection leads to the same server. The connect of that connection started
    /// at `begun`.
    pub(super) fn mark_address_proved(&self, begun: Tick) {
        self.address_proved.fetch_max(begun.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn address_proved(&self) -> Tick {
        Tick::from_nanos(self.address_proved.load(Ordering::Relaxed))
    }

    /// Ends the lease at once, and makes the store replace the connection.
    pub(crate) fn give_up(&self, cause: Lost) {
        self.lease.end();
        let mut known = self.probes.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get_or_insert(cause);
        drop(known);
        self.probes.mark_connection_lost();
    }

    /// Runs a probe: writes a value over `connection`, and checks that the value and its
    /// invalidation arrive on this invalidation connection. `patience` limits the write.
    ///
    /// # Errors
    ///
    /// The error of this invalidation connection. After an error, the store must replace it.
    pub(crate) async fn prove(
        &self,
        connection: &mut Connection,
        route: Route,
        patience: Duration,
    ) -> RedisResult<Proof> {
        let probe = self.probes.of(route);
        let _turn = probe.turn.lock().await;
        // A request waits for a probe of a new connection. So `patience`, the shorter limit,
        // applies to the reads of such a probe too.
        let limit = if route == Route::New { patience } else { self.patience };
        let first = self.try_to_prove(connection, probe, patience, limit).await?;
        if !matches!(first, Proof::Other) {
            return Ok(first);
        }
        // Try once more: the key may have been evicted or flushed in the meantime, or an earlier
        // write may have arrived late.
        self.try_to_prove(connection, probe, patience, limit).await
    }

    async fn try_to_prove(
        &self,
        connection: &mut Connection,
        probe: &Probe,
        patience: Duration,
        limit: Duration,
    ) -> RedisResult<Proof> {
        // This read makes Redis track the key. An invalidation that has arrived by now belongs to
        // an earlier write.
        self.get(&probe.key, limit).await?;
        probe.told.store(0, Ordering::Release);
        let value = (probe.count.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let sent = Tick::now();
        let late = |_| Err((ErrorKind::Io, "the probe key could not be written in time").into());
        let write = probe::write(connection, &probe.key, &value);
        if let Err(error) = timeout(patience, write).await.unwrap_or_else(late) {
            return Ok(Proof::Unknown(error));
        }
        // The invalidation arrives before the answer to this read, because the write was done
        // before the read was sent.
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
