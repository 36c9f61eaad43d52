//! A store that answers, hangs or fails, as a test selects.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Activity, Attempt, AttemptKey, AttemptRule, Cleaned, CountAttempts, Created, FenceValue,
    Listed, MaintainStore, MemoryStore, NewRecord, Page, Record, Replacement, Revoked, Rotate,
    Rotated, ScanCursor, ScanSessions, SessionStore, StoreError, StoreErrorKind, StoreHealth,
    Touch, Touched, Updated, UpdatedAll,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Answer,
    Hang,
    Panic,
    Fail(StoreErrorKind),
    FailWrites(StoreErrorKind),
    /// All operations answer. Reads take the first time, and `revoke_reason` takes the second time.
    SlowReads(Duration, Duration),
    SlowWrites(Duration),
    /// The caller of a load passes a lower bound of the idle deadline. The load returns this bound
    /// as the deadline if it has not passed. Each load takes this long.
    Bounds(Duration),
    /// `create` reports that every id exists.
    Taken,
    /// Writes hang, and the store reports the longest possible waits: for a revocation and after an
    /// attempt.
    Endless,
    /// Lists, scans and cleanups hang; all other operations answer.
    HangWalks,
    /// Lists, scans and cleanups answer; all other operations fail.
    FailAllButWalks(StoreErrorKind),
    /// All operations answer, with the largest durations, deadlines and counts.
    Extremes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Read,
    Ended,
    Write,
    Walk,
}

/// A [`MemoryStore`] behind a switch. All clones share the switch.
#[derive(Clone)]
pub struct SwitchStore {
    inner: MemoryStore,
    mood: Arc<Mutex<Mood>>,
    calls: Arc<AtomicUsize>,
    touches: Arc<AtomicUsize>,
}

impl SwitchStore {
    pub fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            mood: Arc::new(Mutex::new(Mood::Answer)),
            calls: Arc::default(),
            touches: Arc::default(),
        }
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Returns how often an operation with a switch was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns how many touches the store accepted.
    pub fn touches(&self) -> usize {
        self.touches.load(Ordering::Relaxed)
    }

    async fn answer(&self, verb: Verb) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answer => Ok(()),
            Mood::Hang => std::future::pending().await,
            Mood::Panic => panic!("the store panics, as the test wants"),
            Mood::Fail(kind) => Err(StoreError::new(kind)),
            Mood::FailWrites(kind) if verb == Verb::Write => Err(StoreError::new(kind)),
            Mood::HangWalks if verb == Verb::Walk => std::future::pending().await,
            Mood::Endless if verb == Verb::Write => std::future::pending().await,
            Mood::FailAllButWalks(kind) if verb != Verb::Walk => Err(StoreError::new(kind)),
            Mood::SlowWrites(time) if verb == Verb::Write => {
                sleep(time).await;
                Ok(())
            }
            Mood::SlowReads(time, _) if verb == Verb::Read => {
                sleep(time).await;
                Ok(())
            }
            Mood::SlowReads(_, time) if verb == Verb::Ended => {
                sleep(time).await;
                Ok(())
            }
            Mood::FailWrites(_)
            | Mood::SlowWrites(_)
            | Mood::SlowReads(..)
            | Mood::Bounds(_)
            | Mood::HangWalks
            | Mood::FailAllButWalks(_)
            | Mood::Endless
            | Mood::Extremes
            | Mood::Taken => Ok(()),
        }
    }

    fn answers_extremes(&self) -> bool {
        *self.mood.lock().unwrap() == Mood::Extremes
    }
}

