//! Checks that the account of a user is active.

use std::time::Duration;

use super::SessionManager;
use super::shared::accounts::{Accounts, Grant};
use crate::cache::Session;
use crate::directory::User;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::id::UserId;
use crate::session::SessionData;

impl<D: SessionData> SessionManager<D> {
    /// Returns the user of a session. If the manager has a directory, this method always calls the
    /// directory. If the manager has no directory, this method makes the user from the data of the
    /// session. In both cases, the role of the returned user is the role that guards check
    /// ([Roles](crate::directory#roles)). It is never
    /// [`Unchanged`](crate::directory::Role::Unchanged).
    ///
    /// # Errors
    ///
    /// - [`SessionError::AccountInactive`]: the directory does not know the user, or the account is
    ///   not active.
    /// - [`Directory`](SessionError::Directory): the directory cannot answer.
    pub async fn account(&self, session: &Session<D>) -> Result<User, SessionError> {
        match &self.shared.accounts {
            Some(_) => {
                let user = self.active_user(session.user_id()).await?;
                let user = user.ok_or(SessionError::AccountInactive)?;
                let role = session.state().stored.content.role_by(&user.role).into();
                Ok(User { role, ..user })
            }
            None => {
                let mut user = User::new(true);
                user.user_name = session.user_name().map(str::to_owned);
                user.email = session.email().map(str::to_owned);
                user.role = session.role().into();
                Ok(user)
            }
        }
    }

    /// Accepts a user whose account is active.
    pub(crate) async fn account_is_active(
        &self,
        accounts: &Accounts,
        user: &UserId,
    ) -> Result<Grant, AuthError> {
        accounts.check(user).await.inspect_err(|error| {
            if error.kind() == AuthErrorKind::AccountInactive {
                // Invalidate the user's cache entries. Otherwise a layer could still use them while
                // the store is unavailable.
                self.invalidate(user);
            }
        })
    }

    /// Does the same as [`account_is_active`](Self::account_is_active), for a session that the
    /// store just returned. If the role has changed, this method also invalidates the user's cache
    /// entries.
    pub(crate) async fn account_of_session(
        &self,
        accounts: &Accounts,
        user: &UserId,
    ) -> Result<Grant, AuthError> {
        let granted = self.account_is_active(accounts, user).await?;
        if granted.role_has_changed {
            // The cache entries of the user's other tokens still have the earlier role.
            self.invalidate(user);
        }
        Ok(granted)
    }

    pub(crate) fn directory_limit(&self) -> Duration {
        self.shared.accounts.as_ref().map_or(Duration::ZERO, Accounts::limit)
    }

    /// Returns the user if there is a directory. Fails if the account is not active.
    pub(crate) async fn active_user(&self, user: &UserId) -> Result<Option<User>, SessionError> {
        let Some(accounts) = &self.shared.accounts else { return Ok(None) };
        let found = accounts.find(user).await.map_err(SessionError::Directory)?;
        if found.as_ref().is_none_or(|found| found.role_has_changed) {
            self.invalidate(user);
        }
        found.map(|found| Some(found.user)).ok_or(SessionError::AccountInactive)
    }
}
