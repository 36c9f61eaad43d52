//! What one layer asks of a session beside the manager's own rules.

use std::time::Duration;

use crate::error::ConfigError;
use crate::token::Audience;

/// What a layer does with a request while the store cannot say whether its session lives, and nothing that this process
/// remembers may stand for it any more.
///
/// A token that does not verify, or whose time is over, is refused under each of them; so is a session of which this
/// process knows that it has ended: because it ended it itself, or was told so when it asked, one of the last 16,384.
/// Logins are refused with 503 under all of them, unless the application asks for
/// [tokens without a session](crate::SessionManager::token_without_session).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// Refuses it with 503 and `Retry-After`: nobody gets in who may have been logged out.
    #[default]
    Refuse,
    /// Lets it in if this process remembers its session, and the last word of the store on it was had at most a lease
    /// (500 ms by default) and this time ago; otherwise as [`Refuse`](Self::Refuse).
    ///
    /// It takes a near cache that is in use: without one (switched off, refused by the server, no worker), or for a session
    /// that was read or changed while there was no link to the server, this is [`Refuse`](Self::Refuse).
    ///
    /// Somebody who was logged out elsewhere in that time still gets in. Never past the end of the token or of the session
    /// as far as that is known, and never with a session that was seen to change. [`Session::is_stale`] tells the
    /// handler.
    ///
    /// [`Session::is_stale`]: crate::Session::is_stale
    ServeStale(Duration),
    /// Lets it in on its JWT alone: **whoever was logged out, suspended or demoted gets in until the token expires**, for
    /// as long as the store is away. There is no session then, so no role and no data; the request's extensions hold a
    /// [`TokenOnly`](crate::TokenOnly) instead, and guards and extractors of a session refuse with 503.
    ///
    /// For routes that do no more than a token would allow.
    TokenOnly,
}

/// What one layer asks of a session. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    /// Another audience than the manager's.
    pub(crate) audience: Option<Audience>,
    pub(crate) staleness: Staleness,
    pub(crate) policy: FailurePolicy,
}

/// How old the store's last word on a session may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Staleness {
    /// As the near cache has it.
    #[default]
    Lease,
    /// At most this, and the lease.
    AtMost(Duration),
    /// The store is asked.
    Never,
}

impl Staleness {
    /// Checked against the near cache's `beat`, where there is one.
    pub(crate) fn new(max: Duration, beat: Option<Duration>) -> Result<Self, ConfigError> {
        match beat {
            _ if max.is_zero() => Ok(Self::Never),
            Some(beat) if max < beat * 3 => Err(ConfigError::OutOfRange {
                setting: "max_staleness",
                rule: "must be zero, or three beats of the near cache (300 ms by default) or more",
            }),
            _ => Ok(Self::AtMost(max)),
        }
    }

    /// The bound, with this lease; `None` where the store is to be asked.
    pub(crate) fn within(self, lease: Duration) -> Option<Duration> {
        match self {
            Self::Lease => Some(lease),
            Self::AtMost(max) => Some(max.min(lease)),
            Self::Never => None,
        }
    }
}

impl Demand {
    pub(crate) fn audience_number(&self) -> u32 {
        self.audience.as_ref().map_or(0, Audience::number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_staleness_that_no_beat_can_keep_is_an_error() {
        let beat = Some(100 * MS);
        assert_eq!(Staleness::new(Duration::ZERO, beat).unwrap(), Staleness::Never);
        for bad in [MS, 100 * MS, 299 * MS] {
            assert!(Staleness::new(bad, beat).is_err(), "{bad:?}");
        }
        assert_eq!(Staleness::new(300 * MS, beat).unwrap().within(500 * MS), Some(300 * MS));
        assert_eq!(Staleness::new(9_000 * MS, beat).unwrap().within(500 * MS), Some(500 * MS));
        assert_eq!(Staleness::default().within(500 * MS), Some(500 * MS));
        assert_eq!(Staleness::Never.within(500 * MS), None);
        // Without a near cache every request asks the store anyway.
        assert!(Staleness::new(MS, None).is_ok());
    }
}
