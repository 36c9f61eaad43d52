//! What happens to sessions, for audit trails and alarms.
//!
//! Every [`Event`] goes to `tracing` (feature `tracing`), and to each [`EventSink`] of the application's own.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::AuthErrorKind;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;

/// Something that happened to a session, or to a request that asked for one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A user logged in.
    #[non_exhaustive]
    Created {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
        /// Where the login came from, as far as the application said.
        ip_address: Option<IpAddr>,
        /// What the client called itself, as far as the application said.
        user_agent: Option<String>,
    },
    /// Somebody asked for the idle TTL to start anew. (Uses that do so in the background are no events.)
    #[non_exhaustive]
    Refreshed {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// The user proved once more who they are.
    #[non_exhaustive]
    Reauthenticated {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// The content of a session was changed.
    #[non_exhaustive]
    Updated {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// A session was ended.
    #[non_exhaustive]
    Revoked {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
        /// Why.
        reason: EndReason,
        /// Who did it.
        actor: Actor,
    },
    /// A session was ended to make room for a newer one.
    #[non_exhaustive]
    Evicted {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// A request was not let in, by the layer, the manager or a guard.
    #[non_exhaustive]
    Rejected {
        /// Why.
        kind: AuthErrorKind,
        /// Who asked, where the token was good.
        user: Option<UserId>,
        /// With which session, where the token was good.
        session: Option<SessionId>,
    },
    /// A login was refused.
    #[non_exhaustive]
    LoginRefused {
        /// For whom, where that is a user who exists. What else people type there may be a password.
        user: Option<UserId>,
        /// Why.
        refusal: LoginRefusal,
        /// Where it came from, as far as the application said.
        ip_address: Option<IpAddr>,
    },
    /// Something that a person should look at.
    #[non_exhaustive]
    Suspicious {
        /// Whose account.
        user: UserId,
        /// What it is.
        suspicion: Suspicion,
    },
}

/// Who ended a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// The session's own user.
    Owner,
    /// Somebody else: [`SessionManager::acting_as`](crate::SessionManager::acting_as) says who.
    User(UserId),
    /// The application, which did not say for whom.
    Application,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The user is unknown, or the password is wrong.
    Credentials,
    /// The account is not active.
    AccountInactive,
    /// The user has as many sessions as allowed.
    SessionLimit,
    /// Everything of the user's was ended while the login was under way.
    Superseded,
}

/// What is suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspicion {
    /// One user opened more sessions than [`login_rate`](crate::SessionManagerBuilder::login_rate) allows. Told once a
    /// window.
    #[non_exhaustive]
    LoginRate {
        /// How many so far.
        logins: u32,
        /// Within which time.
        within: Duration,
    },
}

/// Takes events, for an audit trail, an alarm, a message queue.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: &Event);
}

/// Where events go. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Events {
    sinks: Arc<[Arc<dyn EventSink>]>,
}

impl Events {
    pub(crate) fn new(sinks: Vec<Arc<dyn EventSink>>) -> Self {
        Self { sinks: sinks.into() }
    }

    /// Tells everybody; never waits.
    pub(crate) fn emit(&self, event: Event) {
        for sink in self.sinks.iter() {
            sink.event(&event);
        }
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
