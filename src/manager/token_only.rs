//! Tokens without a session: for while the store is away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::SessionManager;
use super::login::Signed;
use crate::error::SessionError;
use crate::events::Event;
use crate::id::SessionId;
use crate::session::{NewSession, SessionData};
use crate::token::VerifiedClaims;

/// In the extensions of a request that a layer with [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) let in while the store was away: what
/// its JWT says, and nothing that is true of its session. Cheap to clone.
///
/// Behind two layers both may be there, this from the outer one and a [`Session`](crate::Session) from the inner one: the
/// session counts. With the feature `axum`, [`Caller`](crate::Caller) looks at both, in that order.
#[derive(Clone)]
pub struct TokenOnly(Arc<VerifiedClaims>);

impl TokenOnly {
    pub(super) fn new(claims: VerifiedClaims) -> Self {
        Self(Arc::new(claims))
    }

    /// The claims of the access token. That its session lives is not known.
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

/// An access token that no session stands behind.
#[non_exhaustive]
pub struct TokenLogin {
    /// The JWT to hand to the client, once.
    pub access_token: String,
    /// How long the token lives.
    pub expires_in: Duration,
}

impl<D: SessionData> SessionManager<D> {
    /// An access token without a session, for a user whose credentials were checked: for when
    /// [`create`](Self::create) has failed because the store does not answer, and the user shall get somewhere all the
    /// same.
    ///
    /// It passes layers with [`FailurePolicy::TokenOnly`](super::FailurePolicy::TokenOnly), and no others, while the store
    /// cannot answer. As soon as it can, the token is refused like that of a session that has ended, and the user must
    /// log in again: no session is created later. Nobody can log such a user out before.
    ///
    /// No I/O but the question to the user directory, if there is one. The session's content in `new` goes nowhere.
    ///
    /// # Errors
    ///
    /// [`SessionError::AccountInactive`], [`Directory`](SessionError::Directory) as for [`create`](Self::create); the
    /// kinds that say that the token cannot be signed.
    pub async fn token_without_session(
        &self,
        new: &NewSession<D>,
    ) -> Result<TokenLogin, SessionError> {
        let NewSession { user, content, claims, idle_ttl, lifetime, .. } = new;
        let lifetimes = self.shared.lifetimes.of_session(*idle_ttl, *lifetime)?;
        self.active_user(user).await?;
        // Random, and never in the store: the token names nobody's session.
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
