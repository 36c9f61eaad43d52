//! The events.

use std::net::IpAddr;
use std::time::Duration;

use super::class::EventClass;
use crate::error::AuthErrorKind;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;

/// Something that happened to a session, or to a request that needed one.
///
/// Text in an event is exactly the text that users have sent. Escape it before you write it to a
/// log or a page.
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
    /// A user logged in while the store was unavailable, and got a token without a session.
    #[non_exhaustive]
    TokenIssued {
        /// The user of the token.
        user: UserId,
        /// The client address of the login, if the application supplied it.
        ip_address: Option<IpAddr>,
        /// The user agent of the client, if the application supplied it.
        user_agent: Option<String>,
    },
    /// The idle deadline of a session was extended by a call of
    /// [`SessionManager::touch`](crate::SessionManager::touch). Touches in the background emit no
    /// event.
    #[non_exhaustive]
    Extended {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// A refresh token was exchanged for its successor. If a client presents the replaced token
    /// again within the grace period, the client gets the same successor, and no event is emitted.
    #[non_exhaustive]
    TokenRefreshed {
        /// The user of the session.
        user: UserId,
        /// The id of the session.
        session: SessionId,
    },
    /// A replaced refresh token was accepted again after the grace period. The store had not
    /// recorded any use of its successor: see
    /// [`refresh_retry`](crate::manager::SessionManagerBuilder::refresh_retry).
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
        reason: RevokeReason,
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
        /// The user, if the login named an existing user. Otherwise `None`: the name of an unknown
        /// user is left out, because it may be a password.
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
    /// Some events were dropped before they reached this sink. Each sink gets its own event of this
    /// kind, at most once per second for each class. The log does not contain this event. It
    /// contains the dropped events themselves.
    #[non_exhaustive]
    Dropped {
        /// The class of the missing events.
        class: EventClass,
        /// The number of missing events of this class since the last such event.
        count: u64,
    },
}

impl Event {
    /// Returns the event's name as stable text in `snake_case`, for example `created` or
    /// `login_refused`.
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
    /// Another user. The caller has named this user with
    /// [`SessionManager::acting_as`](crate::SessionManager::acting_as).
    User(UserId),
    /// The application. The caller has named no user.
    Application,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The login named an unknown user, or the password is wrong.
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
    pub(super) const ALL: [Self; 5] = [
        Self::Credentials,
        Self::AccountInactive,
        Self::SessionLimit,
        Self::Superseded,
        Self::RateLimited,
    ];

    /// Returns the refusal as stable text in `snake_case`, for logs and metrics.
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
    /// One user opened more sessions than
    /// [`login_rate`](crate::manager::SessionManagerBuilder::login_rate) allows. Reported once per
    /// window.
    #[non_exhaustive]
    LoginRate {
        /// The number of logins so far in the window.
        logins: u32,
        /// The length of the window.
        within: Duration,
    },
    /// The refresh tokens of one session were exchanged more often than the routes allow. The
    /// routes refuse further exchanges for this session until a wait has passed. Each process that
    /// refuses an exchange reports this once per wait.
    #[non_exhaustive]
    RefreshRate {
        /// The id of the session.
        session: SessionId,
    },
    /// A replaced refresh token was used again, so two clients have it. The session was revoked.
    #[non_exhaustive]
    RefreshReuse {
        /// The id of the session.
        session: SessionId,
    },
}

impl Suspicion {
    pub(super) const NAMES: [&'static str; 3] = ["login_rate", "refresh_rate", "refresh_reuse"];

    /// Returns the suspicion as stable text in `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LoginRate { .. } => "login_rate",
            Self::RefreshRate { .. } => "refresh_rate",
            Self::RefreshReuse { .. } => "refresh_reuse",
        }
    }
}

impl Event {
    /// Returns the class of the event. For [`Dropped`](Self::Dropped), it is the class of the
    /// dropped events.
    #[must_use]
    pub const fn class(&self) -> EventClass {
        match self {
            Self::Created { .. }
            | Self::TokenIssued { .. }
            | Self::Reauthenticated { .. }
            | Self::Updated { .. }
            | Self::Revoked { .. }
            | Self::Evicted { .. }
            | Self::Suspicious { .. } => EventClass::StateChange,
            Self::LoginRefused { .. } => EventClass::LoginRefusal,
            Self::Extended { .. }
            | Self::TokenRefreshed { .. }
            | Self::RefreshRetried { .. }
            | Self::Rejected { .. } => EventClass::Other,
            Self::Dropped { class, .. } => *class,
        }
    }

    /// Returns the queue length from which this event is dropped. For `updated`, it is half of the
    /// queue's capacity, because an application may update sessions in each request. The other half
    /// stays free for the other events of the class. For all other events, it is the whole
    /// capacity.
    pub(super) const fn room(&self) -> usize {
        match self {
            Self::Updated { .. } => self.class().capacity() / 2,
            _ => self.class().capacity(),
        }
    }
}
