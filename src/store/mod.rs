//! The contract between the session manager and the storage of sessions.
//!
//! The library has two stores: [`MemoryStore`] and, with the feature `redis`, [`RedisStore`]. A custom
//! store implements [`SessionStore`] and runs the suite `testing::store_contract`, as these two do.
//!
//! # Terms
//!
//! A store keeps [records](Record): a payload that the store never reads, and the fields that
//! decide when a session expires. It knows neither tokens nor the names of users.
//!
//! **A session is live** while its record exists, its *idle deadline* has not passed, and its
//! *absolute deadline* has not passed. All operations except `create` work on live sessions only
//! and create none. There is no upsert, so a late write cannot bring back a session that is over.
//!
//! All times are on the store's own clock ([`SessionStore::now`]). A host passes durations, never
//! points in time on its own clock, so a wrong host clock cannot change how long a session lives.

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
#[cfg(feature = "routes")]
pub(crate) use self::memory::attempts::Attempts;
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
/// Implementors write `async fn`. Every method is one atomic step: callers never see two calls
/// interleaved. A method that covers many users ([`touch`](Self::touch), [`scan`](Self::scan),
/// [`cleanup`](Self::cleanup)) is one atomic step for each of them.
///
/// # Deadlines
///
/// The manager limits the time of each call (250 ms by default) and then drops the future. A store
/// must stay usable when that happens at any await point.
///
/// Before version 1.0, a new version may require more operations.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "use `RedisStore::new(url)?` or `MemoryStore`, or implement `SessionStore`; a store takes no \
            `Arc` around it: clone the store instead"
)]
pub trait SessionStore: Send + Sync + 'static {
    /// Returns the time on this store's clock, as accurately as this process knows it. No I/O.
    fn now(&self) -> Timestamp;

    /// Creates a session. Its id must not be in use.
    ///
    /// Returns [`Created::AlreadyExists`] if this user has a live session or a tombstone with this
    /// id. The idle deadline is `min(now + idle_ttl, now + lifetime)`.
    ///
    /// The store checks the id, then the login fence, then the session limit, in the same step. So
    /// of many calls at once exactly as many succeed as the limit allows, and a login that began
    /// before a revocation of all sessions fails. A refused call changes nothing.
    ///
    /// Only live sessions count against the limit. To make room, the same step revokes sessions
    /// with the reason [`Evicted`](RevokeReason::Evicted): as many as necessary (several if the limit
    /// was higher before), and as many more as [`room`](SessionLimit::room) says.
    /// Below the limit, the work must not grow with the number of the user's sessions.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The session may then exist
    /// or not.
    fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Returns the user's login fence. A login reads it before it checks credentials: see
    /// [`NewRecord::login_fence`].
    /// Only a [`revoke`](Self::revoke) of all sessions and [`update_all`](Self::update_all) replace
    /// it, each time with a new value. Expiry is not a change: a login that read it may still succeed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn login_fence(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<FenceValue, StoreError>> + Send;

    /// Finds a live session. `None` means that it was revoked, has expired or never existed.
    ///
    /// [`Record::idle_deadline`] may be a lower bound of the true one. Idle deadlines only move
    /// forward, so the store need not read the true one while a known bound has not passed.
    /// `idle_bound` is such a bound: an idle deadline that this store returned before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] only when the store cannot answer, or cannot read the record. An unknown
    /// session is not an error.
    fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Returns the true last activity and idle deadline; `None` as for [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Activity>, StoreError>> + Send;

    /// Records uses of sessions, each atomically. Returns one result per touch, in their order.
    ///
    /// Of each live session, the last activity moves forward to the time of the use. If less than
    /// [`extend_below`](Touch::extend_below) remains until the idle deadline, that moves forward to
    /// `min(use + idle_ttl, absolute deadline)`. The store keeps the greatest
    /// [`rotation`](Touch::rotation) for [`rotate`](Self::rotate). Nothing moves back. A session
    /// that is not live stays unchanged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. Any part of the batch may
    /// then be done. The caller may repeat the whole batch.
    fn touch(
        &self,
        touches: &[Touch],
    ) -> impl Future<Output = Result<Vec<Touched>, StoreError>> + Send;

    /// Replaces the payload of a live session if its revision is `expected`. Its deadlines stay.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The payload may then be
    /// replaced or not.
    fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> impl Future<Output = Result<Updated, StoreError>> + Send;

    /// Replaces the payloads of *all* live sessions of a user, and the login fence, in one step. A
    /// login under way may have read the data that changes here, so it must fail. Deadlines stay.
    ///
    /// `replacements` must name exactly the live sessions, in any order, each at its current
    /// revision. Otherwise nothing changes, the fence included. A touch does not change a revision.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update), and when a record cannot be read: its session might keep
    /// its old payload.
    fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> impl Future<Output = Result<UpdatedAll, StoreError>> + Send;

    /// Exchanges a refresh token for the next one: of all calls with one token, only one moves the
    /// [counter](Rotation::counter). [`Rotated`] defines each result and its condition.
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

    /// Revokes sessions of one user in one step. Returns those that were live.
    ///
    /// [`Target::One`] keeps a tombstone with the reason until the absolute deadline of the
    /// session, at most 24 hours. Idempotent: a second call finds no live session, and the first
    /// reason stays.
    ///
    /// [`Target::All`] and [`Target::AllExcept`] also replace the login fence (also when there is no
    /// session) and keep it for at least 24 hours, so a login under way fails.
    /// [`RevokeReason::PasswordChange`] also replaces the [password
    /// epoch](FenceValue::password_epoch).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The sessions may then still
    /// be live, so the caller must not report success. Replicas without the change are not an
    /// error: [`Revoked::replicas`] reports them.
    fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> impl Future<Output = Result<Revoked, StoreError>> + Send;

    /// Returns how much longer [`revoke`](Self::revoke) may take than other operations, because it
    /// waits for replicas. The manager adds this to its time limit. Zero by default.
    fn revoke_wait(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns all live sessions of one user, in no particular order. Skips (and logs) a record
    /// that it cannot read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn list(&self, user: &UserId) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;

    /// Returns a [page](Page) of all live sessions that starts at the cursor `from`: at most
    /// `limit` sessions (0 counts as 1; a store may have a lower maximum). `None` if `from` is no
    /// cursor of this store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send;

    /// Like [`list`](Self::list), for a caller that reads payloads only up to the first line feed.
    /// A store may cut off the rest (of the manager's payloads: the application's data). By default
    /// it does not.
    fn list_heads(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send {
        self.list(user)
    }

    /// Like [`scan`](Self::scan), with payloads as in [`list_heads`](Self::list_heads).
    fn scan_heads(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send {
        self.scan(from, limit)
    }

    /// Removes expired sessions from one part of the store and counts them. Keeps live sessions and
    /// tombstones that have not expired. `None` if `from` is no cursor of this store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write.
    fn cleanup(
        &self,
        from: Option<&ScanCursor>,
    ) -> impl Future<Output = Result<Option<Cleaned>, StoreError>> + Send;

    /// Returns why a session was revoked, if the store still has its tombstone (it keeps at least
    /// the newest 64 of a user). Called only for sessions that [`load`](Self::load) does not find.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<RevokeReason>, StoreError>> + Send;

    /// Counts an attempt before it is made, or refuses it: of any number at once it counts exactly
    /// as many as [`rule`](AttemptRule) allows. All instances share the counts, which do not
    /// concern sessions. `None`, the default, means that the store does not count: each process
    /// then counts for itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The attempt may then be
    /// counted or not, and must not be made.
    fn attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> impl Future<Output = Result<Option<Attempt>, StoreError>> + Send {
        let _ = (key, rule);
        std::future::ready(Ok(None))
    }

    /// Takes back what [`attempt`](Self::attempt) has counted. Does nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The attempt then counts as
    /// failed.
    fn settle(
        &self,
        key: &AttemptKey,
        settle: Settle,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (key, settle);
        std::future::ready(Ok(()))
    }

    /// Does regular work: removes what has expired, compares clocks. The background worker calls it
    /// about once a second. Does nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn upkeep(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Returns warnings for the operator: what is wrong and how to fix it, one sentence each,
    /// without an address. The background worker logs them once, after its first
    /// [`upkeep`](Self::upkeep). A later call need not repeat a warning. Empty by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; the worker asks again later.
    fn warnings(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Checks that the store answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it does not.
    fn health(&self) -> impl Future<Output = Result<StoreHealth, StoreError>> + Send;

    /// Returns what lets a process cache reads of this store. `None`, the default: each request
    /// reads the store. Called once per manager. No I/O.
    fn tracking(&self) -> Option<Tracking> {
        None
    }

    /// Tells the store the token issuer of a manager that uses it. No I/O. Does nothing by default.
    fn used_by(&self, _issuer: &str) {}

    /// Returns the kind of this store for health reports, such as `"memory"` or `"redis"`.
    fn kind(&self) -> &'static str;
}
