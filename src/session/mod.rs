//! The session an application sees, how a login describes a new one, and how its content is stored.

mod content;
mod edit;
mod new;
mod role;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::coherence::{Kept, Tick};
use crate::directory::Role;
use crate::events::Events;
use crate::id::{SessionId, UserId};
use crate::store::Record;
use crate::token::VerifiedClaims;

pub(crate) use self::content::{Content, StoredContent, StoredSizes, Undecodable, same_payload};
pub use self::edit::SessionEdit;
pub use self::new::{LoginGuard, NewSession};
pub(crate) use self::role::role_of;

/// What an application may keep in its sessions: anything that goes to JSON and back.
///
/// Implemented for every such type. `()` is the default and keeps nothing. A change of the type that old records do not
/// fit ends those sessions (401, and an error in the log): give new fields `#[serde(default)]`.
///
/// At most 16 KiB of JSON, see [`session_data_limit`](crate::SessionManagerBuilder::session_data_limit). The near cache takes
/// data for 8 times as large in memory, unless
/// [`near_cache_data_size`](crate::SessionManagerBuilder::near_cache_data_size) says how large they are.
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for T {}

/// A session that was live when it was read. Cheap to clone.
///
/// [`SessionAuthLayer`](crate::SessionAuthLayer) puts it into the request's extensions; with the feature `axum` it is an
/// extractor. Who the user is and which role they have comes from the store, never from the token.
///
/// Behind a layer it may have been read a while ago, up to
/// [`revalidate_after`](crate::SessionManagerBuilder::revalidate_after), if the store has told of no change since: what
/// depends on when that was ([`last_activity`](Self::last_activity), [`ttl`](Self::ttl)) is then as of that moment.
///
/// All times are on the store's clock.
pub struct Session<D = ()> {
    shared: Arc<Shared<D>>,
    /// Nobody could say whether this is still so.
    stale: bool,
}

/// Where in memory a session is that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionAddress(usize);

/// What [`Session`] shares between its clones: in one piece, because each request clones and drops it. What a hit reads
/// stands first, beside the count of clones.
#[repr(C)]
struct Shared<D> {
    kept: Option<Kept>,
    state: State<D>,
    claims: Option<VerifiedClaims>,
}

/// A session as it was read.
pub(crate) struct State<D> {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    pub(crate) revision: u64,
    pub(crate) created: Timestamp,
    pub(crate) last_activity: Timestamp,
    pub(crate) idle_ttl: Duration,
    pub(crate) idle_deadline: Timestamp,
    pub(crate) absolute_deadline: Timestamp,
    /// The store's time when this was read.
    pub(crate) read: Timestamp,
    /// The same moment on this host's monotonic clock.
    pub(crate) read_at: Tick,
    /// Shared with all sessions that were read from the same payload.
    pub(crate) stored: Arc<StoredContent<D>>,
    /// What the user directory says of the user's role: it counts before the stored role.
    pub(crate) directory_role: Role,
    pub(crate) events: Events,
}

impl<D> State<D> {
    // Not `Clone`: a copy is rare, and no accident.
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

    /// Whether this is what the store has, its idle deadline included as far as that is known.
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
    /// One that no token was shown for.
    pub(crate) fn new(state: State<D>) -> Self {
        Self::from(Shared { state, claims: None, kept: None })
    }

    /// One that a token was shown for; `kept` tells whether it may be used again.
    pub(crate) fn shown(state: State<D>, claims: VerifiedClaims, kept: Option<Kept>) -> Self {
        Self::from(Shared { state, claims: Some(claims), kept })
    }

    fn from(shared: Shared<D>) -> Self {
        Self { shared: Arc::new(shared), stale: false }
    }

    /// The same session, changed as `change` says.
    pub(crate) fn with_state(&self, change: impl FnOnce(&mut State<D>)) -> Self {
        let Shared { kept, state, claims } = &*self.shared;
        let mut state = state.copy();
        change(&mut state);
        let shared = Shared { kept: kept.clone(), state, claims: claims.clone() };
        Self { shared: Arc::new(shared), stale: self.stale }
    }

