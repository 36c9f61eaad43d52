//! The user directory, which says whether a user's account is active, and a cache of its answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::applied_roles::AppliedRoles;
use crate::clock::Clock;
use crate::directory::{ErasedDirectory, Role, User};
use crate::error::{AuthError, AuthErrorKind, DirectoryError};
use crate::id::UserId;
use crate::resilience::{Bulkhead, BulkheadError, BulkheadName};
use crate::session::NewSession;
use crate::telemetry::metrics::Metrics;

/// Number of users for which a process caches the latest answer of the directory. The docs of
/// [`directory`](crate::directory#memory) name this number.
///
/// While the cache has an answer about a user, an answer to an older call does not replace it.
/// After the cache has evicted a user's answer, the cache stores the next answer about this user,
/// even if that answer belongs to an older call.
const REMEMBERED: usize = 65_536;

/// For how long after `revalidate_after` sessions still have the role of a cached answer. This time
/// is longer than the check of a request can take, so a handler sees the role that its guards saw.
const SHOWN_AFTERWARDS: Duration = Duration::from_secs(60);

/// Maximum number of directory calls of one check. The second call is made only if the application
/// suspends the user during the first call.
pub(crate) const ASKED_AT_MOST: u32 = 2;

/// The user directory with this process's cache of its answers.
pub(crate) struct Accounts {
    directory: Arc<dyn ErasedDirectory>,
    bulkhead: Bulkhead,
    revalidate_after: Duration,
    /// Measures the age of answers. Its monotonic time also advances while the host is suspended.
    clock: Arc<dyn Clock>,
    /// The cached answer of each user, from the latest call that was answered.
    answers: Cache<UserId, Answer>,
    /// Number of calls so far.
    questions: AtomicU64,
    /// Held while a new answer is compared with the cached answer. Reads do not take this lock.
    replacing: Mutex<()>,
    /// Whether the manager uses the directory's roles.
    with_roles: bool,
    applied_roles: AppliedRoles,
}

/// A cached answer about one account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    asked: Asked,
    verdict: Verdict,
}

/// When a directory call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    /// The number of the call, in the order of all calls of this process.
    number: u64,
    /// The start of the call, on the clock's monotonic time.
    at: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// The account is active. The value is the role that the directory names for the user. The
    /// value is [`Role::Unchanged`] if the manager does not use the directory's roles.
    Active(Role),
    /// The account is not active. This cached answer rejects no request. Each check of the user
    /// calls the directory again, so that the user is accepted as soon as the account is active
    /// again. The answer is cached only so that an answer to an older call does not replace it.
    Inactive,
    /// The application has reported that the account has changed. Only the answer to a later call
    /// is used.
    Unknown,
}

/// A user whose account is active.
pub(crate) struct Active {
    pub(crate) user: User,
    /// Whether the directory's previous answer named another role.
    pub(crate) role_has_changed: bool,
}

/// A user whose account is treated as active, with the user's role.
#[derive(Debug)]
pub(crate) struct Grant {
    /// How long the directory's answer is still valid.
    pub(crate) left: Duration,
    pub(crate) role: Role,
    pub(crate) role_has_changed: bool,
}

