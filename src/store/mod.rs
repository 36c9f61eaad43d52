//! The contract between the session manager and the place where sessions live.
//!
//! Two stores come with the library: [`MemoryStore`] (one process, nothing to install) and, with the feature `redis`,
//! [`RedisStore`]. A store of your own implements [`SessionStore`] and proves itself against
//! `testing::store_contract` (feature `testing`), the suite that the two run.
//!
//! # What a store knows
//!
//! A store keeps [records](Record): a payload that it never reads, and the little it needs to let a session end in
//! time. It knows neither tokens nor users' names.
//!
//! **A session lives** while its record exists, its *idle deadline* is still to come, and its *absolute deadline* is
//! still to come. Every verb that is not `create` works on living sessions only, and none of them creates one: there is
//! no upsert, so no late write can bring back a session that has ended.
//!
//! All times are on the store's own clock ([`SessionStore::now`]). Hosts hand in durations, never points in time of
//! their own, so that a host with a wrong clock cannot change a session's life.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
pub use crate::error::{StoreError, StoreErrorKind};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;

mod attempts;
mod bounds;
pub(crate) mod erased;
mod memory;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod revoke;
mod rotation;
mod tracking;
mod walk;

pub use self::attempts::{Attempt, AttemptKey, AttemptRule, Settle};
pub(crate) use self::bounds::{TOMBSTONE_LIFE, TOMBSTONES_PER_USER, WALK_TIMEOUT, span};
pub use self::memory::MemoryStore;
#[cfg(feature = "routes")]
pub(crate) use self::memory::attempts::Attempts;
pub use self::record::{
    Activity, Created, Guard, NewRecord, Opened, PASSWORD_EPOCH_LIFE, Record, Replacement,
    SessionLimit, StoreHealth, Touch, Touched, Updated, UpdatedAll, WhenFull,
};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::revoke::{Replicas, Revoke, Revoked};
pub use self::rotation::{Rotate, Rotated, Rotation, Salt};
pub use self::tracking::Tracking;
pub(crate) use self::tracking::{Tracked, Tracker};
pub use self::walk::{Cleaned, Listed, Page, Position};

