//! The beats of a link: what makes its silence mean something.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use redis::{RedisResult, Value, cmd};
use tokio::time::timeout;

use super::probe::{Proof, Route};
use super::{Link, Links};
use crate::coherence::{LinkState, Tick};
use crate::store::Tracker as _;
use crate::store::redis::server::{Role, ServerInfo};

/// How often the pool's connection is compared, beside whenever the pool has changed.
const PROBE: Duration = Duration::from_secs(1);

/// Why a link is not trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Lost {
    /// The connection was closed, or the server answered with an error.
    Closed,
    /// A beat was not answered within the lease.
    Silent,
    /// The server is not a primary any more.
    Demoted,
    /// A write over the pool was not told here: another server, or one that has stopped telling.
    Untold,
    /// A connection that was just made leads to another server.
    Moved,
    /// A connection of the pool could not be compared with it.
    Unproved,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed",
            Self::Silent => "no answer within the lease",
            Self::Demoted => "the server is not a primary any more",
            Self::Untold => "a write was not told on it: does the address lead to several servers?",
            Self::Moved => "the address leads to another server",
            Self::Unproved => "another connection could not be compared with it",
        })
    }
}

impl Links {
    /// Keeps a link's lease, until the link is lost.
    pub(super) async fn keep_lease(&self, link: &Link) -> Lost {
        let (beats, address) = (pin!(self.beats(link)), pin!(self.follow_address(link)));
        select(beats, address).await.factor_first().0
    }

    async fn beats(&self, link: &Link) -> Lost {
        // How the pool was when both were last seen to reach the same server.
        let mut proved = None;
        let mut next_probe = Tick::now();
        loop {
            let pool = self.store.requests.changes();
            let sent = Tick::now();
            if let Err(lost) = self.ask(link).await {
                return lost;
            }
            // A pool that has lost or made a connection may reach another server from now on.
            if proved != Some(pool) || sent >= next_probe {
                next_probe = sent.after(PROBE);
                proved = match self.probe_requests(link).await {
                    Ok(Some(Proof::Same(lag))) => {
                        self.figures.lagged(lag);
                        Some(pool)
                    }
                    Ok(Some(Proof::Other)) => return Lost::Untold,
                    Err(_) => return Lost::Closed,
                    // Until it is known where the pool leads, the lease runs out.
                    Ok(Some(Proof::Unknown(_)) | None) => None,
                };
            }
            if proved.is_some() {
                // No later than the address was last seen to lead here, and one interval.
                link.lease.renew(sent.min(link.address_proved().after(self.store.address_check)));
            }
            let state = if self.is_coherent() { LinkState::Trusted } else { LinkState::Connecting };
            self.figures.link_is(state);
            if let Some(lost) = link.probes.lost_within(self.beat()).await {
                return lost;
            }
        }
    }

    /// Compares the pool's connection with the link; `None` if there is none in time.
    async fn probe_requests(&self, link: &Link) -> RedisResult<Option<Proof>> {
        // Beats wait for it: a slow pool must not cost the lease.
        let patience = self.lease / 4;
        let Ok(Ok(mut connection)) = timeout(patience, self.store.requests.connection()).await
        else {
            return Ok(None);
        };
        link.prove(&mut connection, Route::Requests, patience).await.map(Some)
    }

    /// The question of a beat: is there a primary? What counts is when it was *sent*: all that was told before its answer
    /// is known by then.
    pub(super) async fn ask(&self, link: &Link) -> Result<(), Lost> {
        let hello = cmd("HELLO");
        let mut connection = link.connection.clone();
        // No longer: a request that waits in a socket that nobody reads would be answered by nobody.
        let answer = timeout(self.lease, connection.send(&hello)).await;
        let answer = answer.map_err(|_| Lost::Silent)?.and_then(Value::extract_error);
        let server = ServerInfo::from_hello(&answer.map_err(|_| Lost::Closed)?);
        match server.map_err(|_| Lost::Closed)?.role() {
            Role::Replica => Err(Lost::Demoted),
            Role::Primary | Role::Unknown => Ok(()),
        }
    }
}
