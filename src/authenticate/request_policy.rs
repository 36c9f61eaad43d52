//! The request policy of a layer: audience, max staleness and failure policy.

use std::time::Duration;

use crate::error::ConfigError;
use crate::token::Audience;

/// What a layer does with a request while the store is unavailable and this process has no valid
/// cache entry for the request.
///
/// Each policy rejects a token that does not verify or is expired. Each policy also rejects a
/// session if this process remembers that the session was revoked or has expired. A process
/// remembers this if it has revoked the session itself, or if it has tried to load the session and
/// the store had no live session. It remembers the last 16,384 of these sessions. Under each
/// policy, logins are refused with 503, unless the application issues
/// [tokens without a session](crate::SessionManager::token_without_session).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// Rejects the request with 503 and `Retry-After`, because the session may have been revoked.
    #[default]
    Refuse,
    /// Accepts the request if this process has a cache entry for its token and a recent heartbeat
    /// has confirmed the entry. A heartbeat is recent if it was sent at most
    /// `lease + this duration` ago (the lease is 500 ms by default). If there is no such entry, or
    /// if no recent heartbeat has confirmed it, this policy acts like [`Refuse`](Self::Refuse).
    ///
    /// This policy needs a working near cache. It acts like [`Refuse`](Self::Refuse) in these
    /// cases:
    /// - There is no near cache: it is switched off, the server refuses it, or no worker is
    ///   running.
    /// - The session was read or changed while the invalidation connection was down.
    ///
    /// If another process revokes a session while this policy is in use, this process can still
    /// accept the session. It does so for at most `lease + this duration` after it sent the last
    /// heartbeat that confirmed the entry.
    ///
    /// This policy rejects the request after one of these events:
    /// - The token has expired.
    /// - The session has expired, according to its last known deadlines.
    /// - This process has changed the session, or has received an invalidation for it.
    ///
    /// A handler can call [`Session::is_stale`] to see whether this policy accepted the session.
    ///
    /// [`Session::is_stale`]: crate::Session::is_stale
    ServeStale(Duration),
    /// Accepts the request on its JWT alone. While the store is unavailable, **a user who is logged
    /// out, suspended or demoted keeps access until the token expires**. The request has no
    /// session, no role and no data. Instead, its extensions contain a
    /// [`TokenOnly`](crate::auth_layer::TokenOnly). Guards and extractors that need a session
    /// reject the request with 503.
    ///
    /// Use this policy only for routes for which a valid token is sufficient permission.
    TokenOnly,
}

/// The request policy of one layer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestPolicy {
    /// An audience that replaces the manager's audience.
    pub(crate) audience: Option<Audience>,
    pub(crate) staleness: Staleness,
    pub(crate) policy: FailurePolicy,
}

/// The max staleness: the maximum age of the store's last confirmation of a cache entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Staleness {
    /// At most the lease of the near cache.
    #[default]
    Lease,
    /// At most this duration or the lease, whichever is less.
    AtMost(Duration),
    /// No cache entry is recent enough: each request asks the store.
    Never,
}

impl Staleness {
    /// Checks `max`. If there is a near cache, `max` must be zero or at least three of its
    /// heartbeat intervals. Without a near cache, each value is valid.
    pub(crate) fn new(max: Duration, heartbeat: Option<Duration>) -> Result<Self, ConfigError> {
        match heartbeat {
            _ if max.is_zero() => Ok(Self::Never),
            Some(heartbeat) if max < heartbeat * 3 => Err(ConfigError::OutOfRange {
                setting: "max_staleness",
                rule: "must be zero, or at least three heartbeats of the near cache (300 ms by \
                       default)",
            }),
            _ => Ok(Self::AtMost(max)),
        }
    }

    /// Returns the maximum age of the store's last confirmation. `lease` is the lease of the near
    /// cache. Returns `None` if each request must ask the store.
    pub(crate) fn within(self, lease: Duration) -> Option<Duration> {
        match self {
            Self::Lease => Some(lease),
            Self::AtMost(max) => Some(max.min(lease)),
            Self::Never => None,
        }
    }
}

impl RequestPolicy {
    pub(crate) fn audience_number(&self) -> u32 {
        self.audience.as_ref().map_or(0, Audience::number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn max_staleness_needs_three_heartbeats_and_is_capped_by_the_lease() {
        let heartbeat = Some(100 * MS);
        assert_eq!(Staleness::new(Duration::ZERO, heartbeat).unwrap(), Staleness::Never);
        for bad in [MS, 100 * MS, 299 * MS] {
            assert!(Staleness::new(bad, heartbeat).is_err(), "{bad:?}");
        }
        assert_eq!(Staleness::new(300 * MS, heartbeat).unwrap().within(500 * MS), Some(300 * MS));
        assert_eq!(Staleness::new(9_000 * MS, heartbeat).unwrap().within(500 * MS), Some(500 * MS));
        assert_eq!(Staleness::default().within(500 * MS), Some(500 * MS));
        assert_eq!(Staleness::Never.within(500 * MS), None);
        // Without a near cache, every request asks the store. So any value is valid.
        assert!(Staleness::new(MS, None).is_ok());
    }
}
