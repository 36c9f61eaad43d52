//! The contract between the session manager and the storage of sessions.
//!
//! The library has two stores: [`MemoryStore`] and, with the feature `redis`, [`RedisStore`]. You
//! can also implement [`SessionStore`] for a store of your own. Test such a store with the suite
//! `testing::store_contract`, which both library stores pass.
//!
//! # Terms
//!
//! A store keeps [records](Record). A record contains a payload, which the store never reads, and
//! the fields that decide when the session expires. The store knows neither tokens nor the names of
//! users.
//!
//! **A session is live** while its record exists, its *idle deadline* has not passed, and its
//! *absolute deadline* has not passed. Only `create` makes a session live. If a session is no
//! longer live, every other operation leaves it unchanged or removes it. There is no upsert, so a
//! late write cannot make an expired or revoked session live again.
//!
//! All times are on the store's own clock ([`SessionStore::now`]). A host passes only durations to
//! the store, never times on its own clock. So a wrong host clock cannot change how long a session
//! lives.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
pub use crate::error::{StoreError, StoreErrorKind};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;

pub(crate) mod answer;
mod attempts;
mod bounds;
pub(crate) mod erased;
mod memory;
mod optional;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod revoke;
mod rotate;
mod rotation;
mod scan;
mod tracking;

pub use self::attempts::{Attempt, AttemptKey, AttemptRule, Settle};
pub(crate) use self::bounds::{SCAN_TIMEOUT, TOMBSTONE_LIFE, TOMBSTONES_PER_USER, span};
pub use self::memory::MemoryStore;
pub(crate) use self::memory::attempts::Attempts;
pub use self::optional::{CountAttempts, MaintainStore, ScanSessions};
pub use self::record::{
    Activity, Created, FenceValue, NewRecord, Opened, PASSWORD_EPOCH_LIFE, Record, Replacement,
    SessionLimit, StoreHealth, Touch, Touched, Updated, UpdatedAll, WhenFull,
};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::revoke::{Replicas, Revoked, Target};
pub use self::rotate::{Rotate, Rotated};
pub use self::rotation::{Rotation, Salt};
pub use self::scan::{Cleaned, Listed, Page, ScanCursor};
pub use self::tracking::Tracking;
pub(crate) use self::tracking::{Tracked, Tracker};

/// Storage for sessions. The [module docs](self) define the terms.
///
/// Implementations can write `async fn`. Every method is one atomic step: no caller sees the state
/// in the middle of another call. Three methods cover many users and are one atomic step per user:
/// [`touch`](Self::touch), [`scan`](ScanSessions::scan) and [`cleanup`](ScanSessions::cleanup).
///
/// Three more traits define operations that are optional for a store: [`ScanSessions`],
/// [`CountAttempts`] and [`MaintainStore`]. All of their methods have default implementations. A
/// store that does not support the operations of a trait needs only an empty implementation, such
/// as `impl ScanSessions for MyStore {}`.
///
/// # Deadlines
///
/// The manager limits the time of each call (250 ms by default). After that time, the manager drops
/// the future of the call, at whatever await point it is. The store must stay usable after this.
///
/// Before version 1.0, a new version of this crate may add required operations.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "use `RedisStore::new(url)?` or `MemoryStore`, or implement `SessionStore`; a store takes no \
            `Arc` around it: clone the store instead"
)]
pub trait SessionStore: ScanSessions + CountAttempts + MaintainStore {
    /// Returns the time on this store's clock, as accurately as this process knows it. Does no I/O.
    fn now(&self) -> Timestamp;

    /// Creates a session. The caller passes a new id.
    ///
    /// Returns [`Created::AlreadyExists`] if this user has a live session or a tombstone with this
    /// id. The idle deadline of the new session is `min(now + idle_ttl, now + lifetime)`.
    ///
    /// In one atomic step, the store checks the id, then the login fence, then the session limit.
    /// So if many logins run at the same time, exactly as many of them succeed as the limit allows.
    /// A login that began before a revocation of all sessions fails. A refused call changes
    /// nothing.
    ///
    /// Only live sessions count toward the limit. If the limit is reached,
    /// [`when_full`](SessionLimit::when_full) decides whether the store refuses the call or makes
    /// room. To make room, the store revokes sessions in the same atomic step, with the reason
    /// [`Evicted`](RevokeReason::Evicted). If the limit was higher before, the store may have to
    /// revoke several sessions. If [`room`](SessionLimit::room) is greater than 1, the store also
    /// makes room for later logins. While the user is below the limit, the work of this call must
    /// not grow with the number of the user's sessions.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, it is
    /// unknown whether the session was created.
    fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Returns the user's login fence. A login reads the fence before it checks the credentials,
    /// and passes it to [`create`](Self::create) as [`NewRecord::login_fence`].
    ///
    /// Only [`update_all`](Self::update_all) and a [`revoke`](Self::revoke) of all sessions replace
    /// the fence, each time with a new value. When a fence expires, the store does not create a new
    /// one. So a login that read the fence before its expiry can still succeed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn login_fence(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<FenceValue, StoreError>> + Send;

