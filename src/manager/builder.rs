//! Every setting of the manager, its default, and why.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use tokio::sync::mpsc;

use super::accounts::AccountSettings;
use super::near_cache::{self, PolicyNumber};
use super::refresh::Refresh;
use super::{Lifetimes, Limits, SessionManager, Shared, rules, walk};
use crate::clock::{Clock, SystemClock};
use crate::coherence::Tick;
use crate::error::ConfigError;
use crate::events::{EventSink, Events};
use crate::gate::Gate;
use crate::meter::Meter;
use crate::near::{Capacity, DataSize, Near};
use crate::session::SessionData;
use crate::store::erased::ErasedStore;
use crate::store::{MemoryStore, SessionStore, Tracking, WALK_TIMEOUT, WhenFull};
use crate::token::{KeySet, Policy, RefreshPolicy, TokenSettings};
use crate::touch::{self, TouchQueue, TouchRules, Worker};

/// Uses that may wait for the worker, about 2 MiB. The worker empties it several times a second; one that is full costs
/// nothing but a later touch.
const QUEUE: usize = 16_384;

/// Sessions that a process knows to have ended.
const ENDED_KNOWN: usize = 16_384;

/// Configures a [`SessionManager`]. Keys, issuer and audience must be given (the last two may be switched off by name);
/// everything else has a default.
#[must_use = "a builder does nothing until it is built"]
pub struct SessionManagerBuilder<D = ()> {
    pub(super) settings: Settings,
    pub(super) data_size: DataSize<D>,
}

/// All that can be set; none of it depends on the sessions' data.
pub(super) struct Settings {
    keys: Option<KeySet>,
    issuer: Option<Expected>,
    audience: Option<Expected>,
    pub(super) refresh_keys: Option<KeySet>,
    pub(super) refresh_grace: Duration,
    pub(super) refresh_retry: Duration,
    leeway: Duration,
    accept_typ_jwt: bool,
    store: Option<Arc<dyn ErasedStore>>,
    store_timeout: Duration,
    clock: Arc<dyn Clock>,
    pub(super) lifetimes: Lifetimes,
    pub(super) idle_ttl_is_set: bool,
    pub(super) refresh_threshold: Option<Duration>,
    pub(super) touch_interval: Duration,
    session_limit: u32,
    hard_session_limit: u32,
    when_full: WhenFull,
    login_rate: Option<(u32, Duration)>,
    pub(super) accounts: AccountSettings,
    pub(super) near_cache: Option<Capacity>,
    pub(super) session_data_limit: usize,
    sinks: Vec<Box<dyn EventSink>>,
}

