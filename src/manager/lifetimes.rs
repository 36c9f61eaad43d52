//! How long sessions and access tokens live.

use std::time::Duration;

use super::SessionManagerBuilder;
use crate::error::SessionError;
use crate::id::{RandomError, random_u32};
use crate::session::SessionData;

/// How long things live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    pub(super) idle_ttl: Duration,
    pub(super) session: Duration,
    pub(super) access_token: Duration,
    /// Which share of an access token's life may be missing.
    pub(super) jitter: f64,
}

impl Lifetimes {
    pub(super) const RULE: &str = "must be 1 second to 100 years";

    pub(super) fn fits(duration: Duration) -> bool {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        (Duration::from_secs(1)..=CENTURY).contains(&duration)
    }

    /// How long the next access token lives: by up to the jitter less, so that not all expire at once.
    pub(super) fn access_token(&self) -> Result<Duration, RandomError> {
        if self.jitter == 0.0 {
            return Ok(self.access_token);
        }
        let part = f64::from(random_u32()?) / f64::from(u32::MAX);
        Ok(self.access_token.mul_f64(1.0 - self.jitter * part))
    }

    /// With what one login asks for.
    pub(super) fn of_session(
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
        // An inherited one is cut to the lifetime by the store.
        let idle_ttl = idle_ttl.unwrap_or(self.idle_ttl);
        Ok(Self { idle_ttl, session, ..self })
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// How long a session lives without being used. 1 hour by default, 1 second to 100 years. One that is
    /// set here and longer than the [`lifetime`](Self::lifetime) is refused by [`build`](Self::build); the
    /// default is cut to a shorter lifetime.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 1 hour at AAL2.
    pub fn idle_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.idle_ttl = ttl;
        self.settings.idle_ttl_is_set = true;
        self
    }

    /// How long a session lives, however much it is used. 24 hours by default, 1 second to 100 years.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 24 hours at AAL2.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetimes.session = lifetime;
        self
    }

    /// How long an access token lives; never longer than its session. 1 hour by default. Whole seconds, rounded down.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.access_token = ttl;
        self
    }

    /// Moves the idle deadline only for a use with less than this left until it. More than zero and less
    /// than [`idle_ttl`](Self::idle_ttl). None by default: each touch moves the deadline to one idle TTL
    /// after the use, so that an idle session lives at least `idle_ttl` less one
    /// [`touch_interval`](Self::touch_interval).
    ///
    /// A threshold does not save round trips: last activity is written with each touch all the same. It
    /// costs accuracy: of the idle TTL, a session may get no more than the threshold (less one touch
    /// interval) after its last use. A session with an idle TTL of its own has the same share of it.
    pub fn refresh_threshold(mut self, threshold: Duration) -> Self {
        self.settings.refresh_threshold = Some(threshold);
        self
    }

    /// Two touches of one session by this process are at least this far apart. 60 seconds by default, 1
    /// millisecond to 1 hour; a session whose idle TTL is under ten times this is touched each tenth of
    /// its idle TTL.
    ///
    /// A touch is the background write that moves last activity and the idle deadline. It invalidates no
    /// near cache, but for one touch per idle TTL, which raises the TTL of the session's keys.
    pub fn touch_interval(mut self, interval: Duration) -> Self {
        self.settings.touch_interval = interval;
        self
    }
}
