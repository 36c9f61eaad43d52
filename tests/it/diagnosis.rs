//! Diagnosis of a server that works: the store reports settings that are wrong, and logs each of
//! them once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tower_session_auth::clock::{Clock, SystemClock, Timestamp};
use tower_session_auth::store::redis::{Finding, TrackingRefusal};
use tower_session_auth::store::{MaintainStore, RedisStore, ScanSessions, StoreErrorKind};

use crate::support::commands::Commands;
use crate::support::log::Log;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::wait::until;
use crate::support::{UNHURRIED, login, ms, patient_builder};

const TOLD: &str = "the setup of the session store has a problem";

/// The system clock, with a monotonic time that a test advances by whole hours.
#[derive(Clone, Default)]
struct Hours(Arc<AtomicU64>);

impl Hours {
    fn pass(&self, hours: u64) {
        self.0.fetch_add(hours, Ordering::Relaxed);
    }
}

impl Clock for Hours {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Duration {
        let hours = self.0.load(Ordering::Relaxed);
        SystemClock.monotonic() + Duration::from_secs(60 * 60) * u32::try_from(hours).unwrap()
    }
}

/// The system clock, off by this many milliseconds.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

fn store(url: &str) -> RedisStore {
    RedisStore::builder(url).timeout(UNHURRIED).build().unwrap()
}

/// Returns how often a command was called on the server.
async fn calls(server: &RedisServer, command: &str) -> u64 {
    Commands::of(server).await.calls(command)
}

/// Returns the log of a worker that starts, diagnoses the store and runs some more upkeeps.
async fn logged(server: &RedisServer, store: RedisStore) -> String {
    let log = Log::default();
    let capture = log.capture();
    // Without a near cache, because its invalidation connection would be counted as well.
    let (manager, worker) = patient_builder(store).without_near_cache().build().unwrap();
    let background = worker.start();
    until("the store is diagnosed", async || calls(server, "client|tracking").await > 0).await;
    let upkeeps = calls(server, "time").await;
    until("another upkeep runs", async || calls(server, "time").await > upkeeps + 1).await;
    assert!(manager.health().await.connected);
    assert_eq!(calls(server, "client|tracking").await, 1, "the store is diagnosed once");
    background.stop().await.unwrap();
    drop(capture);
    log.text()
}

async fn assert_findings(
    server: &RedisServer,
    store: RedisStore,
    expected: &[Finding],
    fixes: &[&str],
) {
    assert_eq!(store.diagnose().await.unwrap().findings, expected);
    server.command(&["CONFIG", "RESETSTAT"]).await;
    let log = logged(server, store).await;
    let told: Vec<_> = log.lines().filter(|line| line.contains(TOLD)).collect();
    assert_eq!(told.len(), expected.len(), "{log}");
    for (line, fix) in told.iter().zip(fixes) {
        assert!(line.contains("WARN") && line.contains(fix), "{fix}: {line}");
    }
    assert_eq!(log.matches("WARN").count() + log.matches("ERROR").count(), told.len(), "{log}");
    assert!(!log.contains("127.0.0.1") && !log.contains(&server.port().to_string()), "{log}");
}

#[tokio::test]
async fn correctly_configured_server_has_no_findings() {
    let server = RedisServer::start().await;
    assert_findings(&server, store(&server.url()), &[], &[]).await;
}

#[tokio::test]
async fn eviction_policy_that_can_drop_sessions_is_reported() {
    for (policy, fix) in [
        ("allkeys-lru", "evicts any session when the memory is full: set it to noeviction"),
        (
            "volatile-ttl",
            "sessions (all of them have a TTL) when the memory is full: set it to noeviction",
        ),
    ] {
        let args = ["--maxmemory", "50mb", "--maxmemory-policy", policy];
        let server = RedisServer::start_with(&args).await;
        let expected = [Finding::EvictionPolicy(policy.to_owned())];
        assert_findings(&server, store(&server.url()), &expected, &[fix]).await;
    }
}

