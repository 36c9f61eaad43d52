//! Tests the failure policies when requests wait for each other's calls, when the directory is
//! slow, and when the store is unavailable. The clock is paused, so that a test can drop each
//! request at an exact time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::authenticate::lookup::Lookup;
use crate::authenticate::request_policy::Staleness;
use crate::cache::{Capacity, DataSize, NearCache};
use crate::clock::{Clock, Timestamp};
use crate::coherence::{CacheCounters, Generations, Lease, Stamp};
use crate::directory::{BoxError, User, UserDirectory};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::session::NewSession;
use crate::store::answer::Answer;
use crate::store::{
    MemoryStore, SessionStore, StoreError, StoreErrorKind, Target, Tracked, Tracker,
};
use crate::token::{KeySet, SigningKey};

const MS: Duration = Duration::from_millis(1);
const POLICIES: [FailurePolicy; 3] = [
    FailurePolicy::Refuse,
    FailurePolicy::ServeStale(Duration::from_secs(60)),
    FailurePolicy::TokenOnly,
];

const ANSWERS: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

/// A fake store that reports invalidations. A test decides how its reads behave.
struct Server {
    store: MemoryStore,
    mood: AtomicU8,
    lease: Arc<Lease>,
    counters: Arc<CacheCounters>,
}

impl Tracker for Server {
    fn stamp(&self, user: &UserId, _now: Tick) -> Option<Stamp> {
        Some(Stamp::take(&self.lease, user.as_str().as_bytes()))
    }

    fn load<'a>(
        &'a self,
        _stamp: &'a Stamp,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Tracked> {
        Box::pin(async move {
            match self.mood.load(Ordering::Relaxed) {
                FAILS => Err(StoreError::new(StoreErrorKind::Unavailable)),
                HANGS => std::future::pending().await,
                _ => {
                    // As with a server, the answer is never ready at the first poll.
                    tokio::task::yield_now().await;
                    let record = SessionStore::load(&self.store, user, id, idle_bound).await?;
                    Ok(Tracked { record, is_tracked: true })
                }
            }
        })
    }

    fn invalidate(&self, user: &UserId) {
        let generations = self.lease.generations();
        generations.bump(generations.slot(user.as_str().as_bytes()));
    }

    fn run(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    fn is_coherent(&self) -> bool {
        true
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn heartbeat_interval(&self) -> Duration {
        100 * MS
    }

    fn counters(&self) -> &Arc<CacheCounters> {
        &self.counters
    }
}

/// Tokio's clock, which the tests pause.
#[derive(Clone, Copy)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_893_456_000_000).saturating_add(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

const ACTIVE: u8 = 0;
const INACTIVE: u8 = 1;
const BROKEN: u8 = 2;
const SILENT: u8 = 3;

/// A directory that answers after `delay`.
#[derive(Clone)]
struct Directory {
    delay: Duration,
    says: Arc<AtomicU8>,
    asked: Arc<AtomicUsize>,
}

impl UserDirectory for Directory {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        sleep(self.delay).await;
        match self.says.load(Ordering::Relaxed) {
            BROKEN => Err("it is broken".into()),
            SILENT => std::future::pending().await,
            says => Ok(Some(User::new(says == ACTIVE))),
        }
    }
}

struct World {
    manager: SessionManager,
    server: Arc<Server>,
    directory: Directory,
    token: String,
    session: SessionId,
}

impl World {
    /// Builds a manager with a session in its near cache. The manager asks the store and the
    /// directory for each request. If `delay` is over 250 ms, the directory timeout is 1 s. All
    /// other timeouts are the defaults.
    async fn new(delay: Duration) -> Self {
        Self::with(delay, Duration::ZERO).await
    }

