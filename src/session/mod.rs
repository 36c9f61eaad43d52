//! The session an application sees, how a login describes a new one, and how its content is stored.

mod content;
mod edit;
mod new;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::events::Events;
use crate::id::{SessionId, UserId};
use crate::token::VerifiedClaims;

pub(crate) use self::content::{Content, role_of};
pub use self::edit::SessionEdit;
pub use self::new::{LoginGuard, NewSession};

/// What an application may keep in its sessions: anything that goes to JSON and back.
///
/// Implemented for every such type. `()` is the default and keeps nothing. A change of the type that old records do not
/// fit ends those sessions (401, and an error in the log): give new fields `#[serde(default)]`.
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for T {}

/// A session that was live when it was read. Cheap to clone.
///
/// [`SessionAuthLayer`](crate::SessionAuthLayer) puts it into the request's extensions; with the feature `axum` it is an
/// extractor. Who the user is and which role they have comes from the store, never from the token.
///
/// All times are on the store's clock.
pub struct Session<D = ()> {
    state: Arc<State<D>>,
    claims: Option<Arc<VerifiedClaims>>,
}

/// What [`Session`] shares between its clones.
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
    pub(crate) content: Content<D>,
    pub(crate) events: Events,
}

impl<D> Session<D> {
    pub(crate) fn new(state: State<D>, claims: Option<VerifiedClaims>) -> Self {
        Self { state: Arc::new(state), claims: claims.map(Arc::new) }
    }

    /// The user whose session it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.state.user
    }

    /// The session's public name.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.state.id
    }

    /// The user's display name, as of the login.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.state.content.user_name.as_deref()
    }

    /// The user's e-mail address, as of the login.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.state.content.email.as_deref()
    }

    /// The user's role. `None` is no role, and there is no default one.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.state.content.role.as_deref()
    }

    /// The address that the login came from.
    #[must_use]
    pub fn ip_address(&self) -> Option<IpAddr> {
        self.state.content.ip_address
    }

    /// What the client called itself at the login, shortened to [`NewSession::USER_AGENT_LEN`] bytes.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.state.content.user_agent.as_deref()
    }

    /// The application's own data.
    #[must_use]
    pub fn data(&self) -> &D {
        &self.state.content.data
    }

    /// When the session was created.
    #[must_use]
    pub fn created(&self) -> DateTime<Utc> {
        self.state.created.to_datetime()
    }

    /// When the user last proved who they are; at first the same as [`created`](Self::created).
    #[must_use]
    pub fn authenticated_at(&self) -> DateTime<Utc> {
        self.state.content.authenticated_at.unwrap_or(self.state.created).to_datetime()
    }

    /// How strong the last login or reauthentication was (`acr`, RFC 9470 section 3), where the application said so.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.state.content.acr.as_deref()
    }

    /// By which methods the user proved who they are (`amr`, RFC 8176), where the application said so.
    #[must_use]
    pub fn amr(&self) -> &[String] {
        &self.state.content.amr
    }

    /// Nobody else has it yet, and it has just been given this revision.
    pub(crate) fn revised(&mut self, revision: u64) {
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.revision = revision;
        }
    }

    /// When this was read, on the store's clock.
    pub(crate) fn read(&self) -> Timestamp {
        self.state.read
    }

    /// Where to tell what happens to it.
    pub(crate) fn events(&self) -> &Events {
        &self.state.events
    }

    /// When the session was last used.
    ///
    /// Exact (to the touch interval, 60 s by default) on a session from [`SessionManager::get`]. On a session from the
    /// layer it is a lower bound: what this process knew without asking the store for it.
    ///
    /// [`SessionManager::get`]: crate::SessionManager::get
    #[must_use]
    pub fn last_activity(&self) -> DateTime<Utc> {
        self.state.last_activity.to_datetime()
    }

    /// When the session ends if nobody uses it; a lower bound where [`last_activity`](Self::last_activity) is one.
    #[must_use]
    pub fn idle_deadline(&self) -> DateTime<Utc> {
        self.state.idle_deadline.to_datetime()
    }

    /// How long the session lives without being used.
    #[must_use]
    pub fn idle_ttl(&self) -> Duration {
        self.state.idle_ttl
    }

    /// When the session ends, however much it is used.
    #[must_use]
    pub fn absolute_deadline(&self) -> DateTime<Utc> {
        self.state.absolute_deadline.to_datetime()
    }

    /// How long the session was to live, unless it is used, when it was read: until its idle or its absolute deadline,
    /// whichever comes first. A lower bound where [`last_activity`](Self::last_activity) is one.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.state.idle_deadline.min(self.state.absolute_deadline).saturating_since(self.state.read)
    }

    /// 1 when created, one more with every change of its content.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.state.revision
    }

    /// The claims of the access token that this request showed; `None` on a session that came from the manager.
    #[must_use]
    pub fn claims(&self) -> Option<&VerifiedClaims> {
        self.claims.as_deref()
    }
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Session<D> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), claims: self.claims.clone() }
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