    /// Finds a live session. `None` means that the session was revoked, has expired or never
    /// existed.
    ///
    /// The returned [`Record::idle_deadline`] may be earlier than the true idle deadline. An idle
    /// deadline only moves forward, so each deadline that this store returned for the session
    /// before is a lower bound. The caller can pass such a deadline as `idle_bound`. While
    /// `idle_bound` is in the future, the store can return it without reading the true deadline.
    ///
    /// # Errors
    ///
    /// [`StoreError`] only when the store cannot answer or cannot read the record. An unknown
    /// session is not an error.
    fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Returns the true last activity and idle deadline. `None` has the same meaning as for
    /// [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Activity>, StoreError>> + Send;

    /// Records that sessions were used. Each touch is atomic. Returns one result per touch, in the
    /// order of `touches`.
    ///
    /// For each touch of a live session, the store moves the last activity forward to the time at
    /// which the session was used. If less than [`extend_below`](Touch::extend_below) remains until
    /// the idle deadline, the store moves the deadline forward to
    /// `min(time of use + idle_ttl, absolute deadline)`. The store keeps the greatest
    /// [`rotation`](Touch::rotation) of all touches of the session, because
    /// [`rotate`](Self::rotate) needs that number. None of these values ever decreases. A session
    /// that is not live stays unchanged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, the store
    /// may have recorded all, some or none of the touches. The caller is allowed to send the whole
    /// batch again.
    fn touch(
        &self,
        touches: &[Touch],
    ) -> impl Future<Output = Result<Vec<Touched>, StoreError>> + Send;

    /// Replaces the payload of a live session if its revision is `expected`. The session's
    /// deadlines do not change.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, it is
    /// unknown whether the payload was replaced.
    fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> impl Future<Output = Result<Updated, StoreError>> + Send;

    /// Replaces the payloads of *all* live sessions of a user, and the login fence, in one step.
    /// The new fence makes logins in progress fail, because such a login may have read the user's
    /// old data. Deadlines do not change.
    ///
    /// `replacements` must name exactly the live sessions, in any order, each with its current
    /// revision. Otherwise the call changes nothing, not even the fence. A touch does not change a
    /// revision.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update). A record that the store cannot read is also an error: if
    /// the store skipped the record, that session might keep its old payload.
    fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> impl Future<Output = Result<UpdatedAll, StoreError>> + Send;

    /// Exchanges a refresh token for the next one. If several calls present the same token, only
    /// one of them moves the [counter](Rotation::counter). [`Rotated`] defines each result and its
    /// condition.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update).
    fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> impl Future<Output = Result<Rotated, StoreError>> + Send;

    /// Revokes sessions of one user in one step. Returns the sessions that were live.
    ///
    /// For [`Target::One`], the store keeps a tombstone with the reason until the session's
    /// absolute deadline, but for at most 24 hours. The call is idempotent: a second call finds no
    /// live session, and the tombstone keeps the first reason.
    ///
    /// [`Target::All`] and [`Target::AllExcept`] also replace the login fence, so that logins in
    /// progress fail. They do so even if the user has no session. The store keeps the new fence for
    /// at least 24 hours. With [`RevokeReason::PasswordChange`], these two targets also replace the
    /// [password epoch](FenceValue::password_epoch).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, the
    /// sessions may still be live, so the caller must not report success. If replicas lack the
    /// change, this is not an error: see [`Revoked::replicas`].
    fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> impl Future<Output = Result<Revoked, StoreError>> + Send;

    /// Returns how long [`revoke`](Self::revoke) may wait for replicas. The manager adds this time
    /// to its time limit of a revocation. Zero by default.
    fn revoke_wait(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns all live sessions of one user, in no particular order. Skips a record that the store
    /// cannot read, and logs it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn list(&self, user: &UserId) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;

    /// Like [`list`](Self::list), but the caller reads each payload only up to its first line feed.
    /// The store is allowed to leave out the rest. In the manager's payloads, the rest is the
    /// application's data. The default implementation returns whole payloads.
    fn list_heads(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send {
        self.list(user)
    }

    /// Returns the reason of a session's revocation, if the store still has the tombstone. A store
    /// keeps at least the newest 64 tombstones of a user. The manager calls this only for a session
    /// that [`load`](Self::load) does not find.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<RevokeReason>, StoreError>> + Send;

    /// Checks that the store answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store does not answer.
    fn health(&self) -> impl Future<Output = Result<StoreHealth, StoreError>> + Send;

    /// Returns the kind of this store for health reports, such as `"memory"` or `"redis"`.
    fn kind(&self) -> &'static str;
}
