//! The session that an application sees. It is a view of a cache entry, or of a session that was
//! read without a token.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::entry::Live;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::id::{SessionId, UserId};
use crate::session::{Content, State};
use crate::telemetry::events::Events;
use crate::token::VerifiedClaims;

/// A session that was live when it was read. Cheap to clone.
///
/// [`SessionAuthLayer`](crate::SessionAuthLayer) puts the session into the request's extensions.
/// With the feature `axum`, `Session` is an extractor. The user's data come from the store. The
/// role comes from the store or the user directory. Neither comes from the token.
///
/// Behind a layer, the session can come from the near cache. In that case, the store has reported
/// no change since this process read the session. Unless the session [is stale](Self::is_stale),
/// that read was at most
/// [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after) ago.
/// [`last_activity`](Self::last_activity) and [`ttl`](Self::ttl) return the values at the time of
/// the read.
///
/// All times are on the store's clock.
pub struct Session<D = ()>(View<D>);

enum View<D> {
    /// The session of a token that was presented.
    Entry {
        entry: Arc<Live<D>>,
        /// The store could not be asked whether the session is still live.
        stale: bool,
    },
    /// A session for which no token was presented.
    State(Arc<State<D>>),
}

impl<D> Session<D> {
    /// Returns the session of a cache entry. `stale`: the store could not be asked whether the
    /// session is still live.
    pub(crate) fn of_entry(entry: Arc<Live<D>>, stale: bool) -> Self {
        Self(View::Entry { entry, stale })
    }

    /// Returns a session for which no token was presented.
    pub(crate) fn of_state(state: State<D>) -> Self {
        Self(View::State(Arc::new(state)))
    }

    pub(crate) fn state(&self) -> &State<D> {
        match &self.0 {
            View::Entry { entry, .. } => &entry.state,
            View::State(state) => state,
        }
    }

    fn content(&self) -> &Content<D> {
        &self.state().stored.content
    }

    /// Returns the user who owns the session.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.state().user
    }

    /// Returns the session's public id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.state().id
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
        self.content().role_by(&self.state().directory_role)
    }

    /// Returns whether the session was marked as [narrowed](crate::NewSession::narrowed) at its
    /// login.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.content().narrowed
    }

    /// Returns the address that the login came from.
    #[must_use]
    pub fn ip_address(&self) -> Option<IpAddr> {
        self.content().ip_address
    }

    /// Returns the user agent of the client at the login, cut to
    /// [`NewSession::USER_AGENT_LEN`](crate::NewSession::USER_AGENT_LEN) bytes.
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
        self.state().created
    }

    /// Returns when the user last authenticated: at the login or at a later reauthentication.
    ///
    /// At first this is the same as [`created`](Self::created).
    #[must_use]
    pub fn authenticated_at(&self) -> Timestamp {
        self.content().authenticated_at.unwrap_or(self.state().created)
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

    /// Returns the current time on the store's clock, computed from the time of the read. If the
    /// session belongs to a cache entry with a validity, this method adds the time that has passed
    /// since the read. For every other session, it returns the time of the read, because the read
    /// is recent.
    pub(crate) fn store_now(&self) -> Timestamp {
        let State { read, read_at, .. } = self.state();
        match &self.0 {
            View::Entry { entry, .. } if entry.validity.is_some() => {
                read.saturating_add(Tick::now().since(*read_at))
            }
            View::Entry { .. } | View::State(_) => *read,
        }
    }

    /// Returns whether the session is stale: the layer accepted it from the near cache of this
    /// process, because it could not ask the store whether the session is still live.
    ///
    /// A session is stale only behind a layer with
    /// [`FailurePolicy::ServeStale`](crate::FailurePolicy::ServeStale).
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self.0, View::Entry { stale: true, .. })
    }

    /// Returns the destination of events about this session.
    pub(crate) fn events(&self) -> &Events {
        &self.state().events
    }

    /// Returns when the session was last used.
    ///
    /// On a session from [`SessionManager::get`], the value can be too early by up to the touch
    /// interval (60 s by default). On a session from the layer, the value is a lower bound: this
    /// process does not call the store to learn of later requests that used the session.
    ///
    /// [`SessionManager::get`]: crate::SessionManager::get
    #[must_use]
    pub fn last_activity(&self) -> Timestamp {
        self.state().last_activity
    }

    /// Returns the idle deadline: an unused session expires at this time.
    ///
    /// On a session from the layer the value is a lower bound, like
    /// [`last_activity`](Self::last_activity).
    #[must_use]
    pub fn idle_deadline(&self) -> Timestamp {
        self.state().idle_deadline
    }

    /// Returns how long the session lives without being used.
    #[must_use]
    pub fn idle_ttl(&self) -> Duration {
        self.state().idle_ttl
    }

    /// Returns the absolute deadline: the session expires at this time even if it is used.
    #[must_use]
    pub fn absolute_deadline(&self) -> Timestamp {
        self.state().absolute_deadline
    }

    /// Returns how long the session lives if it is not used again, counted from the time of the
    /// read. The session expires at its idle deadline or its absolute deadline, whichever comes
    /// first.
    ///
    /// On a session from the layer the value is a lower bound, like
    /// [`last_activity`](Self::last_activity).
    #[must_use]
    pub fn ttl(&self) -> Duration {
        let State { idle_deadline, absolute_deadline, read, .. } = self.state();
        idle_deadline.min(absolute_deadline).saturating_since(*read)
    }

    /// Returns the revision: 1 at creation. Each change of the content and each rotation of the
    /// refresh token increments it by one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Returns the claims of the access token of this request. Returns `None` if the session was
    /// read without a token.
    #[must_use]
    pub fn claims(&self) -> Option<&VerifiedClaims> {
        match &self.0 {
            View::Entry { entry, .. } => Some(&entry.claims),
            View::State(_) => None,
        }
    }
}

// By hand, because a derive would require `D: Clone`.
impl<D> Clone for Session<D> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            View::Entry { entry, stale } => View::Entry { entry: Arc::clone(entry), stale: *stale },
            View::State(state) => View::State(Arc::clone(state)),
        })
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
