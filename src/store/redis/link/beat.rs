//! The beats of a link: what makes its silence mean something.

use std::fmt;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::canary::Sung;
use super::{Link, Links};
use crate::coherence::Tick;
use crate::store::Tracker as _;
use crate::store::redis::server::ServerInfo;

/// The canary sings with each tenth beat, that is each second.
const CANARY_EVERY: u32 = 10;

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
        let mut beats = 0_u32;
        loop {
            if let Err(lost) = self.renew(link).await {
                return lost;
            }
            beats = beats.wrapping_add(1);
            if beats.is_multiple_of(CANARY_EVERY)
                && let Err(lost) = self.look_at_canary(link).await
            {
                return lost;
            }
            if link.canary.lost_within(self.beat()).await {
                return Lost::Closed;
            }
        }
    }

    /// One beat. What counts is when it was *sent*: all that was told before its answer is known by then.
    pub(super) async fn renew(&self, link: &Link) -> Result<(), Lost> {
        let sent = Tick::now();
        let hello = cmd("HELLO");
        let mut connection = link.connection.clone();
        // No longer: a request that waits in a socket that nobody reads would be answered by nobody.
        let answer = timeout(self.lease, connection.send_packed_command(&hello)).await;
        let answer = answer.map_err(|_| Lost::Silent)?.and_then(Value::extract_error);
        let server = ServerInfo::from_hello(&answer.map_err(|_| Lost::Closed)?);
        if server.map_err(|_| Lost::Closed)?.role != "master" {
            return Err(Lost::Demoted);
        }
        link.lease.renew(sent);
        Ok(())
    }

    pub(super) async fn look_at_canary(&self, link: &Link) -> Result<(), Lost> {
        match timeout(self.lease, self.sing(link)).await {
            Err(_) | Ok(Ok(Sung::No)) => Err(Lost::Untold),
            Ok(Err(_)) => Err(Lost::Closed),
            // A pool that cannot write says nothing about the link.
            Ok(Ok(Sung::Yes | Sung::Unknown(_))) => Ok(()),
        }
    }
}
