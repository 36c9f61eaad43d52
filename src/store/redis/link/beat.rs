//! The beats of a link: what makes its silence mean something.

use std::fmt;
use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::canary::Sung;
use super::{Link, Links};
use crate::coherence::{LinkState, Tick};
use crate::store::Tracker as _;
use crate::store::redis::server::ServerInfo;

/// How often the canary sings, beside whenever the pool has changed.
const CANARY: Duration = Duration::from_secs(1);

/// Why a link is not trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The connection was closed, or the server answered with an error.
    Closed,
    /// A beat was not answered within the lease.
    Silent,
    /// The server is not a primary any more.
    Demoted,
    /// A write over the pool was not told here: another server, or one that has stopped telling.
    Untold,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed",
            Self::Silent => "no answer within the lease",
            Self::Demoted => "the server is not a primary any more",
            Self::Untold => "a write was not told on it: does the address lead to several servers?",
        })
    }
}

impl Links {
    /// Keeps a link's lease, until the link is lost.
    pub(super) async fn keep_lease(&self, link: &Link) -> Lost {
        // How the pool was when both were last seen to reach the same server.
        let mut proved = None;
        let mut next_song = Tick::now();
        loop {
            let pool = self.store.requests.changes();
            let sent = Tick::now();
            if let Err(lost) = self.ask(link).await {
                return lost;
            }
            // A pool that has lost or made a connection may reach another server from now on.
            if proved != Some(pool) || sent >= next_song {
                next_song = sent.after(CANARY);
                proved = match self.sing(link).await {
                    Ok(Sung::Yes) => Some(pool),
                    Ok(Sung::No) => return Lost::Untold,
                    Err(_) => return Lost::Closed,
                    // Full, for instance: it answers, and takes other writes. A replica is given up instead.
                    Ok(Sung::Refused) if self.store.requests.changes() == pool => Some(pool),
                    // Until it is known where the pool leads, the lease runs out.
                    Ok(Sung::Refused | Sung::Unknown(_)) => None,
                };
            }
            if proved.is_some() {
                link.lease.renew(sent);
                self.figures.link_is(LinkState::Trusted);
            } else if !self.is_coherent() {
                self.figures.link_is(LinkState::Connecting);
            }
            if link.canary.lost_within(self.beat()).await {
                return Lost::Closed;
            }
        }
    }

    /// The question of a beat: is there a primary? What counts is when it was *sent*: all that was told before its answer
    /// is known by then.
    pub(super) async fn ask(&self, link: &Link) -> Result<(), Lost> {
        let hello = cmd("HELLO");
        let mut connection = link.connection.clone();
        // No longer: a request that waits in a socket that nobody reads would be answered by nobody.
        let answer = timeout(self.lease, connection.send_packed_command(&hello)).await;
        let answer = answer.map_err(|_| Lost::Silent)?.and_then(Value::extract_error);
        let server = ServerInfo::from_hello(&answer.map_err(|_| Lost::Closed)?);
        if server.map_err(|_| Lost::Closed)?.role != "master" {
            return Err(Lost::Demoted);
        }
        Ok(())
    }
}
