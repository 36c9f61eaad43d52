//! What goes into a store and what comes out.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use super::rotation::{Rotation, Salt};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};

/// What a new session consists of.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewRecord {
    /// How long the session lives without being used. More than zero.
    pub idle_ttl: Duration,
    /// How long the session lives at most. More than zero.
    pub lifetime: Duration,
    /// The session's content. The store keeps it byte for byte and never reads it.
    pub payload: Bytes,
    /// How many living sessions the user may have, this one included. `None` is any number.
    pub limit: Option<SessionLimit>,
    /// The session is made only if the user's login guard still is this one. `None` does not ask.
    pub guard: Option<Guard>,
    /// Counts this user's creations within this time, for [`Opened::recent`]. `None` counts nothing, this one included.
    pub count_within: Option<Duration>,
    /// The session's refresh tokens can be exchanged ([`rotate`](super::SessionStore::rotate)): this is their salt.
    pub salt: Option<Salt>,
}

impl NewRecord {
    /// A record to hand to [`create`](super::SessionStore::create): without limit, guard, counting and refresh tokens.
    #[must_use]
    pub fn new(idle_ttl: Duration, lifetime: Duration, payload: Bytes) -> Self {
        Self {
            idle_ttl,
            lifetime,
            payload,
            limit: None,
            guard: None,
            count_within: None,
            salt: None,
        }
    }
}

/// How many living sessions one user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimit {
    /// The greatest number of living sessions.
    pub max: NonZeroU32,
    /// What a login does that would be one too many.
    pub when_full: WhenFull,
    /// For how many logins a full user makes room at once, this one included. With 1, the default, no
    /// session ends before it must. More saves work where `max` is large: to make room, a store looks at
    /// all sessions of the user.
    pub room: NonZeroU32,
}

impl SessionLimit {
    /// A limit that makes room for one login at a time.
    #[must_use]
    pub const fn new(max: NonZeroU32, when_full: WhenFull) -> Self {
        Self { max, when_full, room: NonZeroU32::MIN }
    }

    /// The same, making room for `room` logins at once; at most for `max`.
    #[must_use]
    pub const fn room(self, room: NonZeroU32) -> Self {
        Self { room: if room.get() > self.max.get() { self.max } else { room }, ..self }
    }
}

/// What a login does that would be one session too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum WhenFull {
    /// It ends the sessions that were used least recently (of those used at the same time, the one that was created
    /// first), with the reason [`Evicted`](crate::reason::EndReason::Evicted).
    EvictLeastRecentlyActive,
    /// It is refused.
    Refuse,
}

/// A user's login guard, as [`guard`](super::SessionStore::guard) read it: a value that changes whenever logins that
/// are under way must not succeed any more. It comes with the user's password epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    value: Option<Box<str>>,
    password_epoch: Option<Box<str>>,
}

impl Guard {
    /// A guard with this value; `None` where there is none now.
    #[must_use]
    pub fn new(value: Option<&str>) -> Self {
        Self { value: value.map(Box::from), password_epoch: None }
    }

    /// Adds the user's password epoch: a value that a [`delete_all`](super::SessionStore::delete_all) with the reason
    /// [`PasswordChange`](crate::reason::EndReason::PasswordChange) replaces, and nothing else does. `None` where no
    /// password change is known. A store keeps it for [`PASSWORD_EPOCH_LIFE`]; device cookies that were issued in another
    /// epoch are void.
    #[must_use]
    pub fn with_password_epoch(mut self, epoch: Option<&str>) -> Self {
        self.password_epoch = epoch.map(Box::from);
        self
    }

    /// The user's password epoch.
    #[must_use]
    pub fn password_epoch(&self) -> Option<&str> {
        self.password_epoch.as_deref()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

/// How long a store remembers that a user's password was changed: 181 days, a day longer than a device cookie can be good.
/// So where a store knows of no password change, no device cookie from before one is still good.
pub const PASSWORD_EPOCH_LIFE: Duration = Duration::from_secs(181 * 24 * 60 * 60);

/// A living session as the store has it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// 1 when created, one more with every update and every exchange of a refresh token.
    pub revision: u64,
    /// When it was created.
    pub created: Timestamp,
    /// How long it lives without being used.
    pub idle_ttl: Duration,
    /// It lives at least this long if it is not ended; it may live longer (see [`load`](super::SessionStore::load)).
    pub idle_deadline: Timestamp,
    /// It lives no longer than this.
    pub absolute_deadline: Timestamp,
    /// The session's content.
    pub payload: Bytes,
    /// How far its refresh tokens have come, if it was made with a salt.
    pub rotation: Option<Rotation>,
}

impl Record {
    /// A record as [`load`](super::SessionStore::load) returns it, of a session without refresh tokens.
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