#[tokio::test]
async fn eviction_policy_that_cannot_drop_sessions_is_not_reported() {
    for args in [
        ["--maxmemory", "50mb", "--maxmemory-policy", "noeviction"],
        ["--maxmemory", "0", "--maxmemory-policy", "allkeys-lru"],
    ] {
        let server = RedisServer::start_with(&args).await;
        assert_eq!(store(&server.url()).diagnose().await.unwrap().findings, []);
    }
}

#[tokio::test]
async fn replica_is_reported() {
    let primary = RedisServer::start().await;
    let port = primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    let store = store(&replica.url());
    let diagnosis = store.diagnose().await.unwrap();
    assert_eq!(diagnosis.findings, [Finding::Replica]);
    assert_eq!(diagnosis.usable.unwrap_err().kind(), StoreErrorKind::NotPrimary);
    let log = Log::default();
    let capture = log.capture();
    let (manager, worker) = patient_builder(store).without_near_cache().build().unwrap();
    let background = worker.start();
    until("the store is diagnosed", async || {
        log.text().contains("give the address of the primary")
    })
    .await;
    assert!(!manager.health().await.connected, "a replica does not count as connected");
    background.stop().await.unwrap();
    drop(capture);
    let log = log.text();
    assert_eq!(log.matches(TOLD).count(), 1, "{log}");
    assert!(!log.contains("127.0.0.1") && !log.contains(&replica.port().to_string()), "{log}");
}

/// Creates a Redis user with the ACL rule of `docs/redis.md` and these additions. Returns its URL.
async fn least(server: &RedisServer, more: &[&str]) -> String {
    let rule = ACL_RULE.split_whitespace().chain(more.iter().copied());
    let words: Vec<_> = ["ACL", "SETUSER", "app", "on", ">p"].into_iter().chain(rule).collect();
    server.command(&words).await;
    format!("redis://app:p@127.0.0.1:{}/", server.port())
}

#[tokio::test]
async fn missing_permission_for_tracking_is_reported_but_not_one_for_info() {
    let args = ["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"];
    let server = RedisServer::start_with(&args).await;
    let url = least(&server, &["-client|tracking"]).await;
    let refused = Finding::TrackingRefused(TrackingRefusal::NotPermitted);
    // The user may not read the eviction policy.
    let found = store(&url).diagnose().await.unwrap().findings;
    assert_eq!(found, std::slice::from_ref(&refused));
    server.command(&["CONFIG", "RESETSTAT"]).await;
    let log = Log::default();
    let capture = log.capture();
    let (manager, worker) = patient_builder(store(&url)).build().unwrap();
    let background = worker.start();
    // One attempt is made for the near cache, and one by the diagnosis.
    until("the store is diagnosed", async || {
        Commands::of(&server).await.rejected("client|tracking") == 2
    })
    .await;
    let upkeeps = calls(&server, "time").await;
    until("another upkeep runs", async || calls(&server, "time").await > upkeeps + 1).await;
    login(&manager, "jeju").await;
    background.stop().await.unwrap();
    drop(capture);
    let log = log.text();
    assert_eq!(log.matches("WARN").count(), 1, "only the near cache warns, and once: {log}");
    assert!(log.contains("+client|tracking +get +set"), "{log}");

    let url = least(&server, &["+client|tracking"]).await;
    assert_eq!(store(&url).diagnose().await.unwrap().findings, []);
    let url = least(&server, &["+info", "-client|tracking"]).await;
    let found = store(&url).diagnose().await.unwrap().findings;
    assert_eq!(found, [Finding::EvictionPolicy("allkeys-lru".to_owned()), refused]);
}

