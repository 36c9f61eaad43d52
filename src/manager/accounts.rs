//! Whether a user's account still counts: the user directory, asked now and then.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::SessionManager;
use crate::directory::{ErasedDirectory, User};
use crate::error::{AuthError, AuthErrorKind, DirectoryError, SessionError};
use crate::gate::{Lane, LaneName, Miss};
use crate::id::UserId;
use crate::meter::Meter;
use crate::session::{Session, SessionData};

/// For how many users a process remembers that their account is active.
const REMEMBERED: usize = 65_536;

/// The user directory with what this process knows from it.
pub(super) struct Accounts {
    directory: Arc<dyn ErasedDirectory>,
    lane: Lane,
    revalidate_after: Duration,
    /// When the question was asked that the directory answered with "active".
    active: Cache<UserId, Instant>,
}

impl Accounts {
    pub(super) fn new(
        directory: Arc<dyn ErasedDirectory>,
        timeout: Duration,
        revalidate_after: Duration,
        meter: &Meter,
    ) -> Self {
        let lane = Lane::new(LaneName::Directory, timeout, meter);
        Self { directory, lane, revalidate_after, active: Cache::new(REMEMBERED) }
    }

    /// How long one question takes at most.
    pub(super) fn limit(&self) -> Duration {
        self.lane.limit()
    }

    /// The user, if the account is active; asks the directory.
    pub(super) async fn find(&self, user: &UserId) -> Result<Option<User>, DirectoryError> {
        let asked = Instant::now();
        let question = async { self.directory.find(user).await.map_err(DirectoryError::Failed) };
        // Only silence opens the breaker. An error comes at once, and may concern this one user.
        let found = self.lane.ask(self.lane.deadline(), question, |_| false).await;
        let found = found.map_err(|miss| match miss {
            Miss::TurnedAway(_) => DirectoryError::TurnedAway,
            Miss::TooLate(_) => DirectoryError::TooLate,
            Miss::Failed(error) => error,
        })?;
        let found = found.filter(|user| user.active);
        match found {
            Some(_) => self.active.insert(user.clone(), asked),
            None => self.forget(user),
        }
        Ok(found)
    }

    /// Lets a request pass whose user is active, as the directory said a while ago or says now. "No" is not remembered:
    /// an account that is switched on again counts at once. Returns for how long the answer is taken for granted.
    pub(super) async fn check(&self, user: &UserId) -> Result<Duration, AuthError> {
        let asked = self.active.get(user);
        let left = asked.map(|asked| self.revalidate_after.saturating_sub(asked.elapsed()));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            return Ok(left);
        }
        let asked = Instant::now();
        match self.find(user).await {
            Ok(Some(_)) => Ok(self.revalidate_after.saturating_sub(asked.elapsed())),
            Ok(None) => Err(AuthError::new(AuthErrorKind::AccountInactive)),
            Err(error) => Err(AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)),
        }
    }

    pub(super) fn forget(&self, user: &UserId) {
        self.active.remove(user);
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Who the user of a session is now: asks the user directory, whatever it said before. Without a directory, the
    /// session itself knows.
    ///
    /// # Errors
    ///
    /// [`SessionError::AccountInactive`] if the directory does not know the user, or the account is not active;
    /// [`Directory`](SessionError::Directory) when it cannot tell.
    pub async fn account(&self, session: &Session<D>) -> Result<User, SessionError> {
        match &self.shared.accounts {
            Some(_) => {
                self.active_user(session.user_id()).await?.ok_or(SessionError::AccountInactive)
            }
            None => {
                let mut user = User::new(true);
                user.user_name = session.user_name().map(str::to_owned);
                user.email = session.email().map(str::to_owned);
                user.role = session.role().map(str::to_owned);
                Ok(user)
            }
        }
    }

    /// The user, if there is a directory; an error if the account is not active.
    pub(super) async fn active_user(&self, user: &UserId) -> Result<Option<User>, SessionError> {
        let Some(accounts) = &self.shared.accounts else { return Ok(None) };
        let found = accounts.find(user).await.map_err(SessionError::Directory)?;
        if found.is_none() {
            self.changed(user);
        }
        found.map(Some).ok_or(SessionError::AccountInactive)
    }
}
