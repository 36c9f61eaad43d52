//! The session manager and its state, below the operations and the check of a request.

pub(crate) mod accounts;
pub(crate) mod applied_roles;
pub(crate) mod lifetimes;
pub(crate) mod local_attempts;
pub(crate) mod policy_number;
pub(crate) mod refresh_tokens;
pub(crate) mod statistics;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

use self::accounts::Accounts;
use self::lifetimes::Lifetimes;
use self::local_attempts::LocalAttempts;
use self::policy_number::PolicyNumber;
use self::refresh_tokens::Refresh;
use self::statistics::LatestStatistics;
use crate::cache::NearCache;
use crate::clock::Clock;
use crate::coherence::Tick;
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::resilience::StoreClient;
use crate::session::SessionData;
use crate::store::SessionLimit;
use crate::telemetry::events::Events;
use crate::telemetry::metrics::{Counter, Metrics};
use crate::token::Policy;
use crate::worker::TouchQueue;

/// Opens, checks and revokes sessions. Cheap to clone. It can be used inside and outside of a
/// request.
///
/// `D` is the application's own data in each session, `()` by default. The application chooses the
/// store at run time, so the store is not part of the manager's type.
///
/// The time of each call is limited:
///
/// - A store call takes at most the store timeout (250 ms by default), counted from when it is
///   sent.
/// - A call to the user directory takes at most the directory timeout.
/// - The check of a request takes at most `2 * (store timeout + directory timeout)`. A request that
///   misses this deadline is rejected with [`Overloaded`](crate::AuthErrorKind::Overloaded).
///
/// While the circuit breaker of the store is open, calls to the store fail immediately. The
/// directory has its own circuit breaker.
///
/// # Cancel safety
///
/// Dropping the future of an operation that only reads changes nothing. A write that has started
/// runs to completion and emits its [event](crate::telemetry::events), even if its caller is
/// dropped. So no write is half done. [`cleanup`](Self::cleanup) is the exception: it stops when
/// its future is dropped.
pub struct SessionManager<D = ()> {
    pub(crate) shared: Arc<Shared<D>>,
    /// The user on whose behalf the operations run, if [`acting_as`](Self::acting_as) set one.
    pub(crate) actor: Option<UserId>,
}

pub(crate) struct Shared<D> {
    pub(crate) store_client: Arc<StoreClient>,
    pub(crate) touches: TouchQueue,
    pub(crate) policy: ArcSwap<Policy>,
    /// The number of `policy`, for comparisons that do not need the policy itself.
    pub(crate) policy_number: PolicyNumber,
    /// Held while `policy` is replaced.
    pub(crate) replacing: Mutex<()>,
    pub(crate) near: Option<NearCache<D>>,
    pub(crate) refresh: Option<Refresh>,
    /// How long the manager uses a cache entry before it asks the store again. Also the time for
    /// which the manager uses the directory's answer "active" before it calls the directory again.
    pub(crate) revalidate_after: Duration,
    /// The sessions that this process knows to be revoked or expired. The value is the error with
    /// which the layer rejects a request of the session while the store is unavailable, unless the
    /// failure policy is `Refuse`.
    pub(crate) ended: Cache<(UserId, SessionId), AuthError>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) limits: Limits,
    pub(crate) accounts: Option<Accounts>,
    pub(crate) attempts: LocalAttempts,
    pub(crate) events: Events,
    /// Counts accepted requests and tokens.
    pub(crate) accepted: Counter,
    pub(crate) metrics: Metrics,
    pub(crate) statistics: LatestStatistics,
    pub(crate) started: Tick,
}

/// The session limit of a user, the limit of a session's data, and the usual rate of logins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest number of live sessions of one user.
    pub(crate) sessions: SessionLimit,
    /// The largest size of the application's data in one session, in bytes of JSON.
    pub(crate) session_data: usize,
    /// The usual rate of logins: at most this many logins of one user within this time. With
    /// `None`, the manager does not count logins.
    pub(crate) logins: Option<(u32, Duration)>,
}

impl<D: SessionData> SessionManager<D> {
    /// Returns the same manager for operations on behalf of `actor`. The events of its revocations
    /// name this user as the actor.
    #[must_use]
    pub fn acting_as(&self, actor: UserId) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }
}

// Written by hand: a derive would require `D: Clone`.
impl<D> Clone for SessionManager<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), actor: self.actor.clone() }
    }
}

impl<D> fmt::Debug for SessionManager<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("store", &self.shared.store_client.kind())
            .field("store_away", &self.shared.store_client.is_open())
            .field("lifetimes", &self.shared.lifetimes)
            .field("limits", &self.shared.limits)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