#[tokio::test]
async fn clock_skew_is_reported() {
    let server = RedisServer::start().await;
    let wrong = |millis| {
        let builder = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED);
        builder.host_clock(Wrong(millis)).build().unwrap()
    };
    for millis in [90_000, -90_000] {
        let found = wrong(millis).diagnose().await.unwrap().findings;
        let [Finding::ClockSkew(apart)] = found[..] else { unreachable!("{found:?}") };
        // After a slow round trip, the estimate is less certain and smaller than the true
        // difference.
        assert!(apart > ms(60_000) && apart <= ms(90_002), "{apart:?}");
    }
    assert_eq!(wrong(500).diagnose().await.unwrap().findings, []);

    server.command(&["CONFIG", "RESETSTAT"]).await;
    let log = logged(&server, wrong(90_000)).await;
    assert_eq!(log.matches(TOLD).count(), 1, "{log}");
    assert!(log.contains(" s: synchronize both with NTP"), "{log}");
}

#[tokio::test]
async fn all_findings_are_reported_together_and_warnings_once_for_all_clones() {
    let primary = RedisServer::start().await;
    let port = primary.port().to_string();
    let policy = ["--maxmemory", "50mb", "--maxmemory-policy", "volatile-lru"];
    let args = [&policy[..], &["--replicaof", "127.0.0.1", &port]].concat();
    let server = RedisServer::start_with(&args).await;
    let url = least(&server, &["+info", "-client|tracking"]).await;
    let builder = RedisStore::builder(url.as_str()).timeout(UNHURRIED);
    let store = builder.host_clock(Wrong(-5_000)).build().unwrap();
    assert_eq!(store.clone().warnings().await.unwrap().len(), 3, "all findings except tracking");
    assert!(store.warnings().await.unwrap().is_empty());
    assert_eq!(
        store.diagnose().await.unwrap().findings.len(),
        4,
        "a direct diagnosis returns all findings again"
    );
}

#[tokio::test]
async fn failed_diagnosis_does_not_affect_requests_and_logs_no_warning() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    let store =
        RedisStore::builder(server.url().as_str()).pool_size(1).timeout(UNHURRIED).build().unwrap();
    let (manager, worker) = patient_builder(store.clone()).without_near_cache().build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    // The existing connection keeps working, and a new connection is refused.
    server.command(&["CONFIG", "SET", "requirepass", "changed"]).await;
    assert_eq!(store.diagnose().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let log = Log::default();
    let capture = log.capture();
    let background = worker.start();
    until("a diagnosis was tried", async || {
        log.text().contains("the diagnosis of the session store failed")
    })
    .await;
    assert!(manager.authenticate(&token).await.is_ok());
    assert!(manager.health().await.connected);
    assert_eq!(log.text().matches("WARN").count() + log.text().matches("ERROR").count(), 0);
    background.stop().await.unwrap();
    drop(capture);
    assert!(!log.text().contains("right"), "{}", log.text());
}

/// Returns a store whose manager issues tokens with this issuer.
fn application(url: &str, issuer: &str, prefix: &str, clock: Hours) -> RedisStore {
    let builder = RedisStore::builder(url).timeout(UNHURRIED).prefix(prefix).host_clock(clock);
    let store = builder.build().unwrap();
    let (_manager, _worker) = patient_builder(store.clone()).issuer(issuer).build().unwrap();
    store
}

const MARKS: &str = "session:{#}:issuers";

