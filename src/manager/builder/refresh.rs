//! The settings of refresh tokens.

use std::time::Duration;

use super::SessionManagerBuilder;
use crate::session::SessionData;
use crate::token::KeySet;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the HMAC secrets of refresh tokens (`SigningKey::hs256`). Each login then returns a
    /// refresh token, which [`SessionManager::refresh`](crate::SessionManager::refresh) exchanges
    /// once. None by default.
    ///
    /// May be the secret that signs access tokens: no token of one kind passes as the other. The
    /// store never sees the secret. To replace it without logging users out, keep the old one as a
    /// verifying key while sessions from before live.
    pub fn refresh_keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.refresh_keys = Some(keys.into());
        self
    }

    /// Sets the grace window: how long a replaced refresh token still returns the same successor,
    /// and does not yet revoke the session as stolen. It serves parallel tabs and clients that lost
    /// an answer. 10 seconds by default, 5 minutes at most. With zero there is no grace window.
    ///
    /// Counts on the store's clock: setting it back extends an open window, setting it forward ends
    /// it.
    pub fn refresh_grace(mut self, window: Duration) -> Self {
        self.settings.refresh_grace = window;
        self
    }

    /// Sets how long a replaced refresh token stays valid while its successor is unused. It serves
    /// clients that lose the answer of a rotation and return after the
    /// [`refresh_grace`](Self::refresh_grace). Zero (off) by default; else longer than the grace
    /// window, and 24 hours at most. Counts from the rotation, on the store's clock.
    ///
    /// Such a client gets the same successor, and the manager emits the event
    /// [`RefreshRetried`](crate::telemetry::events::Event::RefreshRetried). The successor counts as
    /// used once it was shown, or once an access token issued with it was accepted. A touch records
    /// that use. This touch does not wait for the [`touch_interval`](Self::touch_interval), but
    /// needs a running [`Worker`](crate::worker::Worker).
    ///
    /// **Cost.** Without this setting, a stolen refresh token that was replaced reveals the theft
    /// after the grace window: the session is revoked. With it, the thief gets working tokens while
    /// the owner does not use the session, for this time at most. The theft then shows when both
    /// present the successor. Two kinds of use do not count: one that did not reach the store
    /// (unavailable, or a full queue), and one by
    /// [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly). Monitor the event.
    ///
    /// Earlier versions refuse the form in which `RedisStore` records the use: update all instances
    /// first. Then set it in all instances: an instance without it records no use.
    pub fn refresh_retry(mut self, window: Duration) -> Self {
        self.settings.refresh_retry = window;
        self
    }

    /// Sets the jitter. Each access token gets a lifetime that is shorter than
    /// [`access_token_ttl`](Self::access_token_ttl) by a random fraction, at most this value. So
    /// clients that logged in together do not all refresh together. 0 by default, 0.05 at most.
    pub fn access_token_jitter(mut self, share: f64) -> Self {
        self.settings.lifetimes.jitter = share;
        self
    }
}
