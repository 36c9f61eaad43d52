//! The settings of refresh tokens.

use std::time::Duration;

use super::SessionManagerBuilder;
use crate::session::SessionData;
use crate::token::KeySet;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the HMAC secrets of refresh tokens (`SigningKey::hs256`). Each login then returns a
    /// refresh token, which [`SessionManager::refresh`](crate::SessionManager::refresh) exchanges
    /// once. Default: none.
    ///
    /// The secret may also be the one that signs access tokens: an access token never passes as a
    /// refresh token, and a refresh token never passes as an access token. The store never sees the
    /// secret. To replace the secret without logging users out, keep the old secret as a verifying
    /// key while sessions from before the replacement are live.
    pub fn refresh_keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.refresh_keys = Some(keys.into());
        self
    }

    /// Sets the grace window: how long a replaced refresh token still returns the same successor,
    /// and does not yet revoke the session as stolen. The window serves parallel tabs and clients
    /// that lost an answer. Default: 10 seconds. Maximum: 5 minutes. With zero there is no grace
    /// window.
    ///
    /// The window is measured by the store's clock. If that clock is set back, an open window lasts
    /// longer. If the clock is set forward, the window ends earlier.
    pub fn refresh_grace(mut self, window: Duration) -> Self {
        self.settings.refresh_grace = window;
        self
    }

    /// Sets how long a replaced refresh token stays valid while its successor is unused. This
    /// setting serves clients that lose the answer of a rotation and return after the
    /// [`refresh_grace`](Self::refresh_grace). Default: zero (off). Any other value must be longer
    /// than the grace window, and 24 hours at most. The time begins with the rotation, on the
    /// store's clock.
    ///
    /// Such a client gets the same successor, and the manager emits the event
    /// [`RefreshRetried`](crate::telemetry::events::Event::RefreshRetried). The successor is
    /// treated as used once a client has presented it, or once an access token that was issued with
    /// it has been accepted. A touch records that use. This touch does not wait for the
    /// [`touch_interval`](Self::touch_interval), but needs a running
    /// [`Worker`](crate::worker::Worker).
    ///
    /// **Cost.** Without this setting, a replaced refresh token that is used after the grace window
    /// reveals a theft, and the manager revokes the session. With this setting, a thief who
    /// presents such a token gets working tokens if two conditions hold: at most `window` has
    /// passed since the rotation, and no use of the successor by the owner is recorded. The manager
    /// then detects the theft only when both the thief and the owner present the successor. Monitor
    /// the event `RefreshRetried`. A use by the owner is not recorded, and so does not stop the
    /// thief, in two cases:
    /// - the use did not reach the store, because the store was unavailable or the touch queue was
    ///   full
    /// - [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) accepted the use
    ///
    /// Earlier versions of the library reject the form in which `RedisStore` records such a use, so
    /// update all instances first. Then turn the setting on in all instances, because an instance
    /// without it records no use.
    pub fn refresh_retry(mut self, window: Duration) -> Self {
        self.settings.refresh_retry = window;
        self
    }

    /// Sets the jitter. Each access token gets a lifetime that is shorter than
    /// [`access_token_ttl`](Self::access_token_ttl) by a random fraction, at most this value. So
    /// clients that logged in at the same time do not all refresh at the same time. Default: 0.
    /// Maximum: 0.05.
    pub fn access_token_jitter(mut self, share: f64) -> Self {
        self.settings.lifetimes.jitter = share;
        self
    }
}