    async fn with(delay: Duration, revalidate_after: Duration) -> Self {
        let clock = Paused(Instant::now());
        let store = MemoryStore::with_clock(clock);
        let directory = Directory { delay, says: Arc::default(), asked: Arc::default() };
        let key = SigningKey::hs256("k1", b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9").unwrap();
        let (mut manager, _worker) = SessionManager::builder()
            .keys(KeySet::new(key))
            .issuer("https://issuer.test")
            .audience("test")
            .clock(clock)
            .store(store.clone())
            .directory(directory.clone())
            .directory_timeout(if delay > 250 * MS { 1_000 * MS } else { 250 * MS })
            .revalidate_after(revalidate_after)
            .build()
            .unwrap();
        let lease = Arc::new(Lease::new(Arc::new(Generations::new(4))));
        lease.renew(Tick::now());
        let server = Arc::new(Server {
            store,
            mood: AtomicU8::new(ANSWERS),
            lease,
            counters: Arc::default(),
        });
        let shared = Arc::get_mut(&mut manager.shared).expect("nothing else holds `shared` yet");
        shared.near = Some(NearCache::new(
            Capacity { tokens: 64, bytes: 1 << 20 },
            DataSize::default(),
            Arc::clone(&server) as Arc<dyn Tracker>,
        ));
        let user = UserId::parse("jeju").unwrap();
        let login = manager.create(NewSession::new(user).role("admin")).await.unwrap();
        let (token, session) = (login.access_token, login.session.id().clone());
        let world = Self { manager, server, directory, token, session };
        assert_eq!(world.outcome(FailurePolicy::Refuse).await, "live");
        world
    }

    fn set_directory(&self, says: u8) {
        self.directory.says.store(says, Ordering::Relaxed);
    }

    fn set_store(&self, mood: u8) {
        self.server.mood.store(mood, Ordering::Relaxed);
    }

    /// Sends a request to a layer with this policy. Returns its outcome as text, or `None` if the
    /// request was dropped after `patience`.
    fn request(&self, policy: FailurePolicy, patience: Duration) -> JoinHandle<Option<String>> {
        self.request_of(&self.token, RequestPolicy { policy, ..RequestPolicy::default() }, patience)
    }

    fn request_of(
        &self,
        token: &str,
        request_policy: RequestPolicy,
        patience: Duration,
    ) -> JoinHandle<Option<String>> {
        let (manager, token) = (self.manager.clone(), token.to_owned());
        let check = async move {
            let lookup = match manager.lookup(token.as_bytes(), &request_policy) {
                Lookup::Verified(verified) => manager.check(&verified, &request_policy).await,
                Lookup::Passes(session) => Ok(Passed::Session(session)),
                Lookup::Refused(error) => Err(error),
            };
            match lookup {
                Ok(Passed::Session(session)) if session.is_stale() => "stale".to_owned(),
                Ok(Passed::Session(_)) => "live".to_owned(),
                Ok(Passed::TokenOnly(_)) => "token only".to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            }
        };
        #[expect(clippy::disallowed_methods, reason = "each request is a task, as in a server")]
        tokio::spawn(async move { timeout(patience, check).await.ok() })
    }

    async fn outcome(&self, policy: FailurePolicy) -> String {
        self.request(policy, Duration::from_secs(60)).await.unwrap().expect("60 s are enough")
    }
}

/// Sends `count` requests at once. Drops all requests but the last, one after another, at intervals
/// of `apart`. Returns the outcome of the last request.
async fn last_when_others_leave(
    world: &World,
    policy: FailurePolicy,
    count: u32,
    apart: Duration,
) -> String {
    let others: Vec<_> = (1..count).map(|number| world.request(policy, number * apart)).collect();
    let last = world.outcome(policy).await;
    for other in others {
        assert!(matches!(other.await, Ok(None)), "the request was dropped");
    }
    last
}

#[tokio::test(start_paused = true)]
async fn inactive_account_is_rejected_under_each_policy_when_other_requests_disconnect() {
    for policy in POLICIES {
        for (count, apart) in [(5, 85 * MS), (5, 99 * MS), (8, 85 * MS)] {
            let world = World::new(100 * MS).await;
            world.set_directory(INACTIVE);
            let seen = last_when_others_leave(&world, policy, count, apart).await;
            assert_eq!(seen, "AccountInactive", "{policy:?}, {count} requests, {apart:?} apart");
            assert!(!world.manager.shared.store_client.is_open(), "the store is healthy");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn active_account_is_accepted_under_each_policy_when_other_requests_disconnect() {
    for policy in POLICIES {
        let world = World::new(100 * MS).await;
        assert_eq!(last_when_others_leave(&world, policy, 8, 85 * MS).await, "live", "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_request_fails_as_overloaded_under_each_policy_after_twice_the_timeouts() {
    for policy in POLICIES {
        let world = World::new(100 * MS).await;
        let began = Instant::now();
        let others: Vec<_> = (1..20).map(|n| world.request(policy, n * 85 * MS)).collect();
        assert_eq!(world.outcome(policy).await, "Overloaded", "{policy:?}");
        assert_eq!(began.elapsed(), 1_000 * MS, "{policy:?}");
        drop(others);
    }
}

#[tokio::test(start_paused = true)]
async fn store_call_cut_short_by_the_request_deadline_does_not_open_the_circuit() {
    for policy in POLICIES {
        let world = World::new(200 * MS).await;
        // For the first 900 ms, the last request waits for the directory calls of the other
        // requests. After that, it makes a store call of its own, and the store does not answer
        // this call.
        let others: Vec<_> = (1..=6).map(|n| world.request(policy, n * 150 * MS)).collect();
        let began = Instant::now();
        let last = world.request(policy, Duration::from_secs(60));
        sleep(890 * MS).await;
        world.set_store(HANGS);
        assert_eq!(last.await.unwrap().unwrap(), "Overloaded", "{policy:?}");
        assert_eq!(began.elapsed(), 1_000 * MS);
        assert!(!world.manager.shared.store_client.is_open(), "the call had 100 of 250 ms");
        drop(others);
    }
}

#[tokio::test(start_paused = true)]
async fn request_after_a_logout_in_another_process_is_rejected_while_directory_is_slow() {
    for policy in POLICIES {
        let world = World::new(400 * MS).await;
        let earlier = world.request(policy, Duration::from_secs(60));
        sleep(50 * MS).await;
        let user = UserId::parse("jeju").unwrap();
        let ended = world
            .server
            .store
            .revoke(&user, &Target::from(&world.session), RevokeReason::Logout)
            .await;
        assert!(ended.unwrap().was_live());
        world.server.invalidate(&user);
        assert_eq!(world.outcome(policy).await, "SessionRevoked", "{policy:?}");
        assert_eq!(earlier.await.unwrap().unwrap(), "live", "sent before the logout");
    }
}

#[tokio::test(start_paused = true)]
async fn directory_still_decides_while_the_store_is_unavailable() {
    for (mood, waits) in [(FAILS, Duration::ZERO), (HANGS, 250 * MS)] {
        for (says, seen) in [
            (ACTIVE, ["StoreUnavailable", "stale", "token only"]),
            (INACTIVE, ["StoreUnavailable", "AccountInactive", "AccountInactive"]),
            (BROKEN, ["StoreUnavailable", "DirectoryUnavailable", "DirectoryUnavailable"]),
        ] {
            for (policy, seen) in POLICIES.into_iter().zip(seen) {
                let world = World::new(100 * MS).await;
                world.set_directory(says);
                world.set_store(mood);
                let (began, asked) =
                    (Instant::now(), world.directory.asked.load(Ordering::Relaxed));
                assert_eq!(world.outcome(policy).await, seen, "{policy:?} {says} {mood}");
                let asks = policy != FailurePolicy::Refuse;
                let took = waits + if asks { 100 * MS } else { Duration::ZERO };
                assert_eq!(began.elapsed(), took, "{policy:?} {says} {mood}");
                let asked = world.directory.asked.load(Ordering::Relaxed) - asked;
                assert_eq!(asked, usize::from(asks), "`Refuse` makes no directory call");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn directory_timeout_rejects_the_request_while_the_store_is_unavailable() {
    for policy in [POLICIES[1], POLICIES[2]] {
        let world = World::new(100 * MS).await;
        world.set_store(FAILS);
        world.set_directory(SILENT);
        let began = Instant::now();
        assert_eq!(world.outcome(policy).await, "DirectoryUnavailable", "{policy:?}");
        assert_eq!(began.elapsed(), 250 * MS, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cached_directory_answer_counts_and_expires_while_the_store_is_unavailable() {
    let world = World::with(100 * MS, Duration::from_secs(30)).await;
    let user = UserId::parse("jeju").unwrap();
    let second = world.manager.create(NewSession::new(user)).await.unwrap().access_token;
    world.set_directory(INACTIVE);
    world.set_store(FAILS);
    let asked = world.directory.asked.load(Ordering::Relaxed);
    let request_policy =
        RequestPolicy { policy: FailurePolicy::TokenOnly, ..RequestPolicy::default() };
    let sees = || world.request_of(&second, request_policy.clone(), Duration::from_secs(60));
    assert_eq!(sees().await.unwrap().unwrap(), "token only");
    assert_eq!(world.directory.asked.load(Ordering::Relaxed), asked, "the cached answer is used");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(sees().await.unwrap().unwrap(), "AccountInactive");
}

#[tokio::test(start_paused = true)]
async fn inactive_account_is_rejected_by_strict_layers_and_without_a_near_cache() {
    for is_strict in [true, false] {
        for policy in POLICIES {
            let mut world = World::new(100 * MS).await;
            if !is_strict {
                Arc::get_mut(&mut world.manager.shared).unwrap().near = None;
            }
            let staleness = if is_strict { Staleness::Never } else { Staleness::Lease };
            let request_policy = RequestPolicy { policy, staleness, ..RequestPolicy::default() };
            world.set_directory(INACTIVE);
            let others: Vec<_> = (1..5)
                .map(|n| world.request_of(&world.token, request_policy.clone(), n * 85 * MS))
                .collect();
            let last =
                world.request_of(&world.token, request_policy.clone(), Duration::from_secs(60));
            assert_eq!(last.await.unwrap().unwrap(), "AccountInactive", "{policy:?} {is_strict}");
            drop(others);
        }
    }
}
