//! The settings of lifetimes and of touches.

use std::time::Duration;

use super::SessionManagerBuilder;
use crate::session::SessionData;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the idle TTL: how long a session lives without being used. Range: 1 second to 100
    /// years. [`build`](Self::build) fails if a value that is set here is longer than the
    /// [`lifetime`](Self::lifetime). If no value is set here, the idle TTL is 1 hour or the
    /// lifetime, whichever is shorter.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 1 hour at AAL2.
    pub fn idle_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.idle_ttl = ttl;
        self.settings.idle_ttl_is_set = true;
        self
    }

    /// Sets the absolute lifetime: how long a session lives, even if it is used all the time.
    /// Default: 24 hours. Range: 1 second to 100 years.
    ///
    /// NIST SP 800-63B-4 section 2.2.3 asks for at most 24 hours at AAL2.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetimes.session = lifetime;
        self
    }

    /// Sets the lifetime of an access token. Default: 1 hour. Range: 1 second to 100 years. The
    /// lifetime is rounded down to whole seconds. A token's lifetime is never longer than the
    /// remaining lifetime of its session.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.lifetimes.access_token = ttl;
        self
    }

    /// Sets a refresh threshold. With a threshold, a touch moves the idle deadline only if less
    /// than `threshold` is left until that deadline. The threshold must be more than zero and less
    /// than [`idle_ttl`](Self::idle_ttl). Default: none. Without a threshold, each touch moves the
    /// idle deadline to one idle TTL after the request that caused the touch. A session then lives
    /// for at least `idle_ttl - touch_interval` after its last request.
    ///
    /// A threshold saves no round trips, because each touch writes the last activity anyway. A
    /// threshold makes the idle deadline less exact. After its last request, a session lives for at
    /// least `threshold - touch_interval`, but it can expire before one idle TTL has passed. If a
    /// session has its own idle TTL, its threshold is `threshold * own_idle_ttl / idle_ttl`.
    pub fn refresh_threshold(mut self, threshold: Duration) -> Self {
        self.settings.refresh_threshold = Some(threshold);
        self
    }

    /// Sets the shortest interval between two touches of one session by this process. Default: 60
    /// seconds. Range: 1 millisecond to 1 hour. If the idle TTL of a session is less than ten times
    /// `interval`, the shortest interval for that session is a tenth of its idle TTL.
    ///
    /// A touch is the background write that moves the last activity and the idle deadline. Most
    /// touches invalidate no cache entry. About once per idle TTL, a touch raises the TTL of the
    /// user's keys in Redis, and that touch invalidates cache entries.
    pub fn touch_interval(mut self, interval: Duration) -> Self {
        self.settings.touch_interval = interval;
        self
    }
}
