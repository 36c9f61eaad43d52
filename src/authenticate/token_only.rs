//! Tokens without a session, for use while the store is unavailable.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::SessionError;
use crate::id::SessionId;
use crate::manager::SessionManager;
use crate::manager::login::Signed;
use crate::session::{NewSession, SessionData};
use crate::telemetry::events::Event;
use crate::token::VerifiedClaims;

/// The claims of a request that was accepted on its JWT alone. A layer with
/// [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) puts this into the request's
/// extensions while the store is unavailable. Nothing in it is known of the session. Cheap to
/// clone.
///
/// Behind two layers a request may have both: this from the outer layer, and a
/// [`Session`](crate::Session) from the inner one. The session then takes precedence. With the
/// feature `axum`, [`Caller`](crate::Caller) looks for a session first, then for this.
#[derive(Clone)]
pub struct TokenOnly(Arc<VerifiedClaims>);

impl TokenOnly {
    pub(crate) fn new(claims: VerifiedClaims) -> Self {
        Self(Arc::new(claims))
    }

    /// Returns the claims of the access token. Whether its session is live is not known.
    #[must_use]
    pub fn claims(&self) -> &VerifiedClaims {
        &self.0
    }
}

impl fmt::Debug for TokenOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenOnly").field(&self.0).finish()
    }
}

/// An access token without a session.
#[non_exhaustive]
pub struct TokenLogin {
    /// The JWT to hand to the client, once.
    pub access_token: String,
    /// The lifetime of the token.
    pub expires_in: Duration,
}

impl<D: SessionData> SessionManager<D> {
    /// Issues an access token without a session, for a user whose credentials were checked. Use it
    /// when [`create`](Self::create) fails because the store is unavailable, and the user must have
    /// some access all the same.
    ///
    /// The token passes only layers with
    /// [`FailurePolicy::TokenOnly`](super::request_policy::FailurePolicy::TokenOnly), and only while the store is
    /// unavailable. Once the store answers, the token is rejected like that of an expired session,
    /// and the user must log in again: no session is created later. Until then the token cannot be
    /// revoked.
    ///
    /// No I/O except the call to the user directory, if there is one. The session content of `new`
    /// is not stored.
    ///
    /// # Errors
    ///
    /// [`SessionError::AccountInactive`] and [`Directory`](SessionError::Directory) as for
    /// [`create`](Self::create). The other kinds: a lifetime is out of range, or the token cannot
    /// be signed.
    pub async fn token_without_session(
        &self,
        new: &NewSession<D>,
    ) -> Result<TokenLogin, SessionError> {
        let NewSession { user, content, claims, idle_ttl, lifetime, .. } = new;
        let lifetimes = self.shared.lifetimes.of_session(*idle_ttl, *lifetime)?;
        self.active_user(user).await?;
        // A random id that is never stored: the token names no session of any user.
        let id = SessionId::random()?;
        let Signed { text: access_token, expires_in } =
            self.sign(user, &id, lifetimes, None, claims.as_ref())?;
        self.shared.events.emit(Event::TokenIssued {
            user: user.clone(),
            ip_address: content.ip_address,
            user_agent: content.user_agent.clone(),
        });
        Ok(TokenLogin { access_token, expires_in })
    }
}

// The token stays out of logs.
impl fmt::Debug for TokenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenLogin").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
