//! A Redis server with live sessions, and a process that serves requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bb8_redis::{RedisConnectionManager, bb8};
use http::StatusCode;
use redis::aio::MultiplexedConnection;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tower::Layer as _;
use tower_session_auth::auth_layer::SessionAuth;
use tower_session_auth::manager::{NearCacheState, SessionManagerBuilder};
use tower_session_auth::worker::Background;
use tower_session_auth::{
    NewSession, RedisStore, RevokeReason, Session, SessionAuthLayer, SessionId, SessionManager,
    UserId,
};

use crate::baselines::{
    BareGetPttl, Bb8Get, Inner, JwtAnd, JwtOnly, Kept, Raw, SharedGet, Verifier, key_of,
};
use crate::floor::{Entry, Floor};
use crate::measure::{Bearer, Measured, ask, breathe};
use crate::support;
use crate::support::redis::RedisServer;

/// Concurrent logins while loading.
const AT_ONCE: usize = 64;

pub(crate) struct World {
    pub(crate) server: RedisServer,
    /// Runs all work that is not measured.
    pub(crate) runtime: Runtime,
    /// The manager of a second process of the same application, in which users log in and out.
    login: SessionManager,
    users: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(RedisServer::start());
        let login = builder(&server.url()).without_near_cache().build().unwrap().0;
        Self { server, runtime, login, users: 0 }
    }

    /// Logs in `count` users with one session each. Stores each session a second time in the form
    /// of a hand-written application.
    pub(crate) fn sign_in(&mut self, count: usize) -> Arc<[Bearer]> {
        let numbers = self.users..self.users + count;
        self.users += count;
        let (login, server) = (&self.login, &self.server);
        let mut bearers = self.runtime.block_on(async {
            let mut loaders = JoinSet::new();
            for loader in 0..AT_ONCE {
                let (login, numbers) = (login.clone(), numbers.clone());
                let connection = server.connection().await;
                loaders.spawn(async move {
                    let mut bearers = Vec::new();
                    for number in numbers.skip(loader).step_by(AT_ONCE) {
                        bearers.push((number, sign_in(&login, connection.clone(), number).await));
                    }
                    bearers
                });
            }
            loaders.join_all().await.concat()
        });
        bearers.sort_unstable();
        bearers.into_iter().map(|(_, (_, bearer))| bearer).collect()
    }

    /// Creates a session that can be revoked later.
    pub(crate) fn victim(&mut self) -> Victim {
        let user = user(self.users);
        let sign_in =
            async { sign_in(&self.login, self.server.connection().await, self.users).await };
        let (sid, bearer) = self.runtime.block_on(sign_in);
        self.users += 1;
        Victim { user, sid: SessionId::parse(&sid).unwrap(), bearer }
    }

    /// Logs in `count` users, and revokes their sessions.
    pub(crate) fn revoked(&mut self, count: usize) -> Arc<[Bearer]> {
        let victims: Vec<_> = (0..count).map(|_| self.victim()).collect();
        victims.iter().for_each(|victim| self.sign_out(victim));
        victims.into_iter().map(|victim| victim.bearer).collect()
    }

    /// Revokes the session in both forms.
    pub(crate) fn sign_out(&self, victim: &Victim) {
        self.runtime.block_on(async {
            let Victim { user, sid, .. } = victim;
            assert!(self.login.revoke(user, sid, RevokeReason::Logout).await.unwrap().was_live());
            assert_eq!(self.server.number(&["DEL", &key_of(sid.as_str())]).await, 1);
        });
    }
}

/// A manager over this Redis, with timeouts that are long enough for a busy machine.
pub(crate) fn builder(redis: &str) -> SessionManagerBuilder {
    const PATIENCE: Duration = Duration::from_secs(5);
    let store = RedisStore::builder(redis).timeout(PATIENCE);
    support::builder().store(store.build().unwrap()).store_timeout(PATIENCE)
}

pub(crate) struct Victim {
    user: UserId,
    sid: SessionId,
    pub(crate) bearer: Bearer,
}

fn user(number: usize) -> UserId {
    support::user(&format!("user-{number}"))
}

