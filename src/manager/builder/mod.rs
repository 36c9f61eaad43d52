//! The builder of the manager. The docs of each setting state its default, its limits and the
//! reason for it.

mod directory;
mod lifetimes;
mod near_cache;
mod refresh;
mod tokens;
mod validation;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use tokio::sync::mpsc;

use super::shared::accounts::AccountSettings;
use super::shared::lifetimes::Lifetimes;
use super::shared::local_attempts::LocalAttempts;
use super::shared::policy_number::PolicyNumber;
use super::shared::refresh_tokens::Refresh;
use super::shared::statistics::LatestStatistics;
use super::shared::{Limits, SessionManager, Shared};
use crate::cache::{Capacity, DataSize, NearCache};
use crate::clock::{Clock, SystemClock};
use crate::coherence::Tick;
use crate::error::ConfigError;
use crate::resilience::StoreClient;
use crate::session::SessionData;
use crate::store::erased::ErasedStore;
use crate::store::{MemoryStore, SCAN_TIMEOUT, SessionStore, Tracking, WhenFull};
use crate::telemetry::events::{EventSink, Events};
use crate::telemetry::metrics::Metrics;
use crate::token::{KeySet, Policy, RefreshPolicy, TokenSettings};
use crate::worker::{self, TouchQueue, TouchRules, Worker};

/// Capacity of the touch queue, which takes about 2 MiB. The worker empties the queue several times
/// a second. If the queue is full, the manager drops the touch, and the next request of the session
/// queues a new touch.
const QUEUE: usize = 16_384;

/// Number of revoked or expired sessions that a process remembers.
const ENDED_KNOWN: usize = 16_384;

/// The default capacity of the near cache.
const CAPACITY: Capacity = Capacity { tokens: 65_536, bytes: 64 << 20 };

/// Configures a [`SessionManager`]. Keys, issuer and audience are required.
/// [`accept_any_issuer`](Self::accept_any_issuer) replaces the issuer, and
/// [`accept_any_audience`](Self::accept_any_audience) replaces the audience. All other settings
/// have a default.
#[must_use = "a builder does nothing until it is built"]
pub struct SessionManagerBuilder<D = ()> {
    pub(crate) settings: Settings,
    pub(crate) data_size: DataSize<D>,
}

impl SessionManager {
    /// Returns a builder. Sessions carry no application data unless
    /// [`data`](SessionManagerBuilder::data) sets its type.
    pub fn builder() -> SessionManagerBuilder {
        SessionManagerBuilder::new()
    }
}

/// All settings that do not depend on the type of the session data.
pub(crate) struct Settings {
    keys: Option<KeySet>,
    issuer: Option<Expected>,
    audience: Option<Expected>,
    pub(crate) refresh_keys: Option<KeySet>,
    pub(crate) refresh_grace: Duration,
    pub(crate) refresh_retry: Duration,
    leeway: Duration,
    accept_typ_jwt: bool,
    store: Option<Arc<dyn ErasedStore>>,
    store_timeout: Duration,
    clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) idle_ttl_is_set: bool,
    pub(crate) refresh_threshold: Option<Duration>,
    pub(crate) touch_interval: Duration,
    session_limit: u32,
    hard_session_limit: u32,
    when_full: WhenFull,
    login_rate: Option<(u32, Duration)>,
    pub(crate) accounts: AccountSettings,
    pub(crate) near_cache: Option<Capacity>,
    pub(crate) session_data_limit: usize,
    sinks: Vec<Box<dyn EventSink>>,
}

/// The required value of a claim. A missing setting is an error; it does not mean `Any`.
enum Expected {
    Exactly(String),
    Any,
}

impl Expected {
    fn exactly(self) -> Option<String> {
        match self {
            Self::Exactly(value) => Some(value),
            Self::Any => None,
        }
    }
}

