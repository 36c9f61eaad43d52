//! A store with the defaults of all optional operations: no scans, no counters, no regular work.

use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::error::SessionError;
use tower_session_auth::manager::NearCacheState;
use tower_session_auth::store::{
    Activity, CountAttempts, Created, FenceValue, Listed, MaintainStore, MemoryStore, NewRecord,
    Record, Replacement, Revoked, Rotate, Rotated, ScanSessions, SessionStore, StoreError,
    StoreErrorKind, StoreHealth, Target, Touch, Touched, Updated, UpdatedAll,
};
use tower_session_auth::testing::{ManualClock, store_contract};
use tower_session_auth::{RevokeReason, SessionId, UserId};

use crate::support::{START, login, patient_builder};

type Answer<T> = Result<T, StoreError>;

struct LeastStore(MemoryStore);

impl ScanSessions for LeastStore {}
impl CountAttempts for LeastStore {}
impl MaintainStore for LeastStore {}

impl SessionStore for LeastStore {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn kind(&self) -> &'static str {
        "least"
    }

    async fn health(&self) -> Answer<StoreHealth> {
        self.0.health().await
    }

    async fn create(&self, user: &UserId, id: &SessionId, new: &NewRecord) -> Answer<Created> {
        self.0.create(user, id, new).await
    }

    async fn login_fence(&self, user: &UserId) -> Answer<FenceValue> {
        self.0.login_fence(user).await
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        bound: Option<Timestamp>,
    ) -> Answer<Option<Record>> {
        self.0.load(user, id, bound).await
    }

    async fn activity(&self, user: &UserId, id: &SessionId) -> Answer<Option<Activity>> {
        self.0.activity(user, id).await
    }

    async fn touch(&self, touches: &[Touch]) -> Answer<Vec<Touched>> {
        self.0.touch(touches).await
    }

    async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Answer<Updated> {
        self.0.update(user, id, expected, payload).await
    }

    async fn update_all(&self, user: &UserId, new: &[Replacement]) -> Answer<UpdatedAll> {
        self.0.update_all(user, new).await
    }

    async fn rotate(&self, user: &UserId, id: &SessionId, rotate: &Rotate) -> Answer<Rotated> {
        self.0.rotate(user, id, rotate).await
    }

    async fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Answer<Revoked> {
        self.0.revoke(user, target, reason).await
    }

    async fn revoke_reason(&self, user: &UserId, id: &SessionId) -> Answer<Option<RevokeReason>> {
        self.0.revoke_reason(user, id).await
    }

    async fn list(&self, user: &UserId) -> Answer<Vec<Listed>> {
        self.0.list(user).await
    }
}

#[tokio::test]
async fn store_without_optional_operations_passes_the_contract() {
    let clock = ManualClock::new(START);
    let store = LeastStore(MemoryStore::with_clock(clock.clone()));
    store_contract(&store, async |time| clock.advance(time)).await;
}

#[tokio::test]
async fn manager_on_such_a_store_works_but_for_scans() {
    let (manager, worker) = patient_builder(LeastStore(MemoryStore::new())).build().unwrap();
    let background = worker.start();
    let jeju = login(&manager, "jeju").await;
    assert!(manager.authenticate(&jeju.access_token).await.is_ok());
    assert_eq!(manager.near_cache().state, NearCacheState::Off);
    assert_eq!(manager.sessions(jeju.session.user_id()).await.unwrap().len(), 1);
    let unsupported = |error: SessionError| match error {
        SessionError::Store(error) => error.kind() == StoreErrorKind::Unsupported,
        _ => false,
    };
    assert!(unsupported(manager.all_sessions(None, 10).await.unwrap_err()));
    assert!(unsupported(manager.statistics(|_| {}).await.unwrap_err()));
    // The failed scans do not open the circuit breaker of the requests.
    manager.revoke(jeju.session.user_id(), Target::All, RevokeReason::Logout).await.unwrap();
    assert!(manager.authenticate(&jeju.access_token).await.is_err());
    tokio::time::timeout(Duration::from_secs(120), background.stop()).await.unwrap().unwrap();
}