/// The settings of the user directory.
pub(crate) struct AccountSettings {
    pub(crate) directory: Option<Arc<dyn ErasedDirectory>>,
    pub(crate) timeout: Duration,
    pub(crate) revalidate_after: Duration,
    /// Whether the manager uses the directory's roles.
    pub(crate) with_roles: bool,
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
    /// Builds the [`Accounts`]. Returns `None` if no directory is set.
    pub(crate) fn build(self, clock: Arc<dyn Clock>, metrics: &Metrics) -> Option<Accounts> {
        Some(Accounts {
            directory: self.directory?,
            bulkhead: Bulkhead::new(BulkheadName::Directory, self.timeout, metrics),
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
    /// Returns the timeout of one directory call.
    pub(crate) fn limit(&self) -> Duration {
        self.bulkhead.limit()
    }

    /// Returns the user if the account is active. Always calls the directory.
    ///
    /// Answers are ordered by the start of their calls. So an "active" from an older call does not
    /// replace an "inactive" from a later call.
    pub(crate) async fn find(&self, user: &UserId) -> Result<Option<Active>, DirectoryError> {
        for _ in 0..ASKED_AT_MOST {
            let asked = self.asked_now();
            let found = self.ask(user).await?;
            let verdict = match &found {
                Some(user) => Verdict::Active(user.role.clone()),
                None => Verdict::Inactive,
            };
            let (newest, before) = self.remember(user, Answer { asked, verdict });
            match newest {
                // The application suspended the user during the call. The answer may be from before
                // that change, so call the directory again.
                Verdict::Unknown => {}
                Verdict::Inactive => return Ok(None),
                Verdict::Active(role) => {
                    let role_has_changed =
                        matches!(before, Some(Verdict::Active(before)) if before != role);
                    // Use the role of the newest answer, even if another call received that answer.
                    let with_role = |user| User { role, ..user };
                    let active = |user| Active { user: with_role(user), role_has_changed };
                    return Ok(found.map(active));
                }
            }
        }
        // The user was suspended during each call.
        Ok(None)
    }

    async fn ask(&self, user: &UserId) -> Result<Option<User>, DirectoryError> {
        let question = || async { self.directory.find(user).await.map_err(DirectoryError::Failed) };
        // Only a timeout opens the circuit breaker. The directory reports an error immediately, and
        // an error can concern only this user.
        let found = self.bulkhead.ask(question, |_| false).await;
        let found = found.map_err(|miss| match miss {
            BulkheadError::CircuitOpen(_) => DirectoryError::CircuitOpen,
            BulkheadError::TimedOut(_) => DirectoryError::TimedOut,
            BulkheadError::Failed(error) => error,
        })?;
        let Some(user) = found.filter(|user| user.active) else { return Ok(None) };
        let role = if self.with_roles { user.role } else { Role::Unchanged };
        if role.name().is_some_and(|name| name.len() > NewSession::FIELD_LEN) {
            return Err(DirectoryError::Failed(Box::new(RoleTooLong)));
        }
        Ok(Some(User { role, ..user }))
    }

    /// Accepts the user if a valid cached answer or a directory call says that the account is
    /// active. The result contains the time for which the answer stays valid. A cached "inactive"
    /// is ignored, so an account that is activated again is accepted immediately.
    pub(crate) async fn check(&self, user: &UserId) -> Result<Grant, AuthError> {
        if let Some(granted) = self.granted(user) {
            return Ok(granted);
        }
        match self.find(user).await {
            Ok(Some(Active { user: User { role, .. }, role_has_changed })) => {
                let left = self.granted(user).map_or(Duration::ZERO, |granted| granted.left);
                Ok(Grant { left, role, role_has_changed })
            }
            // A call that started later may have been answered with "active".
            Ok(None) => {
                self.granted(user).ok_or_else(|| AuthError::new(AuthErrorKind::AccountInactive))
            }
            Err(error) => Err(AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)),
        }
    }

    /// Returns a cached "active" that is still valid.
    fn granted(&self, user: &UserId) -> Option<Grant> {
        let Answer { asked, verdict: Verdict::Active(role) } = self.answers.get(user)? else {
            return None;
        };
        let age = self.clock.monotonic().saturating_sub(asked.at);
        let left = self.revalidate_after.saturating_sub(age);
        (!left.is_zero()).then_some(Grant { left, role, role_has_changed: false })
    }

    /// Returns the role in the user's latest cached answer, for sessions that the manager returns
    /// without a directory call. Returns `None` if that answer is not "active", or if the answer is
    /// at least as old as `revalidate_after` plus one minute.
    ///
    /// This method also returns the role of an answer that is too old for
    /// [`granted`](Self::granted). There are two reasons:
    ///
    /// - A guard may have used the answer just before it became too old.
    /// - If `revalidate_after` is zero, [`granted`](Self::granted) never returns an answer.
    pub(crate) fn remembered_role(&self, user: &UserId) -> Option<Role> {
        let Answer { asked, verdict: Verdict::Active(role) } = self.answers.get(user)? else {
            return None;
        };
        let age = self.clock.monotonic().saturating_sub(asked.at);
        (age < self.revalidate_after + SHOWN_AFTERWARDS).then_some(role)
    }

    pub(crate) fn applied_roles(&self) -> &AppliedRoles {
        &self.applied_roles
    }

    /// Discards the cached answer. From now on, only answers to later calls are used.
    pub(crate) fn forget(&self, user: &UserId) {
        self.remember(user, Answer { asked: self.asked_now(), verdict: Verdict::Unknown });
    }

    /// Returns whether the latest answer says that the account is not active.
    pub(crate) fn is_known_inactive(&self, user: &UserId) -> bool {
        self.answers.get(user).is_some_and(|answer| answer.verdict == Verdict::Inactive)
    }

    fn asked_now(&self) -> Asked {
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        Asked { number, at: self.clock.monotonic() }
    }

    /// Stores an answer, unless the cache has the answer to a later call. Returns the newest
    /// answer, and the answer that the cache had before this call.
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

/// The error for a role that is too long for a session.
#[derive(Debug, thiserror::Error)]
#[error("the role of the user is longer than 512 bytes")]
struct RoleTooLong;

#[cfg(test)]
mod tests;
