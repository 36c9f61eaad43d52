//! The session manager: the verbs, for the layer and for the application.

mod builder;
mod check;
mod login;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::{ConfigError, SessionError};
use crate::events::Events;
use crate::gate::{Gate, Verb};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::session::{Session, SessionData};
use crate::token::{KeySet, Policy};
use crate::touch::TouchQueue;

pub use self::builder::SessionManagerBuilder;
pub use self::login::Login;

/// Opens, checks and ends sessions. Cheap to clone; usable in and outside of a request.
///
/// `D` is the application's own data in each session, `()` by default. The store is chosen at run time and named in no
/// type.
///
/// Each verb waits for the store for the store timeout (250 ms by default) at most, and fails at once while the store
/// is known to be away.
///
/// # Cancel safety
///
/// Dropping the future of a verb that writes leaves open whether the write happens; nothing is left half done.
pub struct SessionManager<D = ()> {
    shared: Arc<Shared>,
    data: PhantomData<fn() -> D>,
}

struct Shared {
    gate: Arc<Gate>,
    touches: TouchQueue,
    policy: ArcSwap<Policy>,
    clock: Arc<dyn Clock>,
    lifetimes: Lifetimes,
    events: Events,
}

/// How long things live.
#[derive(Clone, Copy, Debug)]
struct Lifetimes {
    idle_ttl: Duration,
    session: Duration,
    access_token: Duration,
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
    /// Two round trips to a remote store.
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
        let deadline = gate.deadline();
        let Some(record) =
            gate.ask(Verb::Load, deadline, |store| store.load(user, id, None)).await?
        else {
            return Ok(None);
        };
        let Some(activity) =
            gate.ask(Verb::Activity, deadline, |store| store.activity(user, id)).await?
        else {
            return Ok(None);
        };
        Ok(Some(self.session(user.clone(), id.clone(), record, activity, None)?))
    }

    /// Ends one session. Tells whether it lived until now; ending what has ended is not an error.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer: the session may live on, do not report success.
    pub async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, SessionError> {
        let gate = &self.shared.gate;
        Ok(gate.ask(Verb::Delete, gate.deadline(), |store| store.delete(user, id, reason)).await?)
    }

    /// Ends all sessions of a user, in one step. Returns those that lived until now.
    ///
    /// Linear in the number of that user's sessions. A login that is under way may open another one right after it.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn delete_all(
        &self,
        user: &UserId,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, SessionError> {
        let gate = &self.shared.gate;
        Ok(gate
            .ask(Verb::DeleteAll, gate.deadline(), |store| store.delete_all(user, None, reason))
            .await?)
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
        let policy = self.shared.policy.load().with_keys(keys)?;
        self.shared.policy.store(Arc::new(policy));
        Ok(())
    }

    /// Asks the store whether it is there, within the store timeout.
    pub async fn health(&self) -> Health {
        let gate = &self.shared.gate;
        let asked = Instant::now();
        let answer = gate.ask(Verb::Health, gate.deadline(), |store| store.health()).await;
        let latency = asked.elapsed();
        match answer {
            Ok(health) => Health {
                kind: gate.kind(),
                connected: true,
                version: health.version,
                latency: Some(latency),
            },
            Err(_) => Health { kind: gate.kind(), connected: false, version: None, latency: None },
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
    /// Whether it answered.
    pub connected: bool,
    /// The server's version, where there is a server that answered.
    pub version: Option<String>,
    /// How long the answer took.
    pub latency: Option<Duration>,
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for SessionManager<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), data: PhantomData }
    }
}

impl<D> fmt::Debug for SessionManager<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("store", &self.shared.gate.kind())
            .field("store_away", &self.shared.gate.is_open())
            .field("lifetimes", &self.shared.lifetimes)
            .finish_non_exhaustive()
    }
}
