//! Reasons to replace an invalidation connection.

use std::fmt;

/// Why an invalidation connection is no longer trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The connection was closed, or the server answered with an error.
    Closed,
    /// A heartbeat was not answered within the lease.
    Silent,
    /// The server is no longer a primary.
    Demoted,
    /// A probe wrote a value over a connection of the pool. The value or its invalidation did not
    /// arrive on the invalidation connection. Either the pool leads to another server, or the
    /// server of the invalidation connection no longer sends invalidations.
    Untold,
    /// A new connection to the address leads to another server.
    Moved,
    /// A connection of the pool could not be compared with this connection.
    Unproved,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed",
            Self::Silent => "no heartbeat was answered within the lease",
            Self::Demoted => "the server is no longer a primary",
            Self::Untold => {
                "no invalidation arrived for a probe key: check whether the address leads to \
                 several servers"
            }
            Self::Moved => "the address leads to another server",
            Self::Unproved => {
                "another connection could not be compared with the invalidation connection"
            }
        })
    }
}
