//! Heartbeats of an invalidation connection. They show whether an idle connection still works.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use redis::{RedisResult, Value, cmd};
use tokio::time::timeout;

use super::InvalidationConnections;
use super::connection::InvalidationConnection;
use super::lost::Lost;
use super::probe::{Proof, Route};
use crate::coherence::{InvalidationState, Tick};
use crate::store::Tracker as _;
use crate::store::redis::connect::server::{Role, ServerInfo};

/// How often a connection of the pool is compared with the invalidation connection. The comparison
/// also runs after each change in the pool.
const PROBE: Duration = Duration::from_secs(1);

impl InvalidationConnections {
    /// Keeps the lease of a connection valid. Returns when the connection is lost.
    pub(super) async fn keep_lease(&self, link: &InvalidationConnection) -> Lost {
        let (heartbeats, address) = (pin!(self.heartbeats(link)), pin!(self.follow_address(link)));
        select(heartbeats, address).await.factor_first().0
    }

    /// Sends heartbeats, and compares the pool with the invalidation connection. Returns when the
    /// invalidation connection is lost.
    async fn heartbeats(&self, link: &InvalidationConnection) -> Lost {
        // The state of the pool when the pool was last proved to lead to the same server.
        let mut proved = None;
        let mut next_probe = Tick::now();
        loop {
            let pool = self.store.requests.changes();
            let sent = Tick::now();
            if let Err(lost) = self.ask(link).await {
                return lost;
            }
            // The pool may lead to another server after it has lost or made a connection.
            if proved != Some(pool) || sent >= next_probe {
                next_probe = sent.after(PROBE);
                proved = match self.probe_requests(link).await {
                    Ok(Some(Proof::Same(lag))) => {
                        self.counters.record_lag(lag);
                        Some(pool)
                    }
                    Ok(Some(Proof::Other)) => return Lost::Untold,
                    Err(_) => return Lost::Closed,
                    // The comparison gave no result. The lease is not renewed until a comparison
                    // succeeds.
                    Ok(Some(Proof::Unknown(_)) | None) => None,
                };
            }
            if proved.is_some() {
                // The lease starts when the heartbeat was sent, but no later than one
                // `address_check` interval after the start of the latest successful address check.
                link.lease.renew(sent.min(link.address_proved().after(self.store.address_check)));
            }
            let state = if self.is_coherent() {
                InvalidationState::Trusted
            } else {
                InvalidationState::Connecting
            };
            self.counters.set_state(state);
            if let Some(lost) = link.probes.lost_within(self.heartbeat_interval()).await {
                return lost;
            }
        }
    }

    /// Compares a connection of the pool with the invalidation connection. Returns `None` if the
    /// pool does not supply a connection in time.
    async fn probe_requests(&self, link: &InvalidationConnection) -> RedisResult<Option<Proof>> {
        // Heartbeats wait for this comparison, so a slow pool must not use up the lease.
        let patience = self.lease / 4;
        let Ok(Ok(mut connection)) = timeout(patience, self.store.requests.connection()).await
        else {
            return Ok(None);
        };
        link.prove(&mut connection, Route::Requests, patience).await.map(Some)
    }

    /// Sends a heartbeat: `HELLO`, which also shows whether the server is still a primary. The
    /// lease starts at the time at which the heartbeat was *sent*. When the answer arrives, all
    /// invalidations that Redis sent before the answer have been handled.
    pub(super) async fn ask(&self, link: &InvalidationConnection) -> Result<(), Lost> {
        let hello = cmd("HELLO");
        let mut connection = link.connection.clone();
        // The wait is limited to the lease. Without a limit, the wait would never end if the other
        // side no longer reads the socket.
        let answer = timeout(self.lease, connection.send(&hello)).await;
        let answer = answer.map_err(|_| Lost::Silent)?.and_then(Value::extract_error);
        let server = ServerInfo::from_hello(&answer.map_err(|_| Lost::Closed)?);
        match server.map_err(|_| Lost::Closed)?.role() {
            Role::Replica => Err(Lost::Demoted),
            Role::Primary | Role::Unknown => Ok(()),
        }
    }
}
