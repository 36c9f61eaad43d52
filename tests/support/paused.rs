//! A store that pauses calls at points that a test chooses, so that the test controls the
//! interleaving.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::oneshot;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Activity, Cleaned, CountAttempts, Created, FenceValue, Listed, MaintainStore, NewRecord, Page,
    Record, Replacement, Revoked, Rotate, Rotated, ScanCursor, ScanSessions, SessionStore,
    StoreError, StoreHealth, Touch, Touched, Updated, UpdatedAll,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Create,
    FenceValue,
    Load,
    Touch,
    Update,
    UpdateAll,
    Rotate,
    Delete,
    DeleteAll,
    List,
    Scan,
    Cleanup,
}

/// On which side of the wrapped store's work a call pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The wrapped store has not done the work yet.
    Before,
    /// The work is done, but the caller has no answer yet.
    After,
}

/// A wrapper around any store that can pause single calls. All clones share the stops.
#[derive(Clone)]
pub struct PausedStore<St> {
    inner: St,
    stops: Arc<Mutex<Vec<Planned>>>,
    calls: Arc<AtomicUsize>,
}

struct Planned {
    verb: Verb,
    at: At,
    reached: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

/// A planned stop, which holds one call. Dropping it lets the call continue.
pub struct Stop {
    reached: Option<oneshot::Receiver<()>>,
    go: oneshot::Sender<()>,
}

impl Stop {
    /// Waits until a call has reached this stop.
    pub async fn reached(&mut self) {
        self.reached.take().expect("waited for once").await.expect("the store is still there");
    }

    /// Lets the held call continue.
    pub fn go(self) {
        self.go.send(()).expect("a call stands here");
    }
}

impl<St> PausedStore<St> {
    pub fn new(inner: St) -> Self {
        Self { inner, stops: Arc::default(), calls: Arc::default() }
    }

    /// Plans a stop for the next call of this operation.
    pub fn stop(&self, verb: Verb, at: At) -> Stop {
        let (reached, was_reached) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        self.stops.lock().unwrap().push(Planned { verb, at, reached, go: may_go });
        Stop { reached: Some(was_reached), go }
    }

    /// Returns how often any operation of the store was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn pass(&self, verb: Verb, at: At) {
        let planned = {
            let mut stops = self.stops.lock().unwrap();
            let first = stops.iter().position(|stop| (stop.verb, stop.at) == (verb, at));
            first.map(|first| stops.remove(first))
        };
        if let Some(Planned { reached, go, .. }) = planned {
            // Ignore both results: the test may not wait for this stop, and it may release or drop
            // it.
            let _ = reached.send(());
            drop(go.await);
        }
    }

    async fn around<T>(&self, verb: Verb, work: impl Future<Output = T>) -> T {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.pass(verb, At::Before).await;
        let answer = work.await;
        self.pass(verb, At::After).await;
        answer
    }

    fn counted(&self) -> &St {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

impl<St: SessionStore + Clone> SessionStore for PausedStore<St> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> Result<Created, StoreError> {
        self.around(Verb::Create, self.inner.create(user, id, new)).await
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        self.around(Verb::Load, self.inner.load(user, id, idle_bound)).await
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        self.counted().activity(user, id).await
    }

    /// Runs in its own task, so that the touch continues after the worker has stopped waiting. The
    /// worker waits for one second, but a test on a slow machine may hold a touch for longer.
    #[allow(clippy::disallowed_methods, reason = "a test may start a task")]
    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        let (this, touches) = (self.clone(), touches.to_vec());
        let touched =
            tokio::spawn(async move { this.around(Verb::Touch, this.inner.touch(&touches)).await });
        touched.await.expect("a touch does not panic")
    }

    async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Result<Updated, StoreError> {
        self.around(Verb::Update, self.inner.update(user, id, expected, payload)).await
    }

    async fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        self.around(Verb::Rotate, self.inner.rotate(user, id, rotate)).await
    }

    async fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Result<Revoked, StoreError> {
        let verb = match target {
            Target::One(_) => Verb::Delete,
            Target::All | Target::AllExcept(_) => Verb::DeleteAll,
        };
        self.around(verb, self.inner.revoke(user, target, reason)).await
    }

    async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        self.around(Verb::FenceValue, self.inner.login_fence(user)).await
    }

    async fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        self.around(Verb::UpdateAll, self.inner.update_all(user, replacements)).await
    }

    async fn list(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.around(Verb::List, self.inner.list(user)).await
    }

    async fn list_heads(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.counted().list_heads(user).await
    }

    async fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<RevokeReason>, StoreError> {
        self.counted().revoke_reason(user, id).await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.counted().health().await
    }

    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
}

impl<St: SessionStore + Clone> ScanSessions for PausedStore<St> {
    async fn scan_heads(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.counted().scan_heads(from, limit).await
    }

    async fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.around(Verb::Scan, self.inner.scan(from, limit)).await
    }

    async fn cleanup(&self, from: Option<&ScanCursor>) -> Result<Option<Cleaned>, StoreError> {
        self.around(Verb::Cleanup, self.inner.cleanup(from)).await
    }
}

impl<St: SessionStore + Clone> CountAttempts for PausedStore<St> {}

impl<St: SessionStore + Clone> MaintainStore for PausedStore<St> {
    async fn upkeep(&self) -> Result<(), StoreError> {
        self.counted().upkeep().await
    }
}
