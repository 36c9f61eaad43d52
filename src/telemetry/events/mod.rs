//! Events: what happens to sessions, for audit trails and alarms.
//!
//! Every [`Event`] goes to three places. None of them can delay or fail the request that caused it:
//!
//! 1. `tracing` (feature `tracing`), immediately, in the span of the request;
//! 2. the [metrics](crate::telemetry::metrics) (feature `metrics`);
//! 3. each [`EventSink`] of the application, on a separate thread for each sink.
//!
//! # Log records
//!
//! All events have the target `tower_session_auth::event`, and no other log record has it. There is
//! no setting to turn them off; use a filter such as `RUST_LOG=info,tower_session_auth::event=off`.
//!
//! | `event` | level | further fields |
//! |---|---|---|
//! | `created` | info | `user`, `session`, `ip_address`, `user_agent` |
//! | `token_issued` | warn | `user`, `ip_address`, `user_agent` |
//! | `extended` | info | `user`, `session` |
//! | `token_refreshed` | info | `user`, `session` |
//! | `refresh_retried` | warn | `user`, `session` |
//! | `reauthenticated` | info | `user`, `session` |
//! | `updated` | info | `user`, `session` |
//! | `revoked` | info | `user`, `session`, `reason`, `actor`, `actor_user` |
//! | `evicted` | info | `user`, `session` |
//! | `rejected` | info if the answer is 403, else debug | `code`, `user`, `session` |
//! | `login_refused` | warn | `reason`, `user`, `ip_address` |
//! | `suspicious` | warn | `user`, `suspicion`, `session`, `logins`, `within_seconds` |
//!
//! - `session` is the first 8 characters of the session id. Tokens and whole ids are never logged.
//! - `user`, `actor_user` and `user_agent` contain text from users. Control characters, line
//!   breaks, quotes and characters that change the direction of writing are escaped. Text of more
//!   than 256 characters is cut.
//! - `actor` is `owner`, `user` (then `actor_user` is the id of that user) or `application`. The
//!   `reason` of a revocation is [`EndReason::as_str`], and `code` is [`AuthErrorKind::code`].
//! - A field whose value is not known is absent.
//!
//! # Example
//!
//! ```
//! use tower_session_auth::telemetry::events::Event;
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
mod metrics;
mod queue;
mod sample;
mod sink;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::class::EventClass;
use self::metrics::EventMetrics;
use self::sample::Sampler;
pub use self::sink::EventSink;
use self::sink::Inlet;
pub(crate) use self::sink::{RunningSinks, Sinks};
use crate::error::AuthErrorKind;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::telemetry::metrics::Metrics;