/// Creates a session of a typical size in a web application, about 300 bytes.
async fn sign_in(
    manager: &SessionManager,
    mut connection: MultiplexedConnection,
    number: usize,
) -> (String, Bearer) {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let user = user(number);
    let kept = Kept {
        user_id: user.as_str().to_owned(),
        user_name: format!("Somebody Called {}", user.as_str()),
        email: format!("{}@example.com", user.as_str()),
        roles: vec!["user".to_owned()],
        ip_address: "203.0.113.195".to_owned(),
        user_agent: AGENT.to_owned(),
        created_at: 1_893_456_000_000,
        last_activity: 1_893_456_000_000,
    };
    let new = NewSession::new(user)
        .user_name(&*kept.user_name)
        .email(&*kept.email)
        .role("user")
        .ip_address(kept.ip_address.parse().unwrap())
        .user_agent(AGENT);
    let login = manager.create(new).await.unwrap();
    let sid = login.session.id().as_str().to_owned();
    let mut set = redis::cmd("SET");
    set.arg(key_of(&sid)).arg(serde_json::to_string(&kept).unwrap()).arg("EX").arg(3_600);
    set.exec_async(&mut connection).await.unwrap();
    (sid, format!("Bearer {}", login.access_token).into())
}

/// A serving process: one manager, its worker, and the services to compare, on a separate runtime.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) manager: SessionManager,
    background: Option<Background>,
    pub(crate) bare: Inner<()>,
    pub(crate) floor: Floor<Inner<Arc<Entry>>>,
    pub(crate) cached: SessionAuth<Inner<Session>>,
    pub(crate) strict: SessionAuth<Inner<Session>>,
    pub(crate) jwt: JwtOnly<Inner<crate::baselines::Claims>>,
    pub(crate) bb8: JwtAnd<Inner<Kept>, Bb8Get>,
    pub(crate) shared: JwtAnd<Inner<Kept>, SharedGet>,
    pub(crate) pipelined: JwtAnd<Inner<Raw>, BareGetPttl>,
}

impl Stage {
    /// Uses one thread, so that the benchmark measures the work and not the time to wake another
    /// thread.
    pub(crate) fn one_thread(world: &World) -> Self {
        Self::on(Builder::new_current_thread().enable_all().build().unwrap(), world, None)
    }

    /// Uses one thread and a near cache for this many entries.
    pub(crate) fn of_capacity(world: &World, capacity: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self::on(runtime, world, Some(capacity))
    }

    pub(crate) fn two_workers(world: &World) -> Self {
        let mut builder = Builder::new_multi_thread();
        Self::on(builder.worker_threads(2).enable_all().build().unwrap(), world, None)
    }

    fn on(runtime: Runtime, world: &World, capacity: Option<usize>) -> Self {
        let server = &world.server;
        let verifier = Verifier::new();
        let (pool, connection) = runtime.block_on(async {
            let stock = RedisConnectionManager::new(server.url()).unwrap();
            (bb8::Pool::builder().build(stock).await.unwrap(), server.connection().await)
        });
        let builder = builder(&server.url());
        let builder = match capacity {
            // Filling takes long. The first entries must not be due for a new load before the last
            // ones are in the cache.
            Some(capacity) => {
                builder
                    .near_cache_capacity(capacity)
                    // Enough bytes for all entries, so that only their number is the limit.
                    .near_cache_bytes(1 << 33)
                    .revalidate_after(Duration::from_secs(3_600))
            }
            None => builder,
        };
        let (manager, worker) = builder.build().unwrap();
        let background = Some(runtime.block_on(async { worker.start() }));
        let layer = SessionAuthLayer::new(manager.clone());
        let strict = layer.clone().max_staleness(Duration::ZERO).unwrap();
        let stage = Self {
            runtime,
            manager,
            background,
            bare: Inner::new(),
            floor: Floor::new(Inner::new()),
            cached: layer.layer(Inner::new()),
            strict: strict.layer(Inner::new()),
            jwt: JwtOnly { inner: Inner::new(), verifier: verifier.clone() },
            bb8: JwtAnd { inner: Inner::new(), verifier: verifier.clone(), lookup: Bb8Get(pool) },
            shared: JwtAnd {
                inner: Inner::new(),
                verifier: verifier.clone(),
                lookup: SharedGet(connection.clone()),
            },
            pipelined: JwtAnd { inner: Inner::new(), verifier, lookup: BareGetPttl(connection) },
        };
        stage.until_coherent();
        stage
    }