    /// The same with refresh tokens that have come this far.
    #[must_use]
    pub fn rotation(self, rotation: Rotation) -> Self {
        Self { rotation: Some(rotation), ..self }
    }
}

// Payloads hold names, addresses and the application's own data: sizes are enough for a log.
impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle_ttl, lifetime, payload, limit, guard, count_within, salt } = self;
        f.debug_struct("NewRecord")
            .field("idle_ttl", idle_ttl)
            .field("lifetime", lifetime)
            .field("payload_bytes", &payload.len())
            .field("limit", limit)
            .field("guard", guard)
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

/// What came of [`create`](super::SessionStore::create).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all four")]
pub enum Created {
    /// It lives.
    Created(Opened),
    /// The id is taken; nothing was changed.
    AlreadyExists,
    /// The user has as many living sessions as allowed; nothing was changed.
    LimitReached,
    /// The login guard is not the one that was expected; nothing was changed.
    Superseded,
}

/// A session that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// It lives since this point in time.
    pub at: Timestamp,
    /// The sessions that had to make room for it, in the order in which they ended.
    pub evicted: Vec<SessionId>,
    /// How many sessions this user has opened within [`NewRecord::count_within`], this one included; 0 where nothing is
    /// counted. A window begins with the first creation after the one before has ended.
    pub recent: u32,
}

impl Opened {
    /// A session that lives since `at`, made room for by nobody, and not counted.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { at, evicted: Vec::new(), recent: 0 }
    }
}

/// What came of [`update`](super::SessionStore::update).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle all three")]
pub enum Updated {
    /// The payload was replaced; this is the new revision.
    Written(u64),
    /// Somebody else was faster; nothing was changed.
    Conflict,
    /// The session has ended; nothing was changed.
    Gone,
}

/// The next payload of one session, for [`update_all`](super::SessionStore::update_all).
#[derive(Clone)]
#[non_exhaustive]
pub struct Replacement {
    /// Which session.
    pub id: SessionId,
    /// The revision that it must still have.
    pub expected: u64,
    /// Its next payload.
    pub payload: Bytes,
}

impl Replacement {
    /// The next payload of a session that must still have the revision `expected`.
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

/// What came of [`update_all`](super::SessionStore::update_all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle both")]
pub enum UpdatedAll {
    /// All payloads were replaced.
    Written,
    /// The living sessions are not exactly those, at those revisions; nothing was changed.
    Conflict,
}

/// When a session was used last, and how long it lives unless it is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// The latest use that was recorded. Uses are recorded now and then, not each (60 s apart by default).
    pub last_activity: Timestamp,
    /// The session ends here if it is not used.
    pub idle_deadline: Timestamp,
}

impl Activity {
    /// An answer of [`activity`](super::SessionStore::activity).
    #[must_use]
    pub fn new(last_activity: Timestamp, idle_deadline: Timestamp) -> Self {
        Self { last_activity, idle_deadline }
    }
}

/// One use of a session, on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// Whose session.
    pub user: UserId,
    /// Which session.
    pub id: SessionId,
    /// How long ago it was used. A store that was away for a while does not make a use newer than it was.
    pub age: Duration,
    /// The idle deadline is moved only when less than this is left until it.
    pub extend_below: Duration,
    /// The [number](super::Rotation::counter) of the refresh token that came with the access token that
    /// was used: its client has both. `None` records nothing.
    pub rotation: Option<u64>,
}

impl Touch {
    /// A use of a session, `age` ago, with no [`rotation`](Self::rotation).
    #[must_use]
    pub fn new(user: UserId, id: SessionId, age: Duration, extend_below: Duration) -> Self {
        Self { user, id, age, extend_below, rotation: None }
    }
}

/// What came of one [`Touch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle both")]
pub enum Touched {
    /// It lives, at least until this idle deadline.
    Lives(Timestamp),
    /// It has ended; nothing was changed.
    Ended,
}

/// What a store tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreHealth {
    /// The server's version, where there is a server.
    pub version: Option<String>,
    /// Whether it takes writes now. A store that is out of memory, for instance, answers reads only.
    pub writable: bool,
}

impl StoreHealth {
    /// A store that answers and takes writes.
    #[must_use]
    pub fn new(version: Option<String>) -> Self {
        Self { version, writable: true }
    }

    /// The same, and whether it takes writes.
    #[must_use]
    pub fn writable(self, writable: bool) -> Self {
        Self { writable, ..self }
    }
}
