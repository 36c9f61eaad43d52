//! The session manager: the operations of the library, for the layer and for the application.

pub(crate) mod accounts;
#[cfg(feature = "routes")]
pub(crate) mod attempts;
pub(crate) mod builder;
#[cfg(feature = "routes")]
mod devices;
pub(crate) mod lifetimes;
mod list;
pub(crate) mod login;
mod maintenance;
pub(crate) mod near_cache;
mod page_cursor;
mod refresh;
mod revoke;
pub(crate) mod roles;
mod run_to_completion;
#[cfg(feature = "routes")]
mod several_tokens;
mod update;
mod validation;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use self::accounts::Accounts;
use self::lifetimes::Lifetimes;
use self::near_cache::PolicyNumber;
use self::refresh::Refresh;
use crate::cache::{NearCache, NearCacheStats};
use crate::clock::Clock;
use crate::coherence::Tick;
use crate::error::{AuthError, ConfigError, SessionError};
use crate::id::{SessionId, UserId};
use crate::resilience::{Operation, StoreClient};
use crate::session::{Session, SessionData};
use crate::store::{SessionLimit, StoreErrorKind, StoreHealth};
use crate::telemetry::events::Events;
use crate::telemetry::metrics::{Counter, Metrics};
use crate::token::{KeySet, Policy};
use crate::worker::{TouchQueue, WorkerState};

#[cfg(feature = "routes")]
pub(crate) use self::attempts::{Counted, Tried};
pub use self::builder::SessionManagerBuilder;
pub use self::list::{OwnSession, SessionPage};
pub use self::login::Login;
pub use self::maintenance::{Progress, Statistics};
pub use self::page_cursor::Cursor;

/// Opens, checks and revokes sessions. Cheap to clone. Usable inside and outside of a request.
///
/// `D` is the application's own data in each session, `()` by default. The application chooses the
/// store at run time, so no type names the store.
///
/// Each store call may take the whole store timeout (250 ms by default), counted from when it is
/// sent. Each call to the user directory may take the directory timeout. While the circuit breaker
/// of the store or of the directory is open, calls to it fail at once. The deadline of a request's
/// check is twice the sum of the two timeouts. A request that misses it is rejected with
/// [`Overloaded`](crate::AuthErrorKind::Overloaded).
///
/// # Cancel safety
///
/// Dropping the future of an operation that only reads changes nothing. A write that has started
/// runs to completion and emits its [event](crate::telemetry::events), even if its caller goes away, so no
/// write is half done. [`cleanup`](Self::cleanup) is the exception: it stops when its future is
/// dropped.
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
    /// How long a cache entry or a directory answer is valid before the manager asks the store or
    /// the directory again.
    pub(crate) revalidate_after: Duration,
    /// Sessions that this process knows to be revoked or expired, with the error for a request.
    /// Used while the store is unavailable.
    pub(crate) ended: Cache<(UserId, SessionId), AuthError>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) limits: Limits,
    pub(crate) accounts: Option<Accounts>,
    #[cfg(feature = "routes")]
    pub(crate) attempts: attempts::OwnCount,
    pub(crate) events: Events,
    /// Counts accepted requests and tokens.
    pub(crate) accepted: Counter,
    pub(crate) metrics: Metrics,
    pub(crate) statistics: maintenance::Latest,
    pub(crate) started: Tick,
}

/// The session limit of a user, the limit of a session's data, and the usual rate of logins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest number of live sessions of one user.
    pub(crate) sessions: SessionLimit,
    /// The largest size of the application's data in one session, in bytes of JSON.
    pub(crate) session_data: usize,
    /// The usual rate: at most this many logins of one user within this time. `None` counts no
    /// logins.
    pub(crate) logins: Option<(u32, Duration)>,
}