    /// The same session, marked as one that nobody could ask about.
    pub(crate) fn stale(self) -> Self {
        Self { stale: true, ..self }
    }

    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.shared.kept.as_ref()
    }

    fn content(&self) -> &Content<D> {
        &self.shared.state.stored.content
    }

    /// The bytes that this takes in memory, about, without the content that it shares with others.
    pub(crate) fn own_size(&self) -> usize {
        let claims = self.shared.claims.as_ref().map_or(0, VerifiedClaims::heap_size);
        let role = self.shared.state.directory_role.name().map_or(0, str::len);
        size_of::<Shared<D>>() + claims + role
    }

    pub(crate) fn state(&self) -> &State<D> {
        &self.shared.state
    }

    /// What tells this reading of a session, and its clones, from every other one, as long as one of them is there.
    pub(crate) fn address(&self) -> SessionAddress {
        SessionAddress(Arc::as_ptr(&self.shared).addr())
    }

    /// The user whose session it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.shared.state.user
    }

    /// The session's public name.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.shared.state.id
    }

    /// The user's display name, as of the login.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.content().user_name.as_deref()
    }

    /// The user's e-mail address, as of the login.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.content().email.as_deref()
    }

    /// The user's role. `None` is no role, and there is no default one.
    ///
    /// It is the session's, or with [`directory_roles`](crate::SessionManagerBuilder::directory_roles) the
    /// user directory's: see [Roles](crate::directory#roles).
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.content().role_by(&self.shared.state.directory_role)
    }

    /// Whether the session was marked as [narrowed](NewSession::narrowed) at its login.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.content().narrowed
    }

    /// The address that the login came from.
    #[must_use]
    pub fn ip_address(&self) -> Option<IpAddr> {
        self.content().ip_address
    }

    /// What the client called itself at the login, shortened to [`NewSession::USER_AGENT_LEN`] bytes.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.content().user_agent.as_deref()
    }

    /// The application's own data.
    #[must_use]
    pub fn data(&self) -> &D {
        &self.content().data
    }

    /// When the session was created.
    #[must_use]
    pub fn created(&self) -> DateTime<Utc> {
        self.shared.state.created.to_datetime()
    }

    /// When the user last proved who they are; at first the same as [`created`](Self::created).
    #[must_use]
    pub fn authenticated_at(&self) -> DateTime<Utc> {
        self.content().authenticated_at.unwrap_or(self.shared.state.created).to_datetime()
    }

    /// How strong the last login or reauthentication was (`acr`, RFC 9470 section 3), where the application said so.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.content().acr.as_deref()
    }

    /// By which methods the user proved who they are (`amr`, RFC 8176), where the application said so.
    #[must_use]
    pub fn amr(&self) -> &[String] {
        &self.content().amr
    }

    /// Nobody else has it yet, and it has just been given this revision.
    pub(crate) fn revised(&mut self, revision: u64) {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.state.revision = revision;
        }
    }

    /// The time now on the store's clock: that of the reading, and the age of what was kept since.
    pub(crate) fn store_now(&self) -> Timestamp {
        let Shared { state: State { read, read_at, .. }, kept, .. } = &*self.shared;
        let age = kept.as_ref().map_or(Duration::ZERO, |_| Tick::now().since(*read_at));
        read.saturating_add(age)
    }

    /// Whether the store could not be asked, and this is what was known a while ago: only ever so behind a layer with
    /// [`FailurePolicy::ServeStale`](crate::FailurePolicy::ServeStale).
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Where to tell what happens to it.
    pub(crate) fn events(&self) -> &Events {
        &self.shared.state.events
    }

    /// When the session was last used.
    ///
    /// Exact (to the touch interval, 60 s by default) on a session from [`SessionManager::get`]. On a session from the
    /// layer it is a lower bound: what this process knew without asking the store for it.
    ///
    /// [`SessionManager::get`]: crate::SessionManager::get
    #[must_use]
    pub fn last_activity(&self) -> DateTime<Utc> {
        self.shared.state.last_activity.to_datetime()
    }

    /// When the session ends if nobody uses it; a lower bound where [`last_activity`](Self::last_activity) is one.
    #[must_use]
    pub fn idle_deadline(&self) -> DateTime<Utc> {
        self.shared.state.idle_deadline.to_datetime()
    }

    /// How long the session lives without being used.
    #[must_use]
    pub fn idle_ttl(&self) -> Duration {
        self.shared.state.idle_ttl
    }

    /// When the session ends, however much it is used.
    #[must_use]
    pub fn absolute_deadline(&self) -> DateTime<Utc> {
        self.shared.state.absolute_deadline.to_datetime()
    }

    /// How long the session was to live, unless it is used, when it was read: until its idle or its absolute deadline,
    /// whichever comes first. A lower bound where [`last_activity`](Self::last_activity) is one.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.shared
            .state
            .idle_deadline
            .min(self.shared.state.absolute_deadline)
            .saturating_since(self.shared.state.read)
    }

    /// 1 when created, one more with every change of its content.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.shared.state.revision
    }

    /// The claims of the access token that this request showed; `None` on a session that came from the manager.
    #[must_use]
    pub fn claims(&self) -> Option<&VerifiedClaims> {
        self.shared.claims.as_ref()
    }
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Session<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), stale: self.stale }
    }
}

// Names and addresses of people stay out of logs; what is left finds the session.
impl<D> fmt::Debug for Session<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", self.user_id())
            .field("id", self.id())
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
