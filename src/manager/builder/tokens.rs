//! The settings of access tokens: keys, issuer, audience, and the rules for accepting tokens.

use std::time::Duration;

use super::{Expected, SessionManagerBuilder};
use crate::session::SessionData;
use crate::token::KeySet;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the keys that sign and verify access tokens. No default.
    pub fn keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.keys = Some(keys.into());
        self
    }

    /// Sets the issuer: the `iss` of signed tokens, required in verified tokens. No default.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.issuer = Some(Expected::Exactly(issuer.into()));
        self
    }

    /// Accepts tokens with any `iss` or none, and signs tokens without `iss`.
    ///
    /// Safe only if no other issuer signs with these keys.
    pub fn accept_any_issuer(mut self) -> Self {
        self.settings.issuer = Some(Expected::Any);
        self
    }

    /// Sets the audience: the `aud` of signed tokens, required in verified tokens (RFC 7519 section
    /// 4.1.3). No default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.settings.audience = Some(Expected::Exactly(audience.into()));
        self
    }

    /// Accepts tokens with any `aud` or none, and signs tokens without `aud`.
    ///
    /// With this setting, a token for another service that uses the same keys is valid here too.
    pub fn accept_any_audience(mut self) -> Self {
        self.settings.audience = Some(Expected::Any);
        self
    }

    /// Sets the tolerated clock difference between hosts for `exp`, `nbf` and `iat`. Default: 5
    /// seconds. Maximum: 5 minutes. With zero, a token is expired from the second of its `exp` on.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.settings.leeway = leeway;
        self
    }

    /// Also accepts tokens of type `JWT`. By default, only tokens of type `at+jwt` are valid (RFC
    /// 9068 section 4), so that a token of another kind is not accepted as an access token, even if
    /// the same key signed it.
    pub fn accept_typ_jwt(mut self) -> Self {
        self.settings.accept_typ_jwt = true;
        self
    }
}