/// Something that happened to a session, or to a request that needed one.
///
/// Text in an event is exactly as users sent it. Escape it before you write it to a log or a page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A user logged in.
    #[non_exhaustive]
    Created {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
        /// The client address of the login, if the application supplied it.
        ip_address: Option<IpAddr>,
        /// The user agent of the client, if the application supplied it.
        user_agent: Option<String>,
    },
    /// A user logged in while the store was away and got a token without a session.
    #[non_exhaustive]
    TokenIssued {
        /// The user of the token.
        user: UserId,
        /// The client address of the login, if the application supplied it.
        ip_address: Option<IpAddr>,
        /// The user agent of the client, if the application supplied it.
        user_agent: Option<String>,
    },
    /// The idle deadline of a session was extended on request. (Touches in the background are not
    /// events.)
    #[non_exhaustive]
    Extended {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// A refresh token was exchanged for its successor. (A client that presents the old token again
    /// within the grace window gets the same successor, without an event.)
    #[non_exhaustive]
    TokenRefreshed {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// A refresh token that had already been replaced was accepted again after the grace window,
    /// because no use of its successor was recorded: see
    /// [`refresh_retry`](crate::SessionManagerBuilder::refresh_retry).
    #[non_exhaustive]
    RefreshRetried {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// The user of a session authenticated again.
    #[non_exhaustive]
    Reauthenticated {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// The content of a session was changed.
    #[non_exhaustive]
    Updated {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// A session was revoked.
    #[non_exhaustive]
    Revoked {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
        /// Why it was revoked.
        reason: EndReason,
        /// Who revoked it.
        actor: Actor,
    },
    /// A session was revoked to make room for a newer one.
    #[non_exhaustive]
    Evicted {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// The layer, the manager or a guard refused a request.
    #[non_exhaustive]
    Rejected {
        /// Why it was refused.
        kind: AuthErrorKind,
        /// The user of the token, if the token was valid.
        user: Option<UserId>,
        /// The session of the token, if the token was valid.
        session: Option<SessionId>,
    },
    /// A login was refused.
    #[non_exhaustive]
    LoginRefused {
        /// The user, if the login named an existing one. Any other text is left out, because it may
        /// be a password.
        user: Option<UserId>,
        /// Why it was refused.
        refusal: LoginRefusal,
        /// The client address, if the application supplied it.
        ip_address: Option<IpAddr>,
    },
    /// Something that a person should examine.
    #[non_exhaustive]
    Suspicious {
        /// The user of the account.
        user: UserId,
        /// What was suspicious.
        suspicion: Suspicion,
    },
    /// This sink did not get some events. Each sink gets its own, for each class at most once per
    /// second. The log does not contain this event, because it contains the missing events
    /// themselves.
    #[non_exhaustive]
    Dropped {
        /// The class of the missing events.
        class: EventClass,
        /// Their number since the last event of this kind for the class.
        count: u64,
    },
}

impl Event {
    /// Returns the event's name in stable `snake_case`, for example `created` or `login_refused`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::TokenIssued { .. } => "token_issued",
            Self::Extended { .. } => "extended",
            Self::TokenRefreshed { .. } => "token_refreshed",
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

/// Who revoked a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// The session's own user.
    Owner,
    /// Another user, whom [`SessionManager::acting_as`](crate::SessionManager::acting_as) named.
    User(UserId),
    /// The application, without naming a user.
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
    /// The user has reached the session limit.
    SessionLimit,
    /// All sessions of the user were revoked while the login was in progress.
    Superseded,
    /// Too many earlier logins had failed for this name, this account or this address. The password
    /// was not checked.
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

    /// Returns the refusal in stable `snake_case`, for logs and metrics.
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

/// A kind of suspicious behavior.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspicion {
    /// One user opened more sessions than [`login_rate`](crate::SessionManagerBuilder::login_rate)
    /// allows. Reported once per window.
    #[non_exhaustive]
    LoginRate {
        /// The number of logins so far in the window.
        logins: u32,
        /// The length of the window.
        within: Duration,
    },
    /// One session's refresh tokens were exchanged more often than the routes allow. Each process
    /// that refuses such an exchange reports it once per waiting time.
    #[non_exhaustive]
    RefreshRate {
        /// The id of the session.
        session: SessionId,
    },
    /// A refresh token was used after it had been replaced: two clients have it. The session was
    /// revoked.
    #[non_exhaustive]
    RefreshReuse {
        /// The id of the session.
        session: SessionId,
    },
}

impl Suspicion {
    const NAMES: [&'static str; 3] = ["login_rate", "refresh_rate", "refresh_reuse"];

    /// Returns the suspicion in stable `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LoginRate { .. } => "login_rate",
            Self::RefreshRate { .. } => "refresh_rate",
            Self::RefreshReuse { .. } => "refresh_reuse",
        }
    }
}

/// Distributes events to the log, the metrics and the sinks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events(Arc<Outlets>);

struct Outlets {
    tally: EventMetrics,
    /// `None` if there are no sinks.
    sampler: Option<Sampler>,
    sinks: Box<[Inlet]>,
}

impl Events {
    /// Also returns the receiving ends of the sinks' queues, which the caller must run. Until then,
    /// events wait there.
    pub(crate) fn new(sinks: Vec<Box<dyn EventSink>>, metrics: &Metrics) -> (Self, Sinks) {
        let (inlets, sinks) = sink::connect(sinks, metrics);
        let tally = EventMetrics::new(metrics);
        let sampler = (!inlets.is_empty()).then(Sampler::new);
        (Self(Arc::new(Outlets { tally, sampler, sinks: inlets })), sinks)
    }

    /// Sends an event to the log, the metrics and the sinks. Never waits.
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
