//! The lifetimes of sessions and access tokens.

use std::time::Duration;

use crate::error::SessionError;
use crate::id::{RandomError, random_u32};

/// The lifetimes of sessions and access tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) idle_ttl: Duration,
    pub(crate) session: Duration,
    pub(crate) access_token: Duration,
    /// The largest fraction by which the lifetime of an access token is shortened at random.
    pub(crate) jitter: f64,
}

impl Lifetimes {
    /// The rule of [`fits`](Self::fits), for error texts.
    pub(crate) const RULE: &str = "must be 1 second to 100 years";

    /// Returns whether a lifetime is 1 second to 100 years.
    pub(crate) fn fits(duration: Duration) -> bool {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        (Duration::from_secs(1)..=CENTURY).contains(&duration)
    }

    /// Returns the lifetime of the next access token. The lifetime is shortened at random by up to
    /// the jitter, so that tokens do not all expire at the same time.
    pub(crate) fn access_token(&self) -> Result<Duration, RandomError> {
        if self.jitter == 0.0 {
            return Ok(self.access_token);
        }
        let part = f64::from(random_u32()?) / f64::from(u32::MAX);
        Ok(self.access_token.mul_f64(1.0 - self.jitter * part))
    }

    /// Returns these lifetimes with the values that one login sets.
    pub(crate) fn of_session(
        self,
        idle_ttl: Option<Duration>,
        lifetime: Option<Duration>,
    ) -> Result<Self, SessionError> {
        for (setting, value) in [("idle_ttl", idle_ttl), ("lifetime", lifetime)] {
            if value.is_some_and(|value| !Self::fits(value)) {
                return Err(SessionError::OutOfRange { setting, rule: Self::RULE });
            }
        }
        let session = lifetime.unwrap_or(self.session);
        if let Some(idle_ttl) = idle_ttl.filter(|idle_ttl| *idle_ttl > session) {
            return Err(SessionError::IdleTtlAboveLifetime { idle_ttl, lifetime: session });
        }
        // If the login sets no idle TTL, the manager's idle TTL applies. It can be longer than the
        // session's lifetime. The store then shortens the idle TTL to the lifetime.
        let idle_ttl = idle_ttl.unwrap_or(self.idle_ttl);
        Ok(Self { idle_ttl, session, ..self })
    }
}
