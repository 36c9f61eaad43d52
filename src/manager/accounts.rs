//! Whether a user's account still counts: the user directory, asked now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::roles::AppliedRoles;
use super::{SessionManager, SessionManagerBuilder};
use crate::clock::Clock;
use crate::directory::{ErasedDirectory, Role, User, UserDirectory};
use crate::error::{AuthError, AuthErrorKind, DirectoryError, SessionError};
use crate::gate::{Lane, LaneName, Miss};
use crate::id::UserId;
use crate::meter::Meter;
use crate::session::{NewSession, Session, SessionData};

/// Number of users whose latest answer a process remembers. The order of answers is part of that
/// memory: after an eviction, an answer to an older question is stored as if it were the first. The
/// docs of [`directory`](crate::directory#memory) name this number.
const REMEMBERED: usize = 65_536;

/// How long an answer decides which role is shown, after `revalidate_after` has passed. Longer than
/// the check of a request takes, so that its handler sees the role that its guards saw.
const SHOWN_AFTERWARDS: Duration = Duration::from_secs(60);

/// How often one check asks the directory at most: again only if the user was suspended meanwhile.
pub(super) const ASKED_AT_MOST: u32 = 2;

/// The user directory with what this process knows from it.
pub(super) struct Accounts {
    directory: Arc<dyn ErasedDirectory>,
    lane: Lane,
    revalidate_after: Duration,
    /// How old an answer is. Its monotonic time goes on while the host is suspended.
    clock: Arc<dyn Clock>,
    /// The answer to the question that was asked last, of those that were answered.
    answers: Cache<UserId, Answer>,
    /// How many questions were asked.
    questions: AtomicU64,
    /// Held while an answer is compared with the one before it. Checks read without it.
    replacing: Mutex<()>,
    /// Whether the directory's roles count.
    with_roles: bool,
    applied_roles: AppliedRoles,
}

/// What is known of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    asked: Asked,
    verdict: Verdict,
}

/// When a question was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    /// Its place in the order of all questions of this process.
    number: u64,
    /// The clock's monotonic time.
    at: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// With what the directory says of the user's role, where that counts.
    Active(Role),
    /// Lets nobody in and refuses nobody: such an account is asked about for each request, so that it
    /// counts again as soon as it is active. It is remembered so that no older answer replaces it.
    Inactive,
    /// The application says that the account has changed. Only a question from now on counts.
    Unknown,
}

/// A user whose account is active.
pub(super) struct Active {
    pub(super) user: User,
    /// The directory said another role the last time.
    pub(super) role_has_changed: bool,
}

/// That an account counts as active, and as what.
#[derive(Debug)]
pub(super) struct Grant {
    /// For how long that is taken for granted.
    pub(super) left: Duration,
    pub(super) role: Role,
    pub(super) role_has_changed: bool,
}

/// What can be set about the user directory.
pub(super) struct AccountSettings {
    pub(super) directory: Option<Arc<dyn ErasedDirectory>>,
    pub(super) timeout: Duration,
    pub(super) revalidate_after: Duration,
    /// Whether the directory's roles count.
    pub(super) with_roles: bool,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            directory: None,
            timeout: Duration::from_millis(250),
            revalidate_after: Duration::from_secs(30),
            with_roles: false,
        }
    }
}

impl AccountSettings {
    /// `None` without a directory.
    pub(super) fn build(self, clock: Arc<dyn Clock>, meter: &Meter) -> Option<Accounts> {
        Some(Accounts {
            directory: self.directory?,
            lane: Lane::new(LaneName::Directory, self.timeout, meter),
            revalidate_after: self.revalidate_after,
            with_roles: self.with_roles,
            clock,
            answers: Cache::new(REMEMBERED),
            questions: AtomicU64::new(0),
            replacing: Mutex::default(),
            applied_roles: AppliedRoles::default(),
        })
    }
}

impl Accounts {
    /// How long one question takes at most.
    pub(super) fn limit(&self) -> Duration {
        self.lane.limit()
    }

