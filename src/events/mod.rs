//! What happens to sessions, for audit trails and alarms.
//!
//! Every [`Event`] goes three ways, and none of them can hold up or break the request that it tells of:
//!
//! 1. to `tracing` (feature `tracing`), at once, in the span of the request;
//! 2. into the [figures](crate::meter) (feature `metrics`);
//! 3. to each [`EventSink`] of the application's own, on a thread of that sink's own.
//!
//! # In the log
//!
//! All events have the target `tower_session_auth::event` and no other record has it. There is no switch: silence them
//! with a filter, such as `RUST_LOG=info,tower_session_auth::event=off`.
//!
//! | `event` | level | further fields |
//! |---|---|---|
//! | `created` | info | `user`, `session`, `ip_address`, `user_agent` |
//! | `token_issued` | warn | `user`, `ip_address`, `user_agent` |
//! | `refreshed` | info | `user`, `session` |
//! | `rotated` | info | `user`, `session` |
//! | `refresh_retried` | warn | `user`, `session` |
//! | `reauthenticated` | info | `user`, `session` |
//! | `updated` | info | `user`, `session` |
//! | `revoked` | info | `user`, `session`, `reason`, `actor`, `actor_user` |
//! | `evicted` | info | `user`, `session` |
//! | `rejected` | info if the answer is 403, else debug | `code`, `user`, `session` |
//! | `login_refused` | warn | `reason`, `user`, `ip_address` |
//! | `suspicious` | warn | `user`, `suspicion`, `session`, `logins`, `within_seconds` |
//!
//! - `session` is the first 8 characters of the session's id. No token and no whole id is ever logged.
//! - `user`, `actor_user` and `user_agent` are other people's text: control characters, line breaks, quotes and what
//!   turns the direction of writing are escaped, and what is longer than 256 characters is cut.
//! - `actor` is `owner`, `user` (then `actor_user` says who) or `application`; `reason` of a revocation is
//!   [`EndReason::as_str`]; `code` is [`AuthErrorKind::code`].
//! - A field that is not known is absent.
//!
//! # In sinks
//!
//! ```
//! use tower_session_auth::events::Event;
//! use tower_session_auth::SessionManager;
//!
//! let builder = SessionManager::builder().event_sink(|event: &Event| {
//!     if let Event::Revoked { user, reason, .. } = event {
//!         println!("{user:?} lost a session: {reason}"); // or a row in an audit table
//!     }
//! });
//! # let _ = builder;
//! ```

mod class;
mod log;
mod queue;
mod sample;
mod sink;
mod tally;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::class::EventClass;
use self::sample::Sampler;
pub use self::sink::EventSink;
use self::sink::Inlet;
pub(crate) use self::sink::{RunningSinks, Sinks};
use self::tally::Tally;
use crate::error::AuthErrorKind;
use crate::id::{SessionId, UserId};
use crate::meter::Meter;
use crate::reason::EndReason;

/// Something that happened to a session, or to a request that asked for one.
///
/// Texts in it are as users sent them: escape them before they go into a log or a page.
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
    /// A user logged in while the store was away, and got a token that no session stands behind.
    #[non_exhaustive]
    TokenIssued {
        /// Whose token.
        user: UserId,
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
    /// A refresh token was exchanged for the next. (Who shows it again in time gets the same one, and that is no event.)
    #[non_exhaustive]
    Rotated {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// A refresh token that was replaced before was taken once more, after the grace window, because no use of its
    /// successor was known: see [`refresh_retry`](crate::SessionManagerBuilder::refresh_retry).
    #[non_exhaustive]
    RefreshRetried {
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
    /// This sink did not get some events. Each sink gets its own, at most once a second for each class; no log has it, as
    /// the log has the events themselves.
    #[non_exhaustive]
    Dropped {
        /// Of which class.
        class: EventClass,
        /// How many, since the last event of this kind.
        count: u64,
    },
}

impl Event {
    /// The event's name in stable `snake_case`: `created`, `login_refused`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::TokenIssued { .. } => "token_issued",
            Self::Refreshed { .. } => "refreshed",
            Self::Rotated { .. } => "rotated",
            Self::RefreshRetried { .. } => "refresh_retried",
            Self::Reauthenticated { .. } => "reauthenticated",
            Self::Updated { .. } => "updated",
            Self::Revoked { .. } => "revoked",
            Self::Evicted { .. } => "evicted",
            Self::Rejected { .. } => "rejected",
            Self::LoginRefused { .. } => "login_refused",
            Self::Suspicious { .. } => "suspicious",
            Self::Dropped { .. } => "dropped",
        }
    }
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
    /// Too many logins had failed before, by this name, to this account or from this address. The password was not looked at.
    RateLimited,
}

impl LoginRefusal {
    const ALL: [Self; 5] = [
        Self::Credentials,
        Self::AccountInactive,
        Self::SessionLimit,
        Self::Superseded,
        Self::RateLimited,
    ];

    /// The refusal in stable `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::AccountInactive => "account_inactive",
            Self::SessionLimit => "session_limit",
            Self::Superseded => "superseded",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// What is suspicious.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// One session's refresh tokens were exchanged more often than the routes allow. Told once a wait, by each process that
    /// was asked for more.
    #[non_exhaustive]
    RefreshRate {
        /// Which session.
        session: SessionId,
    },
    /// A refresh token was used after it had been replaced: two have it. The session has ended.
    #[non_exhaustive]
    RefreshReuse {
        /// Which session.
        session: SessionId,
    },
}

impl Suspicion {
    const NAMES: [&'static str; 3] = ["login_rate", "refresh_rate", "refresh_reuse"];

    /// The suspicion in stable `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LoginRate { .. } => "login_rate",
            Self::RefreshRate { .. } => "refresh_rate",
            Self::RefreshReuse { .. } => "refresh_reuse",
        }
    }
}

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events(Arc<Outlets>);

struct Outlets {
    tally: Tally,
    /// Where there are sinks.
    sampler: Option<Sampler>,
    sinks: Box<[Inlet]>,
}

impl Events {
    /// Also returns the other ends of the sinks' queues, for somebody to run. Until then events wait there.
    pub(crate) fn new(sinks: Vec<Box<dyn EventSink>>, meter: &Meter) -> (Self, Sinks) {
        let (inlets, sinks) = sink::connect(sinks, meter);
        let tally = Tally::new(meter);
        let sampler = (!inlets.is_empty()).then(Sampler::new);
        (Self(Arc::new(Outlets { tally, sampler, sinks: inlets })), sinks)
    }

    /// Tells everybody; never waits.
    pub(crate) fn emit(&self, event: Event) {
        log::write(&event);
        self.0.tally.count(&event);
        let Outlets { sampler: Some(sampler), sinks, .. } = &*self.0 else { return };
        if !sampler.admit(&event) {
            sinks.iter().for_each(|sink| sink.leave_out(event.class()));
            return;
        }
        let event = Arc::new(event);
        for sink in sinks {
            sink.tell(&event);
        }
    }
}