/// A place where sessions live. See the [module docs](self) for the words used here.
///
/// Implementors write `async fn`. Every method is one atomic step: no interleaving of two calls may be visible. Those
/// that are about many users ([`touch`](Self::touch), [`scan`](Self::scan), [`cleanup`](Self::cleanup)) are one for each.
///
/// # Deadlines
///
/// The manager gives up on a call after its own time limit (250 ms by default) and drops the future. A store must stay
/// usable when that happens at any await point.
///
/// # Stability
///
/// Until version 1.0, later versions may ask for more verbs.
pub trait SessionStore: Send + Sync + 'static {
    /// The time on this store's clock, as well as this process knows it. Cheap, no I/O.
    fn now(&self) -> Timestamp;

    /// Makes a session that must not exist yet.
    ///
    /// An id that this user has, or had and that was ended with a reason still known, is
    /// [`Created::AlreadyExists`]. The idle deadline starts at `min(now + idle_ttl, now + lifetime)`.
    ///
    /// Guard and limit are judged in the same step, in this order: id, guard, limit. So of many creations at once
    /// exactly as many succeed as the limit allows, and none that began before a [`delete_all`](Self::delete_all). What
    /// is refused changes nothing and is not counted.
    ///
    /// Only living sessions count against the limit. Those that have to make room end in the same step, with the reason
    /// [`Evicted`](EndReason::Evicted): as many as it takes, should the limit have been greater before, and as many
    /// more as the limit's [`room`](SessionLimit::room) says.
    ///
    /// The work must not grow with the number of the user's sessions while that is below the limit.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The session may then exist or not.
    fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// The user's login guard. A login reads it before it checks credentials: see [`NewRecord::guard`].
    ///
    /// Only [`delete_all`](Self::delete_all) and [`update_all`](Self::update_all) replace it, and no two guards of a user
    /// are alike. One that was kept for its time and is gone is no change: who read it may log in all the same.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn guard(&self, user: &UserId) -> impl Future<Output = Result<Guard, StoreError>> + Send;

    /// Finds a living session; `None` means ended or never made.
    ///
    /// [`Record::idle_deadline`] may be a lower bound of the true one: idle deadlines only move forward, so a store may
    /// answer without looking up the true one as long as a bound that it knows is still to come. `idle_bound` is such
    /// a bound: an idle deadline of this session that this store reported earlier.
    ///
    /// # Errors
    ///
    /// [`StoreError`] only when the store cannot answer, or holds a record that it cannot read. An unknown session is
    /// not an error.
    fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// The true last activity and idle deadline of a living session; `None` as for [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Activity>, StoreError>> + Send;

    /// Records uses of sessions: one answer per touch, in their order.
    ///
    /// For each living session: last activity moves forward to the time of the use; if less than
    /// [`extend_below`](Touch::extend_below) is left until the idle deadline, that moves forward to
    /// `min(use + idle_ttl, absolute deadline)`; the greatest [`rotation`](Touch::rotation) is kept, for
    /// [`rotate`](Self::rotate). Nothing ever moves back. A session that has ended stays ended, pruned or not. Each touch is atomic by itself, the batch need not be.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write; any part of the batch may then have been done,
    /// and all of it may be handed in again.
    fn touch(
        &self,
        touches: &[Touch],
    ) -> impl Future<Output = Result<Vec<Touched>, StoreError>> + Send;

    /// Replaces the payload of a living session if its revision is still `expected`; its deadlines stay.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The payload may then be replaced or not.
    fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> impl Future<Output = Result<Updated, StoreError>> + Send;

    /// Replaces the payloads of *all* living sessions of a user, in one step, and the login guard with them: a login
    /// that is under way may have read what is changed here. Deadlines stay.
    ///
    /// The replacements must be for exactly the living sessions, each at its present revision; else nothing is changed,
    /// and the guard stays. They may come in any order. Uses of a session do not change its revision.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update). A record that cannot be read is one as well: its session might go on as it was.
    fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> impl Future<Output = Result<UpdatedAll, StoreError>> + Send;

    /// Exchanges a refresh token for the next: of all calls with one token, one moves the [counter](Rotation::counter).
    ///
    /// Of a living session that was made with [this salt](NewRecord::salt):
    ///
    /// - the present counter: it moves on by one, and the revision with it. That is a use of the session: last activity
    ///   is now, and the idle deadline moves forward to `min(now + idle_ttl, absolute deadline)`;
    /// - the one before, at most [`grace`](Rotate::grace) after it was replaced (with a grace of zero never): nothing
    ///   changes. A clock that was set back meanwhile is not held against it;
    /// - the one before, at most [`retry`](Rotate::retry) after it was replaced, while no touch has recorded the present
    ///   counter as its [`rotation`](Touch::rotation): nothing changes;
    /// - any other lower one: the session ends, as [`delete`](Self::delete) would end it.
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

    /// Ends a session, and remembers why while its token could be shown (24 hours at most). Tells whether it lived.
    ///
    /// Idempotent: ending what has ended is `false`, and the first reason stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The session may then live on or not: a caller
    /// must not report success.
    fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends all sessions of one user but `keep`, in one step: all of them if `keep` is none of them. Returns those that lived.
    ///
    /// Replaces the login guard (also when there is no session), and keeps the new one for 24 hours at least: a login
    /// that is under way does not survive. A change of password also replaces the [password epoch](Guard::password_epoch).
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    fn delete_all(
        &self,
        user: &UserId,
        keep: Option<&SessionId>,
        reason: EndReason,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// Ends sessions as [`delete`](Self::delete) or [`delete_all`](Self::delete_all) does, and tells whether the store's
    /// replicas have it. Those two by default, with [`Replicas::NotAsked`].
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete). Replicas that do not have it are no error.
    fn revoke(
        &self,
        user: &UserId,
        what: &Revoke,
        reason: EndReason,
    ) -> impl Future<Output = Result<Revoked, StoreError>> + Send {
        async move {
            let sessions = match what {
                Revoke::One(id) => {
                    let lived = self.delete(user, id, reason).await?;
                    lived.then(|| id.clone()).into_iter().collect()
                }
                Revoke::All => self.delete_all(user, None, reason).await?,
                Revoke::AllBut(keep) => self.delete_all(user, Some(keep), reason).await?,
            };
            Ok(Revoked::new(sessions, Replicas::NotAsked))
        }
    }

    /// How much longer than other verbs [`revoke`](Self::revoke) may take, because it waits for replicas. The manager
    /// adds it to its own time limit. Zero by default.
    fn revoke_wait(&self) -> Duration {
        Duration::ZERO
    }

    /// All living sessions of one user, in no particular order. A record that cannot be read is left out (and logged).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn list(&self, user: &UserId) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;

    /// Some of all living sessions: `limit` at most (0 is taken for 1, and a store may have a greatest length of its
    /// own), from where an earlier page ended. `None` when `from` is no position of this store.
    ///
    /// A session that lives from the beginning of a walk to its end is on one of its pages at least; one that comes or
    /// goes meanwhile may be on one or not, and a remote store may show one twice. No page takes long: a store that has
    /// looked for some milliseconds answers with what it has, also with nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn scan(
        &self,
        from: Option<&Position>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send;

    /// As [`list`](Self::list), errors included, for a caller that reads payloads to their first line feed only: a store
    /// may cut off what follows it, in a payload of the manager the application's data. By default nothing is cut off.
    fn list_heads(
        &self,
        user: &UserId,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send {
        self.list(user)
    }

    /// As [`scan`](Self::scan), errors included, with payloads as those of [`list_heads`](Self::list_heads).
    fn scan_heads(
        &self,
        from: Option<&Position>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send {
        self.scan(from, limit)
    }

    /// Frees expired sessions in one part of the store, and tells how many; `None` when `from` is no position of this
    /// store. Living sessions are left alone, and so are reasons that are still known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write.
    fn cleanup(
        &self,
        from: Option<&Position>,
    ) -> impl Future<Output = Result<Option<Cleaned>, StoreError>> + Send;

    /// Why a session was ended, if it was ended with a reason and the store still knows (at least the newest 64 of a
    /// user). Asked only for sessions that [`load`](Self::load) does not find.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn ended(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<EndReason>, StoreError>> + Send;

    /// Counts an attempt before it is made, or refuses it: of any number at once exactly as many are counted as
    /// [`rule`](AttemptRule) has room for. Attempts have nothing to do with sessions, and all instances share them.
    ///
    /// `None`, the default, is a store that does not count: each process then counts by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The attempt may then be counted or not, and must
    /// not be made.
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
    /// [`StoreError`] when the store cannot answer or refuses to write. The attempt then counts as one that failed.
    fn settle(
        &self,
        key: &AttemptKey,
        settle: Settle,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (key, settle);
        std::future::ready(Ok(()))
    }

    /// What the store does now and then: free what has expired, compare clocks. The background worker calls it about
    /// once a second. Does nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn upkeep(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }

    /// What the store's operator should know: what is wrong and how to put it right, one sentence each, without an
    /// address. The background worker logs it once, after its first [`upkeep`](Self::upkeep). A store that is asked again
    /// need not repeat itself. Nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; the worker then asks again later.
    fn warnings(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Asks the store whether it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not.
    fn health(&self) -> impl Future<Output = Result<StoreHealth, StoreError>> + Send;

    /// What lets a process remember what it has read here. `None`, the default, is a store that each request asks.
    /// Called once for each manager. No I/O.
    fn tracking(&self) -> Option<Tracking> {
        None
    }

    /// Tells the store the token issuer of a manager over it. No I/O; does nothing by default.
    fn used_by(&self, _issuer: &str) {}

    /// What kind of store this is, for health reports: `"memory"`, `"redis"`.
    fn kind(&self) -> &'static str;
}
