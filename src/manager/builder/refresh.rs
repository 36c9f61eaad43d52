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
    /// The secret for refresh tokens can be the same as the secret that signs access tokens. The
    /// manager never accepts an access token as a refresh token, or a refresh token as an access
    /// token. The store never receives the secret. To replace the secret without logging users out,
    /// keep the old secret as a verifying key until all sessions from before the replacement are
    /// over.
    pub fn refresh_keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.refresh_keys = Some(keys.into());
        self
    }

    /// Sets the grace window: how long a replaced refresh token still returns the same successor.
    /// Within the window, a replaced refresh token does not count as stolen, so the manager does
    /// not revoke the session. The window serves parallel tabs and clients that lost an answer.
    /// Default: 10 seconds. Maximum: 5 minutes. With zero, there is no grace window.
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
    /// than the grace window, and at most 24 hours. The time is counted from the rotation, on the
    /// store's clock.
    ///
    /// A client that returns within this time gets the same successor, and the manager emits the
    /// event [`RefreshRetried`](crate::telemetry::events::Event::RefreshRetried). The successor
    /// counts as used as soon as one of these events happens:
    /// - A client presents the successor.
    /// - A layer accepts an access token that was issued with the successor. In this case, a touch
    ///   records the use in the store. This touch does not wait for the
    ///   [`touch_interval`](Self::touch_interval), but it needs a running
    ///   [`Worker`](crate::worker::Worker).
    ///
    /// **Cost.** Without this setting, a replaced refresh token that is used after the grace window
    /// reveals a theft, and the manager revokes the session. With this setting, a thief can present
    /// the token that was replaced last. The thief gets working tokens if both of these conditions
    /// hold:
    /// - At most `window` has passed since the rotation.
    /// - The store has no record that the owner has used the successor.
    ///
    /// The manager detects such a theft only when both the thief and the owner have presented the
    /// successor. Monitor the event `RefreshRetried`. In two cases, the owner has used the
    /// successor, but the store does not record this, so the use does not stop the thief:
    /// - The record did not reach the store, because the store was unavailable or the touch queue
    ///   was full.
    /// - [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) accepted the owner's access
    ///   token.
    ///
    /// Earlier versions of the library reject the form in which `RedisStore` records the use of a
    /// successor. Update all instances of the application before you turn the setting on in any of
    /// them. Turn it on in all instances, because an instance without the setting records no such
    /// use.
    pub fn refresh_retry(mut self, window: Duration) -> Self {
        self.settings.refresh_retry = window;
        self
    }

    /// Sets the jitter. Each access token gets a lifetime that is shorter than
    /// [`access_token_ttl`](Self::access_token_ttl) by a random fraction of at most this value.
    /// With jitter, clients that logged in at the same time do not all refresh at the same time.
    /// Default: 0. Maximum: 0.05.
    pub fn access_token_jitter(mut self, share: f64) -> Self {
        self.settings.lifetimes.jitter = share;
        self
    }
}