#[tokio::test]
async fn application_with_another_issuer_under_the_same_prefix_is_reported() {
    let server = RedisServer::start().await;
    let url = least(&server, &[]).await;
    let application =
        |issuer: &str, prefix: &str| application(&url, issuer, prefix, Hours::default());
    let shop = application("https://shop.test", "session");
    assert_eq!(shop.diagnose().await.unwrap().findings, []);
    // Another instance of the same application and an application with another prefix have no
    // findings.
    let again = application("https://shop.test", "session");
    assert_eq!(again.diagnose().await.unwrap().findings, []);
    let own = application("https://blog.test", "session:blog");
    assert_eq!(own.diagnose().await.unwrap().findings, []);

    let blog = application("https://blog.test", "session");
    assert_eq!(blog.diagnose().await.unwrap().findings, [Finding::SharedPrefix]);
    assert_eq!(shop.diagnose().await.unwrap().findings, [Finding::SharedPrefix]);
    let told = blog.warnings().await.unwrap();
    assert!(told[0].contains("give each application a prefix of its own"), "{told:?}");
    // The key `MARKS` has one field for each issuer, the hash of the issuer. The key expires. Scans
    // and cleanups do not treat this key as a user's key.
    let marks = server.command(&["HKEYS", MARKS]).await;
    let marks: Vec<String> = redis::from_redis_value(marks).unwrap();
    let is_hash = |mark: &String| mark.len() == 40 && mark.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(marks.len() == 2 && marks.iter().all(is_hash), "{marks:?}");
    assert!(server.number(&["PTTL", MARKS]).await > 0);
    assert!(shop.scan(None, 10).await.unwrap().unwrap().sessions.is_empty());
    assert_eq!(shop.cleanup(None).await.unwrap().unwrap().count, 0);

    // The mark of an issuer that was renamed long ago is removed.
    server.command(&["DEL", MARKS]).await;
    server.command(&["HSET", MARKS, "an-old-issuer", "1"]).await;
    assert_eq!(shop.diagnose().await.unwrap().findings, []);
    assert_eq!(server.number(&["HLEN", MARKS]).await, 1);
}

#[tokio::test]
async fn first_application_is_warned_of_a_second_issuer_once_within_an_hour() {
    let server = RedisServer::start().await;
    let clock = Hours::default();
    let application = |issuer: &str| application(&server.url(), issuer, "session", clock.clone());
    let (shop, blog) = (application("https://shop.test"), application("https://blog.test"));
    assert_eq!(shop.warnings().await.unwrap(), Vec::<String>::new());
    assert_eq!(blog.warnings().await.unwrap().len(), 1);

    let log = Log::default();
    let capture = log.capture();
    shop.upkeep().await.unwrap();
    assert_eq!(log.text().matches(TOLD).count(), 0, "the check is not due yet: {}", log.text());
    for _ in 0..3 {
        clock.pass(1);
        shop.upkeep().await.unwrap();
        blog.upkeep().await.unwrap();
    }
    assert!(shop.warnings().await.unwrap().is_empty(), "the warning was already returned");
    // The marks are written again, so that they do not expire.
    server.command(&["DEL", MARKS]).await;
    shop.upkeep().await.unwrap();
    assert_eq!(server.number(&["HLEN", MARKS]).await, 0, "not before an hour has passed");
    clock.pass(1);
    shop.upkeep().await.unwrap();
    assert_eq!(server.number(&["HLEN", MARKS]).await, 1);
    drop(capture);
    let log = log.text();
    let told: Vec<_> = log.lines().filter(|line| line.contains(TOLD)).collect();
    assert!(told.len() == 1 && told[0].contains("WARN"), "{told:?}");
    assert!(told[0].contains("give each application a prefix of its own"), "{told:?}");
}

#[tokio::test]
async fn other_issuers_are_found_on_a_server_that_refuses_writes() {
    let server = RedisServer::start().await;
    let application =
        |issuer: &str| application(&server.url(), issuer, "session", Hours::default());
    let (shop, blog) = (application("https://shop.test"), application("https://blog.test"));
    assert_eq!(blog.diagnose().await.unwrap().findings, []);
    for setting in ["maxmemory", "min-replicas-to-write"] {
        server.command(&["CONFIG", "SET", setting, "1"]).await;
        assert_eq!(shop.diagnose().await.unwrap().findings, [Finding::SharedPrefix], "{setting}");
        assert_eq!(server.number(&["HLEN", MARKS]).await, 1, "{setting}");
        server.command(&["CONFIG", "SET", setting, "0"]).await;
    }
}

#[tokio::test]
async fn store_without_a_manager_writes_no_issuer_mark() {
    let server = RedisServer::start().await;
    assert_eq!(store(&server.url()).diagnose().await.unwrap().findings, []);
    assert_eq!(server.number(&["DBSIZE"]).await, 0);
}
