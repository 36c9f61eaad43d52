//! The lifetimes of sessions and access tokens, and the intervals of touches.

use std::time::Duration;

use super::SessionManagerBuilder;
use crate::error::SessionError;
use crate::id::{RandomError, random_u32};
use crate::session::SessionData;

/// The lifetimes of sessions and access tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) idle_ttl: Duration,
    pub(crate) session: Duration,
    pub(crate) access_token: Duration,
    /// The largest share of an access token's lifetime that may be cut off at random.
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

    /// Returns the lifetime of the next access token: shortened at random by up to the jitter, so
    /// that not all tokens expire at the same time.
    pub(crate) fn access_token(&self) -> Result<Duration, RandomError> {
        if self.jitter == 0.0 {
            return Ok(self.access_token);
        }
        let part = f64::from(random_u32()?) / f64::from(u32::MAX);
        Ok(self.access_token.mul_f64(1.0 - self.jitter * part))
    }

    /// Applies the lifetimes that one login asks for.
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
        // The store cuts an inherited idle TTL to the lifetime.
        let idle_ttl = idle_ttl.unwrap_or(self.idle_ttl);
        Ok(Self { idle_ttl, session, ..self })
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the idle TTL: how long a session lives without being used. 1 hour by default, 1 second
    /// to 100 years. [`build`](Self::build) refuses a value that is set here and longer than the
    /// [`lifetime`](Self::lifetime). The default is cut to a shorter lifetime instead.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 1 hour at AAL2.
    pub fn idle_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.idle_ttl = ttl;
        self.settings.idle_ttl_is_set = true;
        self
    }

    /// Sets the absolute lifetime: how long a session lives, however much it is used. 24 hours by
    /// default, 1 second to 100 years.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 24 hours at AAL2.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetimes.session = lifetime;
        self
    }

    /// Sets the lifetime of an access token. 1 hour by default, 1 second to 100 years. Rounded down
    /// to whole seconds, and never longer than that of the session.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.access_token = ttl;
        self
    }

    /// Sets a refresh threshold: a touch then moves the idle deadline only if less than this is
    /// left until it. More than zero and less than [`idle_ttl`](Self::idle_ttl). None by default:
    /// each touch moves the deadline to one idle TTL after the use. An idle session then lives at
    /// least `idle_ttl` minus one [`touch_interval`](Self::touch_interval).
    ///
    /// A threshold saves no round trips, because each touch writes the last activity anyway. It
    /// costs accuracy: after its last use, a session may live only for the threshold minus one
    /// touch interval. For a session with its own idle TTL, the threshold is the same share of that
    /// idle TTL.
    pub fn refresh_threshold(mut self, threshold: Duration) -> Self {
        self.settings.refresh_threshold = Some(threshold);
        self
    }

    /// Sets the shortest interval between two touches of one session by this process. 60 seconds by
    /// default, 1 millisecond to 1 hour. A session whose idle TTL is less than ten times this is
    /// touched each tenth of its idle TTL.
    ///
    /// A touch is the background write that moves the last activity and the idle deadline. It
    /// invalidates no cache entry, except for one touch per idle TTL, which raises the TTL of the
    /// session's keys.
    pub fn touch_interval(mut self, interval: Duration) -> Self {
        self.settings.touch_interval = interval;
        self
    }
}
