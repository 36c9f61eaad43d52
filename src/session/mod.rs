//! The session that an application sees, the description of a new session, and the stored content.

mod content;
mod edit;
mod new;
mod role;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::coherence::{Tick, Validity};
use crate::directory::Role;
use crate::id::{SessionId, UserId};
use crate::store::Record;
use crate::telemetry::events::Events;
use crate::token::VerifiedClaims;

pub(crate) use self::content::{Content, StoredContent, StoredSizes, Undecodable, same_payload};
pub use self::edit::SessionEdit;
pub use self::new::{LoginFence, NewSession};
pub(crate) use self::role::role_of;

/// Types of data that an application can keep in its sessions: all types that serde can write as
/// JSON and read back.
///
/// The trait is implemented for every such type. `()` is the default and stores nothing. If the
/// type changes so that stored data cannot be read any more, the sessions with such data are
/// rejected (401, and an error in the log). To avoid that, give new fields `#[serde(default)]`.
///
/// By default, the data are limited to 16 KiB of JSON: see
/// [`session_data_limit`](crate::manager::SessionManagerBuilder::session_data_limit). The near
/// cache assumes that decoded data take 8 times as much memory as their JSON, unless
/// [`near_cache_data_size`](crate::manager::SessionManagerBuilder::near_cache_data_size) computes
/// their size.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the data of a session",
    label = "must implement `Serialize`, `DeserializeOwned`, `Send` and `Sync`",
    note = "derive them: `#[derive(serde::Serialize, serde::Deserialize)]`; a borrowed field such as \
            `&str` must become an owned one such as `String`"
)]
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for T {}

/// A session that was live when it was read. Cheap to clone.
///
/// [`SessionAuthLayer`](crate::SessionAuthLayer) puts the session into the request's extensions.
/// With the feature `axum`, `Session` is an extractor. The user's data come from the store. The
/// role comes from the store or the user directory. Neither comes from the token.
///
/// Behind a layer, the session may come from the near cache. The session was then read from the
/// store at most [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after) ago,
/// and the store has reported no change since. Values that depend on the time of the read
/// ([`last_activity`](Self::last_activity), [`ttl`](Self::ttl)) are the values at that time.
///
/// All times are on the store's clock.
pub struct Session<D = ()> {
    shared: Arc<Shared<D>>,
    /// The store could not be asked whether the session is still live.
    stale: bool,
}

/// Identifies one read of a session: the address in memory of the part that its clones share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionAddress(usize);

/// The part of a [`Session`] that its clones share. It is one allocation, because each request
/// clones and drops it. `repr(C)` keeps `validity` first, next to the reference counts: a cache hit
/// reads both.
#[repr(C)]
struct Shared<D> {
    validity: Option<Validity>,
    state: State<D>,
    claims: Option<VerifiedClaims>,
}

/// The state of a session when it was read.
pub(crate) struct State<D> {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    pub(crate) revision: u64,
    pub(crate) created: Timestamp,
    pub(crate) last_activity: Timestamp,
    pub(crate) idle_ttl: Duration,
    pub(crate) idle_deadline: Timestamp,
    pub(crate) absolute_deadline: Timestamp,
    /// The store's time of the read.
    pub(crate) read: Timestamp,
    /// The time of the read on this host's monotonic clock.
    pub(crate) read_at: Tick,
    /// Shared by all sessions that were read from the same payload.
    pub(crate) stored: Arc<StoredContent<D>>,
    /// The user directory's answer about the user's role. It takes precedence over the stored role.
    pub(crate) directory_role: Role,
    pub(crate) events: Events,
}

impl<D> State<D> {
    // A method instead of `Clone`, so that a copy is always deliberate. Copies are rare.
    fn copy(&self) -> Self {
        Self {
            user: self.user.clone(),
            id: self.id.clone(),
            stored: Arc::clone(&self.stored),
            directory_role: self.directory_role.clone(),
            events: self.events.clone(),
            ..*self
        }
    }