    /// Waits until the near cache is coherent.
    pub(crate) fn until_coherent(&self) {
        let give_up = Instant::now() + Duration::from_secs(10);
        self.runtime.block_on(async {
            while self.manager.near_cache().state != NearCacheState::Coherent {
                assert!(Instant::now() < give_up, "{:?}", self.manager.near_cache());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }

    /// Sends one request per token, and repeats that until every request is a cache hit.
    pub(crate) fn warm_up(&self, bearers: &[Bearer]) {
        self.until_coherent();
        let give_up = Instant::now() + Duration::from_secs(600);
        loop {
            let misses = self.misses();
            self.runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for some in bearers.chunks(bearers.len().div_ceil(AT_ONCE)) {
                    let (mut service, some) = (self.cached.clone(), some.to_vec());
                    tasks.spawn(async move {
                        for bearer in some {
                            ask(&mut service, &bearer, StatusCode::OK).await;
                            // Yield, so that a pass with hits only does not block the invalidation
                            // connection.
                            breathe().await;
                        }
                    });
                }
                tasks.join_all().await;
            });
            if self.misses() == misses {
                break;
            }
            assert!(Instant::now() < give_up, "{:?}", self.manager.near_cache());
        }
    }

    /// Sends two requests per token, all of which are rejected. The near cache answers the second
    /// one.
    pub(crate) fn refuse(&self, bearers: &[Bearer]) {
        self.until_coherent();
        let before = self.misses();
        for bearer in bearers.iter().chain(bearers) {
            self.one(&self.cached, bearer, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(self.misses() - before, bearers.len() as u64, "each second one is a hit");
    }

    pub(crate) fn misses(&self) -> u64 {
        self.manager.near_cache().misses
    }

    /// Checks that the compared services do their work: each rejects forged tokens, and each one
    /// that checks the session rejects revoked sessions.
    pub(crate) fn verify(&self, world: &mut World) {
        let victim = world.victim();
        let forged = forged(&victim.bearer);
        macro_rules! each {
            ($expected:expr, $bearer:expr, $($service:ident)+) => {
                $(self.one(&self.$service, $bearer, $expected);)+
            };
        }
        each!(StatusCode::OK, &victim.bearer, cached strict jwt bb8 shared pipelined);
        each!(StatusCode::UNAUTHORIZED, &forged, cached strict jwt bb8 shared pipelined);
        each!(StatusCode::UNAUTHORIZED, "Bearer x", cached strict jwt bb8 shared pipelined);
        self.one(&self.bare, &victim.bearer, StatusCode::ACCEPTED);
        world.sign_out(&victim);
        each!(StatusCode::UNAUTHORIZED, &victim.bearer, strict bb8 shared pipelined);
        // Another process revoked the session, so the push message may arrive a little later.
        let give_up = Instant::now() + Duration::from_secs(1);
        while self.status(&self.cached, &victim.bearer) != StatusCode::UNAUTHORIZED {
            assert!(Instant::now() < give_up, "a session that has ended is served for a second");
        }
        self.one(&self.jwt, &victim.bearer, StatusCode::OK);
    }

    fn one<S: Measured>(&self, service: &S, bearer: &str, expected: StatusCode) {
        self.runtime.block_on(ask(&mut service.clone(), bearer, expected));
    }

    fn status<S: Measured>(&self, service: &S, bearer: &str) -> StatusCode {
        use tower::ServiceExt as _;
        let answer = service.clone().oneshot(crate::measure::request(bearer));
        let Ok(response) = self.runtime.block_on(answer);
        self.runtime.block_on(breathe());
        response.status()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(background) = self.background.take() {
            self.runtime.block_on(background.stop()).unwrap();
        }
    }
}

/// Changes the signature. The last character of an HS256 signature holds four bits; the replacement
/// changes them and stays canonical.
pub(crate) fn forged(bearer: &str) -> String {
    let kept = &bearer[..bearer.len() - 1];
    format!("{kept}{}", if bearer.ends_with('A') { 'E' } else { 'A' })
}
