//! The request policy of a layer: audience, max staleness and failure policy.

use std::time::Duration;

use crate::error::ConfigError;
use crate::token::Audience;

/// What a layer does with a request while the store is unavailable and no cache entry of this
/// process is valid for it.
///
/// Each policy rejects a token that does not verify or is expired. Each rejects a session that this
/// process knows to be revoked or expired: because this process revoked it, or because the store
/// said so (the last 16,384 of them). Logins are refused with 503 under each policy, unless the
/// application issues [tokens without a session](crate::SessionManager::token_without_session).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// Rejects the request with 503 and `Retry-After`, because the session may be revoked.
    #[default]
    Refuse,
    /// Accepts the request if this process has a cache entry for its session, and the last
    /// heartbeat that confirmed it was sent at most the lease (500 ms by default) plus this time
    /// ago. Otherwise as [`Refuse`](Self::Refuse).
    ///
    /// It needs a working near cache. It is [`Refuse`](Self::Refuse) without one (switched off,
    /// refused by the server, or no worker), and for a session that was read or changed while the
    /// invalidation connection was down.
    ///
    /// A session that another process revoked in that time is still accepted. No request is
    /// accepted after its token has expired, after the known end of its session, or after a change
    /// of the session that this process saw. [`Session::is_stale`] tells the handler.
    ///
    /// [`Session::is_stale`]: crate::Session::is_stale
    ServeStale(Duration),
    /// Accepts the request on its JWT alone: **a user who is logged out, suspended or demoted stays
    /// in until the token expires**, while the store is unavailable. There is then no session, no
    /// role and no data. The request's extensions hold a [`TokenOnly`](crate::auth_layer::TokenOnly) instead,
    /// and guards and extractors that need a session reject with 503.
    ///
    /// For routes that do nothing beyond what the token itself allows.
    TokenOnly,
}

/// The request policy of one layer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestPolicy {
    /// An audience other than the manager's.
    pub(crate) audience: Option<Audience>,
    pub(crate) staleness: Staleness,
    pub(crate) policy: FailurePolicy,
}

/// The max staleness: how old the store's last confirmation of a cache entry may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Staleness {
    /// The lease of the near cache.
    #[default]
    Lease,
    /// The smaller of this and the lease.
    AtMost(Duration),
    /// No age: each request asks the store.
    Never,
}

impl Staleness {
    /// Checks `max` against the heartbeat interval of the near cache, if there is one: at least
    /// three heartbeats, or zero.
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

    /// Returns the bound for this lease; `None` if the store must be asked.
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
        // Without a near cache, every request asks the store, so any value is valid.
        assert!(Staleness::new(MS, None).is_ok());
    }
}