    /// Returns whether this state equals the store's record. The idle deadline of this state may
    /// also be later, because the record's deadline is only a lower bound.
    pub(crate) fn is_of(&self, record: &Record) -> bool {
        self.revision == record.revision
            && self.created == record.created
            && self.idle_ttl == record.idle_ttl
            && self.absolute_deadline == record.absolute_deadline
            && self.idle_deadline >= record.idle_deadline
            && self.stored.payload == record.payload
    }
}

impl<D> Session<D> {
    /// Creates a session for which no token was presented.
    pub(crate) fn new(state: State<D>) -> Self {
        Self::from(Shared { state, claims: None, validity: None })
    }

    /// Creates a session for which a token was presented. `validity` decides whether later requests may
    /// use it.
    pub(crate) fn shown(
        state: State<D>,
        claims: VerifiedClaims,
        validity: Option<Validity>,
    ) -> Self {
        Self::from(Shared { state, claims: Some(claims), validity })
    }

    fn from(shared: Shared<D>) -> Self {
        Self { shared: Arc::new(shared), stale: false }
    }

    /// Returns a copy of this session, changed by `change`.
    pub(crate) fn with_state(&self, change: impl FnOnce(&mut State<D>)) -> Self {
        let Shared { validity, state, claims } = &*self.shared;
        let mut state = state.copy();
        change(&mut state);
        let shared = Shared { validity: validity.clone(), state, claims: claims.clone() };
        Self { shared: Arc::new(shared), stale: self.stale }
    }

    /// Returns the same session, marked as stale: the store could not be asked about it.
    pub(crate) fn stale(self) -> Self {
        Self { stale: true, ..self }
    }

    pub(crate) fn validity(&self) -> Option<&Validity> {
        self.shared.validity.as_ref()
    }

    fn content(&self) -> &Content<D> {
        &self.shared.state.stored.content
    }

    /// Returns an estimate of the memory of this session in bytes, without the content that
    /// sessions share.
    pub(crate) fn own_size(&self) -> usize {
        let claims = self.shared.claims.as_ref().map_or(0, VerifiedClaims::heap_size);
        let role = self.shared.state.directory_role.name().map_or(0, str::len);
        size_of::<Shared<D>>() + claims + role
    }

    pub(crate) fn state(&self) -> &State<D> {
        &self.shared.state
    }

    /// Identifies this read of a session: a session and its clones return the same value. The value
    /// is unique while the session or one of its clones exists.
    pub(crate) fn address(&self) -> SessionAddress {
        SessionAddress(Arc::as_ptr(&self.shared).addr())
    }

