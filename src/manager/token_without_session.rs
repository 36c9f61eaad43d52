//! Access tokens without a session, for use while the store is unavailable.

use super::SessionManager;
use super::login::Signed;
use crate::authenticate::token_only::TokenLogin;
use crate::error::SessionError;
use crate::id::SessionId;
use crate::session::{NewSession, SessionData};
use crate::telemetry::events::Event;

impl<D: SessionData> SessionManager<D> {
    /// Issues an access token without a session, for a user whose credentials were checked.
    ///
    /// Use this method if [`create`](Self::create) has failed because the store is unavailable, and
    /// the user must have some access during the outage.
    ///
    /// Only layers with [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) accept the
    /// token, and only while the store is unavailable. During this time, the token cannot be
    /// revoked. As soon as the store answers again, these layers reject the token like a token of
    /// an expired session. The manager creates no session for the token later, so the user must log
    /// in again.
    ///
    /// The method does no I/O except the call to the user directory, if there is a directory. The
    /// session content of `new` is not stored.
    ///
    /// # Errors
    ///
    /// - [`SessionError::AccountInactive`] and [`Directory`](SessionError::Directory): as for
    ///   [`create`](Self::create).
    /// - Any other error: a lifetime is out of range, or the token cannot be signed.
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
