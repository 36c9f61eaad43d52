//! The inputs and results of store operations.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use super::rotation::{Rotation, Salt};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};

/// The data of a new session.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewRecord {
    /// How long the session lives if it is not used. More than zero.
    pub idle_ttl: Duration,
    /// How long the session lives at most. More than zero.
    pub lifetime: Duration,
    /// The content of the session. The store keeps it byte for byte and never reads it.
    pub payload: Bytes,
    /// The session limit of the user; the new session is counted too. `None`: no limit.
    pub limit: Option<SessionLimit>,
    /// The login fence that the login has read. If the user's fence is different now, the store
    /// refuses the creation. `None`: the store does not compare fences.
    pub login_fence: Option<FenceValue>,
    /// The length of the window in which the store counts the sessions that the user creates.
    /// [`Opened::recent`] reports the count. A refused creation is not counted. `None`: the store
    /// does not count this creation.
    pub count_within: Option<Duration>,
    /// The salt of the session's refresh tokens, for [`rotate`](super::SessionStore::rotate).
    /// `None`: the session has no refresh tokens.
    pub salt: Option<Salt>,
}

impl NewRecord {
    /// Creates a record for [`create`](super::SessionStore::create), without session limit, login
    /// fence, count of creations and refresh tokens.
    #[must_use]
    pub fn new(idle_ttl: Duration, lifetime: Duration, payload: Bytes) -> Self {
        Self {
            idle_ttl,
            lifetime,
            payload,
            limit: None,
            login_fence: None,
            count_within: None,
            salt: None,
        }
    }
}

/// The session limit: how many live sessions one user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimit {
    /// The maximum number of live sessions.
    pub max: NonZeroU32,
    /// What happens when a login would exceed the maximum.
    pub when_full: WhenFull,
    /// The number of logins for which one eviction makes room, including the current login. With 1,
    /// the default, the store evicts only as many sessions as the current login needs. To make
    /// room, the store reads all sessions of the user. So if `max` is large, a higher value saves
    /// work.
    pub room: NonZeroU32,
}

impl SessionLimit {
    /// A limit that makes room for one login at a time.
    #[must_use]
    pub const fn new(max: NonZeroU32, when_full: WhenFull) -> Self {
        Self { max, when_full, room: NonZeroU32::MIN }
    }

    /// Sets for how many logins one eviction makes room. A value above `max` is reduced to `max`.
    #[must_use]
    pub const fn room(self, room: NonZeroU32) -> Self {
        Self { room: if room.get() > self.max.get() { self.max } else { room }, ..self }
    }
}

/// What happens when a login would exceed the session limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum WhenFull {
    /// The store evicts the sessions with the oldest last activity, with the reason
    /// [`Evicted`](crate::reason::RevokeReason::Evicted). If several have the same last activity,
    /// it evicts the one that was created first.
    EvictLeastRecentlyActive,
    /// The store refuses the login.
    Refuse,
}

/// The login fence of a user, together with the user's password epoch, as
/// [`login_fence`](super::SessionStore::login_fence) returns them. The value of the fence changes
/// when logins in progress must fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceValue {
    value: Option<Box<str>>,
    password_epoch: Option<Box<str>>,
}

impl FenceValue {
    /// A fence with this value. `None`: the user has no fence now.
    #[must_use]
    pub fn new(value: Option<&str>) -> Self {
        Self { value: value.map(Box::from), password_epoch: None }
    }

    /// Adds the user's password epoch. Only a [`revoke`](super::SessionStore::revoke) of all
    /// sessions with the reason [`PasswordChange`](crate::reason::RevokeReason::PasswordChange)
    /// replaces the epoch. A device cookie that was issued in another epoch is invalid. `None`
    /// means that no password change is known. A store keeps an epoch for [`PASSWORD_EPOCH_LIFE`].
    #[must_use]
    pub fn with_password_epoch(mut self, epoch: Option<&str>) -> Self {
        self.password_epoch = epoch.map(Box::from);
        self
    }

    /// Returns the user's password epoch, if there is one.
    #[must_use]
    pub fn password_epoch(&self) -> Option<&str> {
        self.password_epoch.as_deref()
    }

    /// Returns the value of the fence, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

/// How long a store keeps a user's password epoch: 181 days. A device cookie lives for at most 180
/// days. So when the store removes an epoch, all device cookies from before that epoch have
/// expired.
pub const PASSWORD_EPOCH_LIFE: Duration = Duration::from_secs(181 * 24 * 60 * 60);

/// A live session as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// 1 at creation. Every update and every rotation adds one.
    pub revision: u64,
    /// The time of creation.
    pub created: Timestamp,
    /// How long the session lives if it is not used.
    pub idle_ttl: Duration,
    /// The session lives at least until this time, unless it is revoked. The true idle deadline may
    /// be later: see [`load`](super::SessionStore::load).
    pub idle_deadline: Timestamp,
    /// The session lives at most until this time.
    pub absolute_deadline: Timestamp,
    /// The content of the session.
    pub payload: Bytes,
    /// The state of the session's refresh tokens. `None` if the session was created without a salt.
    pub rotation: Option<Rotation>,
}

impl Record {
    /// Creates a record of a session without refresh tokens, as [`load`](super::SessionStore::load)
    /// returns it.
    #[must_use]
    pub fn new(
        revision: u64,
        created: Timestamp,
        idle_ttl: Duration,
        idle_deadline: Timestamp,
        absolute_deadline: Timestamp,
        payload: Bytes,
    ) -> Self {
        Self {
            revision,
            created,
            idle_ttl,
            idle_deadline,
            absolute_deadline,
            payload,
            rotation: None,
        }
    }

