//! The session manager: the verbs, for the layer and for the application.

mod accounts;
#[cfg(feature = "routes")]
mod attempts;
mod builder;
mod change;
mod check;
mod demand;
#[cfg(feature = "routes")]
mod devices;
mod end;
mod lifetimes;
mod list;
mod load;
mod login;
mod near_cache;
mod recall;
mod refresh;
mod roles;
mod rules;
#[cfg(feature = "routes")]
mod shown;
mod token_only;
mod trouble;
mod walk;
mod whole;

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
use crate::clock::Clock;
use crate::coherence::Tick;
use crate::error::{AuthError, ConfigError, SessionError};
use crate::events::Events;
use crate::gate::{Gate, Verb};
use crate::id::{SessionId, UserId};
use crate::meter::{Counter, Meter};
use crate::near::{Near, NearCache};
use crate::session::{Session, SessionData};
use crate::store::{SessionLimit, StoreErrorKind, StoreHealth};
use crate::token::{KeySet, Policy};
use crate::touch::{TouchQueue, WorkerState};

#[cfg(feature = "routes")]
pub(crate) use self::attempts::{Counted, Tried};
pub use self::builder::SessionManagerBuilder;
pub(crate) use self::check::Passed;
pub use self::demand::FailurePolicy;
pub(crate) use self::demand::{Demand, Staleness};
pub use self::list::{Cursor, OwnSession, SessionPage};
pub use self::login::Login;
pub(crate) use self::recall::Recalled;
pub use self::token_only::{TokenLogin, TokenOnly};
pub use self::walk::{Progress, Statistics};

/// Opens, checks and ends sessions. Cheap to clone; usable in and outside of a request.
///
/// `D` is the application's own data in each session, `()` by default. The store is chosen at run time and named in no
/// type.
///
/// Each call to the store has the whole store timeout (250 ms by default) from when it is sent, each question to the user
/// directory the directory timeout; both fail at once while their circuit is open. A request is checked within twice the sum
/// of the two timeouts, and is else refused with [`Overloaded`](crate::AuthErrorKind::Overloaded).
///
/// # Cancel safety
///
/// Dropping the future of a verb that reads changes nothing. A write that has begun is carried out, and told as an
/// [event](crate::events), also when its caller goes away; nothing is left half done.
pub struct SessionManager<D = ()> {
    shared: Arc<Shared<D>>,
    /// Who asks, where that was said.
    actor: Option<UserId>,
}

struct Shared<D> {
    gate: Arc<Gate>,
    touches: TouchQueue,
    policy: ArcSwap<Policy>,
    /// That of `policy`, for who only compares.
    policy_number: PolicyNumber,
    /// Held while the policy is replaced.
    replacing: Mutex<()>,
    near: Option<Near<D>>,
    refresh: Option<Refresh>,
    /// How long what is remembered counts before the store, and the directory, are asked again.
    revalidate_after: Duration,
    /// What this process knows to have ended, and how a request hears of it: for when nobody can be asked.
    ended: Cache<(UserId, SessionId), AuthError>,
    clock: Arc<dyn Clock>,
    lifetimes: Lifetimes,
    limits: Limits,
    accounts: Option<Accounts>,
    #[cfg(feature = "routes")]
    attempts: attempts::OwnCount,
    events: Events,
    /// Requests and tokens that were let in.
    accepted: Counter,
    meter: Meter,
    statistics: walk::Latest,
    started: Tick,
}

/// How many sessions a user may have, and open, and how large they may be.
#[derive(Clone, Copy, Debug)]
struct Limits {
    sessions: SessionLimit,
    /// Bytes of JSON of the application's data.
    session_data: usize,
    /// So many logins within so long are usual.
    logins: Option<(u32, Duration)>,
}

impl SessionManager {
    /// Starts a configuration. Sessions carry no data of the application's own, unless
    /// [`data`](SessionManagerBuilder::data) says of which type.
    pub fn builder() -> SessionManagerBuilder {
        SessionManagerBuilder::new()
    }
}

impl<D: SessionData> SessionManager<D> {
    /// A living session with its exact last activity and idle deadline; `None` if it has ended or never was.
    ///
    /// Two round trips to a remote store, each with a timeout of its own.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer.
    pub async fn get(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Session<D>>, SessionError> {
        let gate = &self.shared.gate;
        let Some(record) = gate.ask(Verb::Load, |store| store.load(user, id, None)).await? else {
            return Ok(None);
        };
        match self.as_it_is(user, id, record).await {
            Ok(session) => Ok(Some(session)),
            Err(SessionError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a session lives. One round trip to a remote store.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn exists(&self, user: &UserId, id: &SessionId) -> Result<bool, SessionError> {
        let gate = &self.shared.gate;
        Ok(gate.ask(Verb::Activity, |store| store.activity(user, id)).await?.is_some())
    }

    /// The same manager, for verbs that `actor` asks for: events then say who ended a session.
    #[must_use]
    pub fn acting_as(&self, actor: UserId) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }

    /// Puts other keys in the place of the present ones, while requests are served.
    ///
    /// A token that only a removed key verifies is refused from the next request on. To rotate without logging anybody
    /// out, keep the old key as a verifying one for as long as its tokens live.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a key fails its self-test; the present keys then stay.
    pub fn replace_keys(&self, keys: KeySet) -> Result<(), ConfigError> {
        let Shared { policy, policy_number, replacing, .. } = &*self.shared;
        let _one_at_a_time = replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = policy.load().with_keys(keys)?;
        let number = next.number(None);
        policy.store(Arc::new(next));
        // What was verified by the old keys counts no more.
        policy_number.set(number);
        Ok(())
    }

    /// Asks the store whether it is there, within the store timeout.
    pub async fn health(&self) -> Health {
        let gate = &self.shared.gate;
        let asked = Instant::now();
        let answer = gate.ask(Verb::Health, |store| store.health()).await;
        let (latency, kind, cache) = (asked.elapsed(), gate.kind(), self.near_cache());
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

    /// How many uses of sessions were not queued since the start (the touch queue was full, or its worker stopped).
    #[must_use]
    pub fn dropped_touches(&self) -> u64 {
        self.shared.touches.dropped()
    }
}

/// How the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// `"memory"`, `"redis"`, or what a store of your own calls itself.
    pub kind: &'static str,
    /// Whether it answered. A server that is not the primary counts as one that does not answer.
    pub connected: bool,
    /// Whether it answered and takes writes. A store that takes no writes (out of memory, for instance) still answers
    /// requests of living sessions; logins and changes fail with 503.
    pub writable: bool,
    /// What is wrong, while it does not answer or takes no writes.
    pub problem: Option<StoreErrorKind>,
    /// The server's version, where there is a server that answered.
    pub version: Option<String>,
    /// How long the answer took.
    pub latency: Option<Duration>,
    /// The near cache of this process.
    pub cache: NearCache,
    /// The background worker of this manager.
    pub worker: WorkerState,
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for SessionManager<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), actor: self.actor.clone() }
    }
}

impl<D> fmt::Debug for SessionManager<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("store", &self.shared.gate.kind())
            .field("store_away", &self.shared.gate.is_open())
            .field("lifetimes", &self.shared.lifetimes)
            .field("limits", &self.shared.limits)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