impl SessionManager {
    /// Returns a builder. Sessions carry no application data unless
    /// [`data`](SessionManagerBuilder::data) sets its type.
    pub fn builder() -> SessionManagerBuilder {
        SessionManagerBuilder::new()
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Returns a live session with its exact last activity and idle deadline. Returns `None` if the
    /// session is revoked, expired or unknown.
    ///
    /// Costs two round trips to a remote store. Each has its own timeout.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer, or holds a record that this version
    /// cannot read.
    pub async fn get(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Session<D>>, SessionError> {
        let store_client = &self.shared.store_client;
        let Some(record) =
            store_client.ask(Operation::Load, |store| store.load(user, id, None)).await?
        else {
            return Ok(None);
        };
        match self.as_it_is(user, id, record).await {
            Ok(session) => Ok(Some(session)),
            Err(SessionError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a session is live. Costs one round trip to a remote store.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer.
    pub async fn exists(&self, user: &UserId, id: &SessionId) -> Result<bool, SessionError> {
        let store_client = &self.shared.store_client;
        Ok(store_client.ask(Operation::Activity, |store| store.activity(user, id)).await?.is_some())
    }

    /// Returns the same manager for operations on behalf of `actor`: the events name this user as
    /// the actor of a revocation.
    #[must_use]
    pub fn acting_as(&self, actor: UserId) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }

    /// Replaces the keys that sign and verify access tokens, while requests are served.
    ///
    /// A token that only a removed key verifies is rejected from the next request on. To rotate
    /// keys without logging users out, keep the old key as a verifying key until its tokens have
    /// expired.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a key fails its self-test. The manager then keeps its present keys.
    pub fn replace_keys(&self, keys: KeySet) -> Result<(), ConfigError> {
        let Shared { policy, policy_number, replacing, .. } = &*self.shared;
        let _one_at_a_time = replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = policy.load().with_keys(keys)?;
        let number = next.number(None);
        policy.store(Arc::new(next));
        // From here on no cache entry is valid that an old key verified.
        policy_number.set(number);
        Ok(())
    }

    /// Asks the store for its health, within the store timeout.
    pub async fn health(&self) -> Health {
        let store_client = &self.shared.store_client;
        let asked = Instant::now();
        let answer = store_client.ask(Operation::Health, |store| store.health()).await;
        let (latency, kind, cache) = (asked.elapsed(), store_client.kind(), self.near_cache());
        let worker = self.shared.touches.worker_state();
        match answer {
            Ok(StoreHealth { version, writable, .. }) => Health {
                kind,
                connected: true,
                writable,
                problem: (!writable).then_some(StoreErrorKind::WriteRefused),
                version,
                latency: Some(latency),
                cache,
                worker,
            },
            Err(error) => Health {
                kind,
                connected: false,
                writable: false,
                problem: Some(error.kind()),
                version: None,
                latency: None,
                cache,
                worker,
            },
        }
    }

    /// Returns the number of touches since the start that were dropped because the touch queue was
    /// full or its worker had stopped.
    #[must_use]
    pub fn dropped_touches(&self) -> u64 {
        self.shared.touches.dropped()
    }
}

/// The health of the store, of the near cache and of the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// `"memory"`, `"redis"`, or the name that a custom store gives itself.
    pub kind: &'static str,
    /// Whether the store answered. A server that is not the primary counts as one that does not
    /// answer.
    pub connected: bool,
    /// Whether the store answered and accepts writes. While it accepts none (for instance because
    /// it is out of memory), requests of live sessions still pass. Logins and changes fail with
    /// 503.
    pub writable: bool,
    /// The kind of the problem, while the store does not answer or accepts no writes.
    pub problem: Option<StoreErrorKind>,
    /// The version of the server, if the store has a server and it answered.
    pub version: Option<String>,
    /// The latency of the answer.
    pub latency: Option<Duration>,
    /// The state of this process's near cache.
    pub cache: NearCacheStats,
    /// The state of this manager's background worker.
    pub worker: WorkerState,
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