    /// The user, if the account is active; asks the directory.
    ///
    /// Answers are ordered by when their questions were asked: an "active" that is older than a known
    /// "inactive" is none.
    pub(super) async fn find(&self, user: &UserId) -> Result<Option<Active>, DirectoryError> {
        for _ in 0..ASKED_AT_MOST {
            let asked = self.asked_now();
            let found = self.ask(user).await?;
            let verdict = match &found {
                Some(user) => Verdict::Active(user.role.clone()),
                None => Verdict::Inactive,
            };
            let (newest, before) = self.remember(user, Answer { asked, verdict });
            match newest {
                // Suspended meanwhile: what the directory said before that may be what has changed.
                Verdict::Unknown => {}
                Verdict::Inactive => return Ok(None),
                Verdict::Active(role) => {
                    let role_has_changed =
                        matches!(before, Some(Verdict::Active(before)) if before != role);
                    // That of the newest answer, also if that is not this one.
                    let with_role = |user| User { role, ..user };
                    let active = |user| Active { user: with_role(user), role_has_changed };
                    return Ok(found.map(active));
                }
            }
        }
        // Suspended again and again.
        Ok(None)
    }

    async fn ask(&self, user: &UserId) -> Result<Option<User>, DirectoryError> {
        let question = || async { self.directory.find(user).await.map_err(DirectoryError::Failed) };
        // Only silence opens the breaker. An error comes at once, and may concern this one user.
        let found = self.lane.ask(question, |_| false).await;
        let found = found.map_err(|miss| match miss {
            Miss::TurnedAway(_) => DirectoryError::TurnedAway,
            Miss::TooLate(_) => DirectoryError::TooLate,
            Miss::Failed(error) => error,
        })?;
        let Some(user) = found.filter(|user| user.active) else { return Ok(None) };
        let role = if self.with_roles { user.role } else { Role::Unchanged };
        if role.name().is_some_and(|name| name.len() > NewSession::FIELD_LEN) {
            return Err(DirectoryError::Failed(Box::new(RoleTooLong)));
        }
        Ok(Some(User { role, ..user }))
    }

