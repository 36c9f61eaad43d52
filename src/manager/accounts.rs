//! Whether a user's account still counts: the user directory, asked now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::{SessionManager, SessionManagerBuilder};
use crate::clock::Clock;
use crate::directory::{ErasedDirectory, User, UserDirectory};
use crate::error::{AuthError, AuthErrorKind, DirectoryError, SessionError};
use crate::gate::{Lane, LaneName, Miss};
use crate::id::UserId;
use crate::meter::Meter;
use crate::session::{Session, SessionData};

/// For how many users a process remembers the directory's answer.
const REMEMBERED: usize = 65_536;

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
}

/// What is known of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Active,
    /// Lets nobody in and refuses nobody: such an account is asked about for each request, so that it
    /// counts again as soon as it is active. It is remembered so that no older answer replaces it.
    Inactive,
    /// The application says that the account has changed. Only a question from now on counts.
    Unknown,
}

impl Accounts {
    pub(super) fn new(
        directory: Arc<dyn ErasedDirectory>,
        timeout: Duration,
        revalidate_after: Duration,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Self {
        let lane = Lane::new(LaneName::Directory, timeout, meter);
        let (answers, replacing) = (Cache::new(REMEMBERED), Mutex::default());
        let questions = AtomicU64::new(0);
        Self { directory, lane, revalidate_after, clock, answers, questions, replacing }
    }

    /// How long one question takes at most.
    pub(super) fn limit(&self) -> Duration {
        self.lane.limit()
    }

    /// The user, if the account is active; asks the directory.
    ///
    /// Answers are ordered by when their questions were asked: an "active" that is older than a known
    /// "inactive" is none.
    pub(super) async fn find(&self, user: &UserId) -> Result<Option<User>, DirectoryError> {
        for _ in 0..ASKED_AT_MOST {
            let asked = self.asked_now();
            let found = self.ask(user).await?;
            let verdict = if found.is_some() { Verdict::Active } else { Verdict::Inactive };
            let newest = self.remember(user, Answer { asked, verdict });
            match newest.verdict {
                // Suspended meanwhile: what the directory said before that may be what has changed.
                Verdict::Unknown => {}
                Verdict::Active => return Ok(found),
                Verdict::Inactive => return Ok(None),
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
        Ok(found.filter(|user| user.active))
    }

    /// Lets a request pass whose user is active, as the directory said a while ago or says now. "No" is not an answer for
    /// later: an account that is switched on again counts at once. Returns for how long the answer is taken for granted.
    pub(super) async fn check(&self, user: &UserId) -> Result<Duration, AuthError> {
        if let Some(left) = self.granted(user) {
            return Ok(left);
        }
        match self.find(user).await {
            Ok(Some(_)) => Ok(self.granted(user).unwrap_or_default()),
            // A question that was asked later may have been answered with "active".
            Ok(None) => {
                self.granted(user).ok_or_else(|| AuthError::new(AuthErrorKind::AccountInactive))
            }
            Err(error) => Err(AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)),
        }
    }

    /// For how long a remembered "active" still counts; `None` if there is none that does.
    fn granted(&self, user: &UserId) -> Option<Duration> {
        let Answer { asked, .. } =
            self.answers.get(user).filter(|answer| answer.verdict == Verdict::Active)?;
        let age = self.clock.monotonic().saturating_sub(asked.at);
        Some(self.revalidate_after.saturating_sub(age)).filter(|left| !left.is_zero())
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

    /// Keeps an answer unless a newer one is known. Returns the newest.
    fn remember(&self, user: &UserId, answer: Answer) -> Answer {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = |known: &Answer| known.asked.number > answer.asked.number;
        if let Some(known) = self.answers.get(user).filter(newer) {
            return known;
        }
        self.answers.insert(user.clone(), answer);
        answer
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Asks this directory whether a user's account is active. None by default: then a session is all that counts.
    pub fn directory(mut self, directory: impl UserDirectory) -> Self {
        self.settings.directory = Some(Arc::new(directory));
        self
    }

    /// How long one question to the user directory may take, from when it is asked. 250 milliseconds by
    /// default, 10 seconds at most.
    pub fn directory_timeout(mut self, timeout: Duration) -> Self {
        self.settings.directory_timeout = timeout;
        self
    }

    /// How long the directory's word that an account is active is taken for granted, by this process, and how long what
    /// the near cache knows of a session is used before the store is asked again, although it told of no change. 30
    /// seconds by default, 1 hour at most; zero asks both on every request.
    ///
    /// [`suspend`](SessionManager::suspend) does not wait for it.
    pub fn revalidate_after(mut self, time: Duration) -> Self {
        self.settings.revalidate_after = time;
        self
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

#[cfg(test)]
mod tests;