    /// Returns the user who owns the session.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.shared.state.user
    }

    /// Returns the session's public id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.shared.state.id
    }

    /// Returns the user's display name, as set at the login or by the last update.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.content().user_name.as_deref()
    }

    /// Returns the user's e-mail address, as set at the login or by the last update.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.content().email.as_deref()
    }

    /// Returns the user's role. `None` means no role: there is no default role.
    ///
    /// By default, this is the session's role. With
    /// [`directory_roles`](crate::manager::SessionManagerBuilder::directory_roles), the user
    /// directory can name another role: see [Roles](crate::directory#roles).
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.content().role_by(&self.shared.state.directory_role)
    }

    /// Returns whether the session was marked as [narrowed](NewSession::narrowed) at its login.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.content().narrowed
    }

    /// Returns the address that the login came from.
    #[must_use]
    pub fn ip_address(&self) -> Option<IpAddr> {
        self.content().ip_address
    }

    /// Returns the user agent of the client at the login, cut to [`NewSession::USER_AGENT_LEN`]
    /// bytes.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.content().user_agent.as_deref()
    }

    /// Returns the application's own data.
    #[must_use]
    pub fn data(&self) -> &D {
        &self.content().data
    }

    /// Returns when the session was created.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.shared.state.created
    }

    /// Returns when the user last authenticated: at the login or at a later reauthentication.
    ///
    /// At first this is the same as [`created`](Self::created).
    #[must_use]
    pub fn authenticated_at(&self) -> Timestamp {
        self.content().authenticated_at.unwrap_or(self.shared.state.created)
    }

    /// Returns the authentication context class of the last login or reauthentication (`acr`, RFC
    /// 9470 section 3), if the application set one.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.content().acr.as_deref()
    }

    /// Returns the methods by which the user last authenticated (`amr`, RFC 8176), if the
    /// application set them.
    #[must_use]
    pub fn amr(&self) -> &[String] {
        &self.content().amr
    }

    /// Sets the revision that a write has just returned. Call it before the session is cloned: it
    /// has no effect on a session with clones.
    pub(crate) fn revised(&mut self, revision: u64) {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.state.revision = revision;
        }
    }

    /// Returns the current time on the store's clock: the time of the read, plus the time since the
    /// read if the session may come from the near cache.
    pub(crate) fn store_now(&self) -> Timestamp {
        let Shared { state: State { read, read_at, .. }, validity, .. } = &*self.shared;
        let age = validity.as_ref().map_or(Duration::ZERO, |_| Tick::now().since(*read_at));
        read.saturating_add(age)
    }

    /// Returns whether the session is stale: the store could not be asked, and the session comes
    /// from the near cache of this process.
    ///
    /// A session is stale only behind a layer with
    /// [`FailurePolicy::ServeStale`](crate::FailurePolicy::ServeStale).
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Returns the destination of events about this session.
    pub(crate) fn events(&self) -> &Events {
        &self.shared.state.events
    }

    /// Returns when the session was last used.
    ///
    /// On a session from [`SessionManager::get`] the value is exact to the touch interval (60 s by
    /// default). On a session from the layer the value is a lower bound: the latest use that this
    /// process knows without a further store call.
    ///
    /// [`SessionManager::get`]: crate::SessionManager::get
    #[must_use]
    pub fn last_activity(&self) -> Timestamp {
        self.shared.state.last_activity
    }

    /// Returns the idle deadline: an unused session expires at this time.
    ///
    /// On a session from the layer the value is a lower bound, like
    /// [`last_activity`](Self::last_activity).
    #[must_use]
    pub fn idle_deadline(&self) -> Timestamp {
        self.shared.state.idle_deadline
    }

    /// Returns how long the session lives without being used.
    #[must_use]
    pub fn idle_ttl(&self) -> Duration {
        self.shared.state.idle_ttl
    }

    /// Returns the absolute deadline: the session expires at this time even if it is used.
    #[must_use]
    pub fn absolute_deadline(&self) -> Timestamp {
        self.shared.state.absolute_deadline
    }

    /// Returns how long the session lives without further use, counted from the time of the read.
    /// It ends at its idle deadline or its absolute deadline, whichever comes first.
    ///
    /// On a session from the layer the value is a lower bound, like
    /// [`last_activity`](Self::last_activity).
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.shared
            .state
            .idle_deadline
            .min(self.shared.state.absolute_deadline)
            .saturating_since(self.shared.state.read)
    }

    /// Returns the revision: 1 at creation, and one more after each change of the content and after
    /// each rotation of the refresh token.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.shared.state.revision
    }

    /// Returns the claims of the access token of this request; `None` on a session for which no
    /// token was presented.
    #[must_use]
    pub fn claims(&self) -> Option<&VerifiedClaims> {
        self.shared.claims.as_ref()
    }
}

// By hand, because a derive would require `D: Clone`.
impl<D> Clone for Session<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), stale: self.stale }
    }
}

// Names and addresses of people stay out of logs. The remaining fields identify the session.
impl<D> fmt::Debug for Session<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", self.user_id())
            .field("id", self.id())
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
