//! A store that answers, hangs or fails, as a test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Activity, Created, NewRecord, Record, SessionStore, StoreError, StoreErrorKind, StoreHealth,
    Touch, Touched, Updated,
};
use tower_session_auth::{EndReason, MemoryStore, SessionId, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Answer,
    Hang,
    Fail(StoreErrorKind),
    FailWrites(StoreErrorKind),
}

/// A [`MemoryStore`] behind a switch. Clones share the switch.
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

    /// How often the store was asked for anything.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many touches it took.
    pub fn touches(&self) -> usize {
        self.touches.load(Ordering::Relaxed)
    }

    async fn answer(&self, write: bool) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answer => Ok(()),
            Mood::Hang => std::future::pending().await,
            Mood::Fail(kind) => Err(StoreError::new(kind)),
            Mood::FailWrites(kind) if write => Err(StoreError::new(kind)),
            Mood::FailWrites(_) => Ok(()),
        }
    }
}

impl SessionStore for SwitchStore {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> Result<Created, StoreError> {
        self.answer(true).await?;
        self.inner.create(user, id, new).await
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        self.answer(false).await?;
        self.inner.load(user, id, idle_bound).await
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        self.answer(false).await?;
        self.inner.activity(user, id).await
    }

    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        self.answer(true).await?;
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
        self.answer(true).await?;
        self.inner.update(user, id, expected, payload).await
    }

    async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        self.answer(true).await?;
        self.inner.delete(user, id, reason).await
    }

    async fn delete_all(
        &self,
        user: &UserId,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.answer(true).await?;
        self.inner.delete_all(user, reason).await
    }

    async fn ended(&self, user: &UserId, id: &SessionId) -> Result<Option<EndReason>, StoreError> {
        self.answer(false).await?;
        self.inner.ended(user, id).await
    }

    async fn upkeep(&self) -> Result<(), StoreError> {
        self.answer(false).await?;
        self.inner.upkeep().await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.answer(false).await?;
        self.inner.health().await
    }

    fn kind(&self) -> &'static str {
        "switch"
    }
}