impl SessionManagerBuilder {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            keys: None,
            issuer: None,
            audience: None,
            refresh_keys: None,
            refresh_grace: Duration::from_secs(10),
            refresh_retry: Duration::ZERO,
            leeway: Duration::from_secs(5),
            accept_typ_jwt: false,
            store: None,
            store_timeout: Duration::from_millis(250),
            clock: Arc::new(SystemClock),
            lifetimes: Lifetimes {
                idle_ttl: Duration::from_secs(60 * 60),
                session: Duration::from_secs(24 * 60 * 60),
                access_token: Duration::from_secs(60 * 60),
                jitter: 0.0,
            },
            idle_ttl_is_set: false,
            refresh_threshold: None,
            touch_interval: Duration::from_secs(60),
            session_limit: 100,
            hard_session_limit: 10_000,
            when_full: WhenFull::EvictLeastRecentlyActive,
            login_rate: None,
            accounts: AccountSettings::default(),
            near_cache: Some(CAPACITY),
            session_data_limit: 16 * 1024,
            sinks: Vec::new(),
        };
        Self { settings, data_size: DataSize::default() }
    }

    /// Sets the type of the application's own data in each session.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use tower_session_auth::SessionManager;
    ///
    /// #[derive(Default, Deserialize, Serialize)]
    /// struct Cart {
    ///     items: Vec<u64>,
    /// }
    ///
    /// let builder = SessionManager::builder().data::<Cart>();
    /// # let _ = builder;
    /// ```
    pub fn data<D: SessionData>(self) -> SessionManagerBuilder<D> {
        SessionManagerBuilder { settings: self.settings, data_size: DataSize::default() }
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the store. Default: a [`MemoryStore`] that uses this builder's [`clock`](Self::clock).
    /// That store serves one process, and its sessions are lost when the process ends.
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.settings.store = Some(Arc::new(store));
        self
    }

    /// Sets the timeout of one store call, counted from when the call is sent. Default: 250
    /// milliseconds. Range: 1 millisecond to 10 seconds.
    ///
    /// A request without a valid cache entry calls the store once or twice. The first call loads
    /// the session. If the session is not live, the second call reads the reason. The check of a
    /// request has a deadline: `2 * (store timeout + directory timeout)`, see
    /// [`directory_timeout`](Self::directory_timeout). The deadline includes the time in which the
    /// request waits for a call that another request has started. A request that misses the
    /// deadline is rejected with 503 [`Overloaded`](crate::AuthErrorKind::Overloaded), under every
    /// [failure policy](crate::FailurePolicy).
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.settings.store_timeout = timeout;
        self
    }

    /// Sets the host's clock, which the manager uses for JWT times. Sessions use the store's clock.
    /// Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Sets the session limit: the number of live sessions per user. Default: 100. `max` must not
    /// exceed the [`hard_session_limit`](Self::hard_session_limit). If `max` is 0, the hard session
    /// limit applies. The limit is exact, even if logins run concurrently.
    ///
    /// The cost of revoking or listing all sessions of a user is linear in their number. The cost
    /// of a login does not depend on that number, except when the user is at the limit.
    pub fn session_limit(mut self, max: u32) -> Self {
        self.settings.session_limit = max;
        self
    }

    /// Sets the session limit that applies if [`session_limit`](Self::session_limit) is 0. Default:
    /// 10,000. Range: 1 to 50,000.
    ///
    /// A login at the limit first removes the user's expired sessions. If no session has expired,
    /// [`when_full`](Self::when_full) applies. An eviction examines all sessions of the user, which
    /// costs about 2 µs of Redis time for each session. Evictions are rare, because one eviction
    /// revokes 1 % of this limit in one step (at least one session): the least recently used
    /// sessions. With the default limit of 10,000, only one of a hundred logins at the limit causes
    /// an eviction. With [`WhenFull::Refuse`], every login of a user at the limit examines all
    /// sessions of the user.
    pub fn hard_session_limit(mut self, max: u32) -> Self {
        self.settings.hard_session_limit = max;
        self
    }

    /// Sets what a login at the session limit does. Default: the login evicts the least recently
    /// used session.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.settings.when_full = when_full;
        self
    }

    /// Emits [`Suspicion::LoginRate`](crate::telemetry::events::Suspicion::LoginRate) when a user
    /// opens more than `logins` sessions within the time `within`, counted over all processes.
    /// `logins` must be at least 1, and `within` must be 1 second to 24 hours. Off by default.
    pub fn login_rate(mut self, logins: u32, within: Duration) -> Self {
        self.settings.login_rate = Some((logins, within));
        self
    }

    /// Adds a sink that receives [events](crate::telemetry::events). Each call of this method adds
    /// another sink. Default: no sink.
    ///
    /// Each sink receives its events on its own thread, which starts with the [`Worker`].
    pub fn event_sink(mut self, sink: impl EventSink) -> Self {
        self.settings.sinks.push(Box::new(sink));
        self
    }

    /// Checks the settings and tests the keys. In the test, each key signs, verifies, and rejects a
    /// forged signature. Returns the manager, and the worker that writes touches in the background.
    /// This method does no I/O. An unavailable store therefore causes no error here, but the first
    /// request or [`health`](SessionManager::health) reports it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that is missing, out of range or not usable.
    pub fn build(self) -> Result<(SessionManager<D>, Worker), ConfigError> {
        let Settings {
            keys,
            issuer,
            audience,
            refresh_keys,
            refresh_grace,
            refresh_retry,
            leeway,
            accept_typ_jwt,
            store,
            store_timeout,
            clock,
            lifetimes,
            idle_ttl_is_set,
            refresh_threshold,
            touch_interval,
            session_limit,
            hard_session_limit,
            when_full,
            login_rate,
            accounts,
            near_cache,
            session_data_limit,
            sinks,
        } = self.settings;
        let touch = TouchRules {
            interval: touch_interval,
            refresh_threshold,
            idle_ttl: lifetimes.idle_ttl,
            record_rotation: !refresh_retry.is_zero(),
        };
        validation::check_durations(lifetimes, touch, store_timeout)?;
        if idle_ttl_is_set {
            validation::check_idle_ttl(lifetimes)?;
        }
        validation::check_accounts(login_rate, &accounts)?;
        validation::check_memory(near_cache, session_data_limit)?;
        validation::check_refresh(refresh_grace, refresh_retry, lifetimes.jitter)?;
        let keys = keys.ok_or(ConfigError::Missing("keys"))?;
        let issuer = issuer.ok_or(ConfigError::Missing("issuer"))?.exactly();
        let audience = audience.ok_or(ConfigError::Missing("audience"))?.exactly();
        let refresh = refresh_keys
            .map(|keys| RefreshPolicy::new(keys, issuer.clone(), audience.clone()))
            .transpose()?;
        let policy = Policy::new(TokenSettings { keys, issuer, audience, leeway, accept_typ_jwt })?;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::with_clock(Arc::clone(&clock))));
        policy.issuer().into_iter().for_each(|issuer| store.used_by(issuer));
        let tracker = near_cache.and_then(|_| store.tracking()).map(|Tracking(tracker)| tracker);
        let near = near_cache.zip(tracker.clone());
        let data_size = self.data_size;
        let metrics = Metrics::new();
        let store_client = Arc::new(StoreClient::new(store, store_timeout, SCAN_TIMEOUT, &metrics));
        let (events, sinks) = Events::new(sinks, &metrics);
        let (sender, receiver) = mpsc::channel(QUEUE);
        let worker = worker::worker(
            receiver,
            Arc::clone(&store_client),
            Arc::clone(&clock),
            sinks,
            tracker,
            metrics.clone(),
        );
        let shared = Shared {
            store_client,
            touches: TouchQueue::new(sender, &worker, touch, Arc::clone(&clock), &metrics),
            policy_number: PolicyNumber::new(policy.number(None)),
            policy: ArcSwap::from_pointee(policy),
            replacing: Mutex::default(),
            refresh: refresh.map(|policy| Refresh::new(policy, refresh_grace, refresh_retry)),
            near: near.map(|(capacity, tracker)| NearCache::new(capacity, data_size, tracker)),
            revalidate_after: accounts.revalidate_after,
            ended: Cache::new(ENDED_KNOWN),
            clock: Arc::clone(&clock),
            lifetimes,
            limits: Limits {
                sessions: validation::session_limit(session_limit, hard_session_limit, when_full)?,
                logins: login_rate,
                session_data: session_data_limit,
            },
            accounts: accounts.build(clock, &metrics),
            attempts: LocalAttempts::default(),
            events,
            accepted: metrics.accepted(),
            metrics,
            statistics: LatestStatistics::default(),
            started: Tick::now(),
        };
        Ok((SessionManager { shared: Arc::new(shared), actor: None }, worker))
    }
}

// Keys and store settings stay out of logs.
impl<D> fmt::Debug for SessionManagerBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManagerBuilder")
            .field("leeway", &self.settings.leeway)
            .field("accept_typ_jwt", &self.settings.accept_typ_jwt)
            .field("store_timeout", &self.settings.store_timeout)
            .field("lifetimes", &self.settings.lifetimes)
            .field("refresh_threshold", &self.settings.refresh_threshold)
            .field("touch_interval", &self.settings.touch_interval)
            .finish_non_exhaustive()
    }
}
