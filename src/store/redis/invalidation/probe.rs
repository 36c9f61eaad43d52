//! The probe keys of an invalidation connection. A probe writes a value over another connection. If
//! the value and its invalidation arrive on the invalidation connection, both connections lead to
//! the same server, and that server sends invalidations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{RedisError, RedisResult, Value};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::lost::Lost;
use crate::coherence::Tick;
use crate::store::StoreErrorKind;
use crate::store::redis::connect::connection::Connection;
use crate::store::redis::error::store_error;
use crate::store::redis::scripts::Script;

/// How long a probe key is kept after its latest write.
pub(crate) const LIFE: Duration = Duration::from_secs(10);

/// The kind of connection over which a probe writes. Each kind has its own probe key, so a probe
/// over one kind never waits for a probe over another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The connection on which requests are sent.
    Requests,
    /// A new connection that is made to check where the address leads.
    Address,
    /// A connection of any pool, before it is used for the first time.
    New,
}

/// The result of a probe.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Both connections lead to the same server, and that server sends invalidations. The duration
    /// is the time from the write of the value until the arrival of its invalidation.
    Same(Duration),
    /// The write succeeded, but its value or its invalidation did not arrive.
    Other,
    /// The write was refused or not answered, so it is unknown where the connections lead.
    Unknown(RedisError),
}

/// The probe keys of one invalidation connection. Only its own probes write these keys.
pub(super) struct Probes {
    all: [Probe; 3],
    lost: Notify,
    /// Why the connection must be replaced, if another part of the store decided this.
    pub(super) cause: std::sync::Mutex<Option<Lost>>,
}

pub(super) struct Probe {
    pub(super) key: String,
    /// The time at which an invalidation of the key arrived, in nanoseconds. 0 if none has arrived
    /// since the latest probe began.
    pub(super) told: AtomicU64,
    /// The number of probes so far. It is also the value that a probe writes.
    pub(super) count: AtomicU64,
    /// Held during a probe, so that only one probe of this key runs at a time.
    pub(super) turn: Mutex<()>,
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

    /// Records an invalidation of `key`. Returns `false` if `key` is not a probe key.
    pub(super) fn told(&self, key: &[u8]) -> bool {
        let Some(probe) = self.all.iter().find(|probe| probe.key.as_bytes() == key) else {
            return false;
        };
        probe.told.store(Tick::now().as_nanos(), Ordering::Release);
        true
    }

    /// Wakes [`lost_within`](Self::lost_within), because the connection is lost.
    pub(super) fn mark_connection_lost(&self) {
        self.lost.notify_one();
    }

    /// Waits until the connection is lost, but at most for `pause`. Returns the reason of the loss,
    /// or `None` if the connection was not lost within `pause`.
    pub(super) async fn lost_within(&self, pause: Duration) -> Option<Lost> {
        timeout(pause, self.lost.notified()).await.ok()?;
        let cause = *self.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(cause.unwrap_or(Lost::Closed))
    }

    pub(super) fn of(&self, route: Route) -> &Probe {
        let [requests, address, new] = &self.all;
        match route {
            Route::Requests => requests,
            Route::Address => address,
            Route::New => new,
        }
    }
}

/// Writes a probe key. The write also succeeds on a server that is out of memory.
pub(crate) async fn write(
    connection: &mut Connection,
    key: &str,
    value: &str,
) -> RedisResult<Value> {
    let life = LIFE.as_millis().to_string();
    let keys = [key.to_owned()];
    connection.run(Script::Probe, &keys, &[value.as_bytes(), life.as_bytes()]).await
}

/// Returns whether the server refuses the write of a probe key permanently, because the user lacks
/// the right to write it.
pub(super) fn is_refused(error: &RedisError) -> bool {
    store_error(error).kind() == StoreErrorKind::Unsupported
}