    /// Lets a request pass whose user is active, as the directory said a while ago or says now. "No" is not an answer for
    /// later: an account that is switched on again counts at once. Returns for how long the answer is taken for granted.
    pub(super) async fn check(&self, user: &UserId) -> Result<Grant, AuthError> {
        if let Some(granted) = self.granted(user) {
            return Ok(granted);
        }
        match self.find(user).await {
            Ok(Some(Active { user: User { role, .. }, role_has_changed })) => {
                let left = self.granted(user).map_or(Duration::ZERO, |granted| granted.left);
                Ok(Grant { left, role, role_has_changed })
            }
            // A question that was asked later may have been answered with "active".
            Ok(None) => {
                self.granted(user).ok_or_else(|| AuthError::new(AuthErrorKind::AccountInactive))
            }
            Err(error) => Err(AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)),
        }
    }

    /// A remembered "active" that still counts.
    fn granted(&self, user: &UserId) -> Option<Grant> {
        let Answer { asked, verdict: Verdict::Active(role) } = self.answers.get(user)? else {
            return None;
        };
        let age = self.clock.monotonic().saturating_sub(asked.at);
        let left = self.revalidate_after.saturating_sub(age);
        (!left.is_zero()).then_some(Grant { left, role, role_has_changed: false })
    }

    /// The role in the latest answer about this user, for sessions that are shown without a question.
    /// `None` if that answer is no "active", or is older than `revalidate_after` and a minute.
    ///
    /// Not [`granted`](Self::granted): a guard may have used the answer just before it became too
    /// old, and with `revalidate_after` zero no answer is granted at all.
    pub(super) fn remembered_role(&self, user: &UserId) -> Option<Role> {
        let Answer { asked, verdict: Verdict::Active(role) } = self.answers.get(user)? else {
            return None;
        };
        let age = self.clock.monotonic().saturating_sub(asked.at);
        (age < self.revalidate_after + SHOWN_AFTERWARDS).then_some(role)
    }

    pub(super) fn applied_roles(&self) -> &AppliedRoles {
        &self.applied_roles
    }

    /// Only answers to questions from now on count.
    pub(super) fn forget(&self, user: &UserId) {
        self.remember(user, Answer { asked: self.asked_now(), verdict: Verdict::Unknown });
    }

    /// Whether the directory said last that the account is not active.
    pub(super) fn is_known_inactive(&self, user: &UserId) -> bool {
        self.answers.get(user).is_some_and(|answer| answer.verdict == Verdict::Inactive)
    }

    fn asked_now(&self) -> Asked {
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        Asked { number, at: self.clock.monotonic() }
    }

    /// Keeps an answer unless a newer one is known. Returns the newest, and what was known before it.
    fn remember(&self, user: &UserId, answer: Answer) -> (Verdict, Option<Verdict>) {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = |known: &Answer| known.asked.number > answer.asked.number;
        let known = self.answers.get(user);
        if let Some(known) = known.as_ref().filter(|known| newer(known)) {
            return (known.verdict.clone(), Some(known.verdict.clone()));
        }
        let newest = answer.verdict.clone();
        self.answers.insert(user.clone(), answer);
        (newest, known.map(|known| known.verdict))
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Asks this directory whether a user's account is active. None by default: then a session is all that counts.
    pub fn directory(mut self, directory: impl UserDirectory) -> Self {
        self.settings.accounts.directory = Some(Arc::new(directory));
        self
    }

    /// How long one question to the user directory may take, from when it is asked. 250 milliseconds by
    /// default, 10 seconds at most.
    pub fn directory_timeout(mut self, timeout: Duration) -> Self {
        self.settings.accounts.timeout = timeout;
        self
    }

    /// How long the directory's word that an account is active is taken for granted, by this process, and how long what
    /// the near cache knows of a session is used before the store is asked again, although it told of no change. 30
    /// seconds by default, 1 hour at most; zero asks both on every request.
    ///
    /// [`suspend`](SessionManager::suspend) does not wait for it.
    pub fn revalidate_after(mut self, time: Duration) -> Self {
        self.settings.accounts.revalidate_after = time;
        self
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Who the user of a session is now: asks the user directory, whatever it said before. Without a directory, the
    /// session itself knows. The role is the one that counts ([Roles](crate::directory#roles)), never
    /// [`Unchanged`](Role::Unchanged).
    ///
    /// # Errors
    ///
    /// [`SessionError::AccountInactive`] if the directory does not know the user, or the account is not active;
    /// [`Directory`](SessionError::Directory) when it cannot tell.
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

    /// Lets a request pass whose user is active.
    pub(super) async fn account_is_active(
        &self,
        accounts: &Accounts,
        user: &UserId,
    ) -> Result<Grant, AuthError> {
        accounts.check(user).await.inspect_err(|error| {
            if error.kind() == AuthErrorKind::AccountInactive {
                // What the near cache holds of this user counts no more, also while the store is away.
                self.changed(user);
            }
        })
    }

    /// Lets a request pass whose user is active, and whose session the store has.
    pub(super) async fn account_of_session(
        &self,
        accounts: &Accounts,
        user: &UserId,
    ) -> Result<Grant, AuthError> {
        let granted = self.account_is_active(accounts, user).await?;
        if granted.role_has_changed {
            // The user's other tokens are in the near cache with the earlier role.
            self.changed(user);
        }
        Ok(granted)
    }

    pub(super) fn directory_limit(&self) -> Duration {
        self.shared.accounts.as_ref().map_or(Duration::ZERO, Accounts::limit)
    }

    /// The user, if there is a directory; an error if the account is not active.
    pub(super) async fn active_user(&self, user: &UserId) -> Result<Option<User>, SessionError> {
        let Some(accounts) = &self.shared.accounts else { return Ok(None) };
        let found = accounts.find(user).await.map_err(SessionError::Directory)?;
        if found.as_ref().is_none_or(|found| found.role_has_changed) {
            self.changed(user);
        }
        found.map(|found| Some(found.user)).ok_or(SessionError::AccountInactive)
    }
}

/// A role that no session could have.
#[derive(Debug, thiserror::Error)]
#[error("the role in its answer is longer than 512 bytes")]
struct RoleTooLong;

#[cfg(test)]
mod tests;