/// What a claim must be. Saying nothing is not the same as saying "any".
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
    pub(super) fn new() -> Self {
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
            near_cache: Some(near_cache::CAPACITY),
            session_data_limit: 16 * 1024,
            sinks: Vec::new(),
        };
        Self { settings, data_size: DataSize::default() }
    }

    /// Each session carries a `D` of the application's own.
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
    /// The keys that sign and verify access tokens. No default.
    pub fn keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.keys = Some(keys.into());
        self
    }

    /// Who signs: put into each token as `iss`, and demanded of each. No default.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.issuer = Some(Expected::Exactly(issuer.into()));
        self
    }

    /// Takes tokens of any issuer or none, and signs without `iss`.
    ///
    /// Safe only while nobody else signs with these keys.
    pub fn accept_any_issuer(mut self) -> Self {
        self.settings.issuer = Some(Expected::Any);
        self
    }

    /// For whom: put into each token as `aud`, and demanded of each (RFC 7519 section 4.1.3). No default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.settings.audience = Some(Expected::Exactly(audience.into()));
        self
    }

    /// Takes tokens for any audience or none, and signs without `aud`.
    ///
    /// A token that was meant for another service of yours is then good here too.
    pub fn accept_any_audience(mut self) -> Self {
        self.settings.audience = Some(Expected::Any);
        self
    }

    /// How far hosts' clocks may be apart when `exp`, `nbf` and `iat` are judged. 5 seconds by default, 5 minutes at
    /// most; with zero, a token is expired in the very second of its `exp`.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.settings.leeway = leeway;
        self
    }

    /// Also takes tokens of type `JWT`. By default only `at+jwt` counts (RFC 9068 section 4), so that another kind of
    /// token signed with the same key is never taken for an access token.
    pub fn accept_typ_jwt(mut self) -> Self {
        self.settings.accept_typ_jwt = true;
        self
    }

    /// Where sessions live. A [`MemoryStore`] by default (one process, gone when it ends), on the
    /// [`clock`](Self::clock) of this builder where one is set.
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.settings.store = Some(Arc::new(store));
        self
    }

    /// How long one call to the store may take, from when it is sent. 250 milliseconds by default, 10 seconds at most.
    ///
    /// Most requests make one call, some two. A request as a whole is checked within twice the sum of
    /// this and [`directory_timeout`](Self::directory_timeout), also while it waits for the calls of
    /// other requests; otherwise it is refused with 503
    /// [`Overloaded`](crate::AuthErrorKind::Overloaded), which opens no
    /// [failure policy](crate::FailurePolicy).
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.settings.store_timeout = timeout;
        self
    }

    /// The host's clock, on which JWT times are judged (sessions live on the store's). The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// How many living sessions one user may have. 100 by default, 0 for as many as the
    /// [`hard_session_limit`](Self::hard_session_limit), which it must not exceed. Exact, also under
    /// concurrent logins.
    ///
    /// A logout of everything, and a list of a user's sessions, are linear in their number. A login is
    /// not, unless the limit is reached.
    pub fn session_limit(mut self, max: u32) -> Self {
        self.settings.session_limit = max;
        self
    }

    /// How many living sessions one user may have where [`session_limit`](Self::session_limit) is 0.
    /// 10,000 by default, 1 to 50,000.
    ///
    /// At this number a login first prunes the user's sessions that have expired; if none has, then
    /// [`when_full`](Self::when_full) applies. An eviction ends 1 % of the limit at once, those that were
    /// used least recently, because the store looks at all sessions of the user for it: some 2 µs of
    /// Redis each. So the cost of a login does not grow with the number of sessions, but for one login
    /// in a hundred at the limit; with [`WhenFull::Refuse`], each login of a full user is that costly.
    pub fn hard_session_limit(mut self, max: u32) -> Self {
        self.settings.hard_session_limit = max;
        self
    }

    /// What a login does that would be one session too many. By default it ends the least recently used one.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.settings.when_full = when_full;
        self
    }

    /// Tells [`Suspicion::LoginRate`](crate::events::Suspicion::LoginRate) when one user opens more than `logins`
    /// sessions within `within` (1 second to 24 hours), counted over all processes. Not counted by default.
    pub fn login_rate(mut self, logins: u32, within: Duration) -> Self {
        self.settings.login_rate = Some((logins, within));
        self
    }

    /// Tells [events](crate::events) to `sink` as well; may be called several times. None by default.
    ///
    /// It gets them on a thread of its own, once the [`Worker`] is started.
    pub fn event_sink(mut self, sink: impl EventSink) -> Self {
        self.settings.sinks.push(Box::new(sink));
        self
    }

    /// Checks the configuration, tests the keys (each signs, verifies and refuses a forgery), and makes the manager and
    /// the worker that keeps its sessions alive. No I/O: a store that is away is found by the first request, or by
    /// [`health`](SessionManager::health).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that cannot work.
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
        rules::check_durations(lifetimes, touch, store_timeout)?;
        if idle_ttl_is_set {
            rules::check_idle_ttl(lifetimes)?;
        }
        rules::check_accounts(login_rate, &accounts)?;
        rules::check_memory(near_cache, session_data_limit)?;
        rules::check_refresh(refresh_grace, refresh_retry, lifetimes.jitter)?;
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
        let meter = Meter::new();
        let gate = Arc::new(Gate::new(store, store_timeout, WALK_TIMEOUT, &meter));
        let (events, sinks) = Events::new(sinks, &meter);
        let (sender, receiver) = mpsc::channel(QUEUE);
        let worker = touch::worker(
            receiver,
            Arc::clone(&gate),
            Arc::clone(&clock),
            sinks,
            tracker,
            meter.clone(),
        );
        let shared = Shared {
            gate,
            touches: TouchQueue::new(sender, &worker, touch, Arc::clone(&clock), &meter),
            policy_number: PolicyNumber::new(policy.number(None)),
            policy: ArcSwap::from_pointee(policy),
            replacing: Mutex::default(),
            refresh: refresh.map(|policy| Refresh::new(policy, refresh_grace, refresh_retry)),
            near: near.map(|(capacity, tracker)| Near::new(capacity, data_size, tracker)),
            revalidate_after: accounts.revalidate_after,
            ended: Cache::new(ENDED_KNOWN),
            clock: Arc::clone(&clock),
            lifetimes,
            limits: Limits {
                sessions: rules::session_limit(session_limit, hard_session_limit, when_full)?,
                logins: login_rate,
                session_data: session_data_limit,
            },
            accounts: accounts.build(clock, &meter),
            #[cfg(feature = "routes")]
            attempts: super::attempts::OwnCount::default(),
            events,
            accepted: meter.accepted(),
            meter,
            statistics: walk::Latest::default(),
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