    /// Adds the state of the session's refresh tokens.
    #[must_use]
    pub fn rotation(self, rotation: Rotation) -> Self {
        Self { rotation: Some(rotation), ..self }
    }
}

// `Debug` shows the size of a payload only: payloads hold names, addresses and application data.
impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle_ttl, lifetime, payload, limit, login_fence, count_within, salt } = self;
        f.debug_struct("NewRecord")
            .field("idle_ttl", idle_ttl)
            .field("lifetime", lifetime)
            .field("payload_bytes", &payload.len())
            .field("limit", limit)
            .field("login_fence", login_fence)
            .field("count_within", count_within)
            .field("salt", salt)
            .finish()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            revision,
            created,
            idle_ttl,
            idle_deadline,
            absolute_deadline,
            payload,
            rotation,
        } = self;
        f.debug_struct("Record")
            .field("revision", revision)
            .field("created", created)
            .field("idle_ttl", idle_ttl)
            .field("idle_deadline", idle_deadline)
            .field("absolute_deadline", absolute_deadline)
            .field("payload_bytes", &payload.len())
            .field("rotation", rotation)
            .finish()
    }
}

/// The result of [`create`](super::SessionStore::create).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all four")]
pub enum Created {
    /// The session was created.
    Created(Opened),
    /// The id is in use. Nothing was changed.
    AlreadyExists,
    /// The user has reached the session limit. Nothing was changed.
    LimitReached,
    /// The user's login fence is not the one that the caller passed. Nothing was changed.
    Superseded,
}

/// The result of a successful creation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The time of creation.
    pub at: Timestamp,
    /// The sessions that were evicted to make room, in the order of their eviction.
    pub evicted: Vec<SessionId>,
    /// The number of sessions that this user has created in the current window, including the new
    /// one. 0 if [`NewRecord::count_within`] is `None`. A window has the length of `count_within`.
    /// It starts with the first creation after the end of the previous window.
    pub recent: u32,
}

impl Opened {
    /// Creates a result for a session created at `at`: nothing was evicted, and the creation was
    /// not counted.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { at, evicted: Vec::new(), recent: 0 }
    }
}

/// The result of [`update`](super::SessionStore::update).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all three")]
pub enum Updated {
    /// The payload was replaced. Holds the new revision.
    Written(u64),
    /// The session has another revision, because a concurrent change came first. Nothing was
    /// changed.
    Conflict,
    /// The session is not live. Nothing was changed.
    Gone,
}

/// The new payload of one session, for [`update_all`](super::SessionStore::update_all).
#[derive(Clone)]
#[non_exhaustive]
pub struct Replacement {
    /// The id of the session.
    pub id: SessionId,
    /// The revision that the session must still have.
    pub expected: u64,
    /// The new payload.
    pub payload: Bytes,
}

impl Replacement {
    /// Creates a new payload for a session that must still have the revision `expected`.
    #[must_use]
    pub fn new(id: SessionId, expected: u64, payload: Bytes) -> Self {
        Self { id, expected, payload }
    }
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, expected, payload } = self;
        f.debug_struct("Replacement")
            .field("id", id)
            .field("expected", expected)
            .field("payload_bytes", &payload.len())
            .finish()
    }
}

/// The result of [`update_all`](super::SessionStore::update_all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle both")]
pub enum UpdatedAll {
    /// All payloads were replaced.
    Written,
    /// The live sessions or their revisions differ from the replacements. Nothing was changed.
    Conflict,
}

/// The last activity and the idle deadline of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// The latest recorded time at which the session was used. By default, each process records
    /// this at most once in 60 s per session.
    pub last_activity: Timestamp,
    /// The session expires at this time unless it is used before.
    pub idle_deadline: Timestamp,
}

impl Activity {
    /// Creates a result of [`activity`](super::SessionStore::activity).
    #[must_use]
    pub fn new(last_activity: Timestamp, idle_deadline: Timestamp) -> Self {
        Self { last_activity, idle_deadline }
    }
}

/// Tells the store that a session was used: one element of [`touch`](super::SessionStore::touch).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// The user of the session.
    pub user: UserId,
    /// The id of the session.
    pub id: SessionId,
    /// How long ago the session was used, at the time of the call. With this age, a touch that was
    /// delayed by a store outage still records the correct time.
    pub age: Duration,
    /// The idle deadline moves only if the time that remains until the deadline is less than this.
    pub extend_below: Duration,
    /// The [counter](super::Rotation::counter) of the refresh token that was issued together with
    /// the request's access token. The request proves that the client has received that refresh
    /// token. `None`: the touch records no counter.
    pub rotation: Option<u64>,
}

impl Touch {
    /// Creates a touch of a session that was used `age` ago, without [`rotation`](Self::rotation).
    #[must_use]
    pub fn new(user: UserId, id: SessionId, age: Duration, extend_below: Duration) -> Self {
        Self { user, id, age, extend_below, rotation: None }
    }
}

/// The result of one [`Touch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle both")]
pub enum Touched {
    /// The session is live. It lives at least until this idle deadline, unless it is revoked.
    Lives(Timestamp),
    /// The session is not live. Nothing was changed.
    Ended,
}

/// The health of a store, as the store reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreHealth {
    /// The version of the server, if there is a server.
    pub version: Option<String>,
    /// Whether the store accepts writes now. For example, a store that is out of memory answers
    /// reads but refuses writes.
    pub writable: bool,
}

impl StoreHealth {
    /// Creates the health of a store that answers and accepts writes.
    #[must_use]
    pub fn new(version: Option<String>) -> Self {
        Self { version, writable: true }
    }

    /// Sets whether the store accepts writes.
    #[must_use]
    pub fn writable(self, writable: bool) -> Self {
        Self { writable, ..self }
    }
}