impl SessionStore for SwitchStore {
    fn revoke_wait(&self) -> Duration {
        let is_endless = *self.mood.lock().unwrap() == Mood::Endless;
        if is_endless { Duration::MAX } else { Duration::ZERO }
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> Result<Created, StoreError> {
        self.answer(Verb::Write).await?;
        if *self.mood.lock().unwrap() == Mood::Taken {
            return Ok(Created::AlreadyExists);
        }
        self.inner.create(user, id, new).await
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        self.answer(Verb::Read).await?;
        let now = self.inner.now();
        let mut found = self.inner.load(user, id, idle_bound).await?;
        let mood = *self.mood.lock().unwrap();
        if let (Some(record), Mood::Bounds(time)) = (&mut found, mood) {
            let bound = idle_bound.unwrap_or(record.created.saturating_add(record.idle_ttl));
            if bound > now {
                record.idle_deadline = bound;
            }
            sleep(time).await;
        }
        if self.answers_extremes() {
            found = found.map(extreme);
        }
        Ok(found)
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        self.answer(Verb::Read).await?;
        self.inner.activity(user, id).await
    }

    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        self.answer(Verb::Write).await?;
        self.touches.fetch_add(touches.len(), Ordering::Relaxed);
        self.inner.touch(touches).await
    }

    async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Result<Updated, StoreError> {
        self.answer(Verb::Write).await?;
        self.inner.update(user, id, expected, payload).await
    }

    async fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        self.answer(Verb::Write).await?;
        self.inner.rotate(user, id, rotate).await
    }

    async fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Result<Revoked, StoreError> {
        self.answer(Verb::Write).await?;
        self.inner.revoke(user, target, reason).await
    }

    async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        self.answer(Verb::Read).await?;
        self.inner.login_fence(user).await
    }

    async fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        self.answer(Verb::Write).await?;
        self.inner.update_all(user, replacements).await
    }

    async fn list(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.answer(Verb::Walk).await?;
        self.inner.list(user).await
    }

    async fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<RevokeReason>, StoreError> {
        self.answer(Verb::Ended).await?;
        self.inner.revoke_reason(user, id).await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.answer(Verb::Read).await?;
        let takes_writes = !matches!(*self.mood.lock().unwrap(), Mood::FailWrites(_));
        Ok(self.inner.health().await?.writable(takes_writes))
    }

    fn kind(&self) -> &'static str {
        "switch"
    }
}

impl ScanSessions for SwitchStore {
    async fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.answer(Verb::Walk).await?;
        let page = self.inner.scan(from, limit).await?;
        Ok(page.map(|page| if self.answers_extremes() { many(&page) } else { page }))
    }

    async fn cleanup(&self, from: Option<&ScanCursor>) -> Result<Option<Cleaned>, StoreError> {
        self.answer(Verb::Walk).await?;
        if self.answers_extremes() {
            let next = from.is_none().then(|| ScanCursor::new("the second step"));
            return Ok(Some(Cleaned::new(u64::MAX, next)));
        }
        self.inner.cleanup(from).await
    }
}

impl CountAttempts for SwitchStore {
    async fn attempt(
        &self,
        _: &AttemptKey,
        _: &AttemptRule,
    ) -> Result<Option<Attempt>, StoreError> {
        let waits = matches!(*self.mood.lock().unwrap(), Mood::Endless | Mood::Extremes);
        Ok(waits.then_some(Attempt::Refused { retry_after: Duration::MAX }))
    }
}

impl MaintainStore for SwitchStore {
    async fn upkeep(&self) -> Result<(), StoreError> {
        self.answer(Verb::Read).await?;
        self.inner.upkeep().await
    }
}

/// Returns the record with the earliest creation time and the latest deadlines.
fn extreme(mut record: Record) -> Record {
    record.created = Timestamp::from_millis(i64::MIN);
    record.idle_ttl = Duration::MAX;
    record.idle_deadline = Timestamp::MAX;
    record.absolute_deadline = Timestamp::MAX;
    record
}

/// Returns a page with so many copies of the first session that the sum of their lifetimes exceeds
/// [`Duration::MAX`].
fn many(page: &Page) -> Page {
    let first = page.sessions.first().expect("a session on the page");
    let copy = |number| {
        let id = SessionId::parse(&format!("s{number}")).unwrap();
        let record = extreme(first.record.clone());
        Listed::new(first.user.clone(), id, record, first.last_activity)
    };
    Page::new((0..2_100).map(copy).collect(), None)
}
