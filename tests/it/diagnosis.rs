//! What a store finds wrong around a server that works, and that the log tells it once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tower_session_auth::clock::{Clock, SystemClock, Timestamp};
use tower_session_auth::store::redis::{Finding, TrackingRefusal};
use tower_session_auth::store::{RedisStore, SessionStore, StoreErrorKind};

use crate::support::commands::Commands;
use crate::support::log::Log;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::wait::until;
use crate::support::{UNHURRIED, login, ms, patient_builder};

const TOLD: &str = "the session store is not set up as it should be";

/// The system's clock, whose monotonic time a test moves on by so many hours.
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

/// The system's clock, set wrong.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

fn store(url: &str) -> RedisStore {
    RedisStore::builder(url).timeout(UNHURRIED).build().unwrap()
}

/// How often a command was called on the server.
async fn calls(server: &RedisServer, command: &str) -> u64 {
    Commands::of(server).await.calls(command)
}

/// All that is logged while a worker starts, diagnoses the store and goes on for some upkeeps more.
async fn logged(server: &RedisServer, store: RedisStore) -> String {
    let log = Log::default();
    let capture = log.capture();
    // Whose link to Redis would be counted as well.
    let (manager, worker) = patient_builder(store).without_near_cache().build().unwrap();
    let background = worker.start();
    until("a diagnosis", async || calls(server, "client|tracking").await > 0).await;
    let upkeeps = calls(server, "time").await;
    until("an upkeep", async || calls(server, "time").await > upkeeps + 1).await;
    assert!(manager.health().await.connected);
    assert_eq!(calls(server, "client|tracking").await, 1, "it looks once");
    background.stop().await.unwrap();
    drop(capture);
    log.text()
}

async fn finds(server: &RedisServer, store: RedisStore, expected: &[Finding], fixes: &[&str]) {
    assert_eq!(store.diagnose().await.unwrap(), expected);
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
async fn a_server_that_is_as_it_should_be_is_left_in_peace() {
    let server = RedisServer::start().await;
    finds(&server, store(&server.url()), &[], &[]).await;
}

#[tokio::test]
async fn a_policy_that_drops_sessions_is_told() {
    for (policy, fix) in [
        ("allkeys-lru", "drops any session when the memory is full: set it to noeviction"),
        (
            "volatile-ttl",
            "as all of them have a TTL, when the memory is full: set it to noeviction",
        ),
    ] {
        let args = ["--maxmemory", "50mb", "--maxmemory-policy", policy];
        let server = RedisServer::start_with(&args).await;
        let expected = [Finding::EvictionPolicy(policy.to_owned())];
        finds(&server, store(&server.url()), &expected, &[fix]).await;
    }
}

#[tokio::test]
async fn a_policy_that_can_drop_nothing_is_not_told() {
    for args in [
        ["--maxmemory", "50mb", "--maxmemory-policy", "noeviction"],
        ["--maxmemory", "0", "--maxmemory-policy", "allkeys-lru"],
    ] {
        let server = RedisServer::start_with(&args).await;
        assert_eq!(store(&server.url()).diagnose().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_replica_is_told() {
    let primary = RedisServer::start().await;
    let port = primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    let store = store(&replica.url());
    assert_eq!(store.diagnose().await.unwrap(), [Finding::Replica]);
    let log = Log::default();
    let capture = log.capture();
    let (manager, worker) = patient_builder(store).without_near_cache().build().unwrap();
    let background = worker.start();
    until("a diagnosis", async || log.text().contains("give the address of the primary")).await;
    assert!(!manager.health().await.connected, "a replica is not the store");
    background.stop().await.unwrap();
    drop(capture);
    let log = log.text();
    assert_eq!(log.matches(TOLD).count(), 1, "{log}");
    assert!(!log.contains("127.0.0.1") && !log.contains(&replica.port().to_string()), "{log}");
}

/// A user with the rights of README, and these.
async fn least(server: &RedisServer, more: &[&str]) -> String {
    let rule = ACL_RULE.split_whitespace().chain(more.iter().copied());
    let words: Vec<_> = ["ACL", "SETUSER", "app", "on", ">p"].into_iter().chain(rule).collect();
    server.command(&words).await;
    format!("redis://app:p@127.0.0.1:{}/", server.port())
}

#[tokio::test]
async fn a_missing_right_to_tracking_is_told_and_one_to_look_around_is_not() {
    let args = ["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"];
    let server = RedisServer::start_with(&args).await;
    let url = least(&server, &["-client|tracking"]).await;
    let refused = Finding::TrackingRefused(TrackingRefusal::NotPermitted);
    // The policy cannot be seen.
    let found = store(&url).diagnose().await.unwrap();
    assert_eq!(found, std::slice::from_ref(&refused));
    server.command(&["CONFIG", "RESETSTAT"]).await;
    let log = Log::default();
    let capture = log.capture();
    let (manager, worker) = patient_builder(store(&url)).build().unwrap();
    let background = worker.start();
    // The try for the near cache, and the one of the diagnosis.
    until("a diagnosis", async || Commands::of(&server).await.rejected("client|tracking") == 2)
        .await;
    let upkeeps = calls(&server, "time").await;
    until("an upkeep", async || calls(&server, "time").await > upkeeps + 1).await;
    login(&manager, "jeju").await;
    background.stop().await.unwrap();
    drop(capture);
    let log = log.text();
    assert_eq!(log.matches("WARN").count(), 1, "once, by the one who needs it: {log}");
    assert!(log.contains("+client|tracking +get +set"), "{log}");

    let url = least(&server, &["+client|tracking"]).await;
    assert_eq!(store(&url).diagnose().await.unwrap(), []);
    let url = least(&server, &["+info", "-client|tracking"]).await;
    let found = store(&url).diagnose().await.unwrap();
    assert_eq!(found, [Finding::EvictionPolicy("allkeys-lru".to_owned()), refused]);
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let server = RedisServer::start().await;
    let wrong = |millis| {
        let builder = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED);
        builder.host_clock(Wrong(millis)).build().unwrap()
    };
    for millis in [90_000, -90_000] {
        let found = wrong(millis).diagnose().await.unwrap();
        let [Finding::ClockSkew(apart)] = found[..] else { unreachable!("{found:?}") };
        // A round trip that took long makes the estimate less certain, and smaller.
        assert!(apart > ms(60_000) && apart <= ms(90_002), "{apart:?}");
    }
    assert_eq!(wrong(500).diagnose().await.unwrap(), []);

    server.command(&["CONFIG", "RESETSTAT"]).await;
    let log = logged(&server, wrong(90_000)).await;
    assert_eq!(log.matches(TOLD).count(), 1, "{log}");
    assert!(log.contains("s apart: let NTP set both"), "{log}");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_and_once_by_clones() {
    let primary = RedisServer::start().await;
    let port = primary.port().to_string();
    let policy = ["--maxmemory", "50mb", "--maxmemory-policy", "volatile-lru"];
    let args = [&policy[..], &["--replicaof", "127.0.0.1", &port]].concat();
    let server = RedisServer::start_with(&args).await;
    let url = least(&server, &["+info", "-client|tracking"]).await;
    let builder = RedisStore::builder(url.as_str()).timeout(UNHURRIED);
    let store = builder.host_clock(Wrong(-5_000)).build().unwrap();
    assert_eq!(store.clone().warnings().await.unwrap().len(), 3, "but for tracking");
    assert!(store.warnings().await.unwrap().is_empty());
    assert_eq!(store.diagnose().await.unwrap().len(), 4, "who asks is told again");
}

#[tokio::test]
async fn a_diagnosis_that_fails_is_no_trouble_of_the_store_and_is_made_later() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    let store =
        RedisStore::builder(server.url().as_str()).pool_size(1).timeout(UNHURRIED).build().unwrap();
    let (manager, worker) = patient_builder(store.clone()).without_near_cache().build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    // The connection that is there goes on, a new one is refused.
    server.command(&["CONFIG", "SET", "requirepass", "changed"]).await;
    assert_eq!(store.diagnose().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let log = Log::default();
    let capture = log.capture();
    let background = worker.start();
    until("a try", async || log.text().contains("was not diagnosed")).await;
    assert!(manager.authenticate(&token).await.is_ok());
    assert!(manager.health().await.connected);
    assert_eq!(log.text().matches("WARN").count() + log.text().matches("ERROR").count(), 0);
    background.stop().await.unwrap();
    drop(capture);
    assert!(!log.text().contains("right"), "{}", log.text());
}

/// A store whose manager gives tokens with this issuer.
fn application(url: &str, issuer: &str, prefix: &str, clock: Hours) -> RedisStore {
    let builder = RedisStore::builder(url).timeout(UNHURRIED).prefix(prefix).host_clock(clock);
    let store = builder.build().unwrap();
    let (_manager, _worker) = patient_builder(store.clone()).issuer(issuer).build().unwrap();
    store
}

const MARKS: &str = "session:{#}:issuers";

#[tokio::test]
async fn an_application_with_another_issuer_under_the_same_prefix_is_told() {
    let server = RedisServer::start().await;
    let url = least(&server, &[]).await;
    let application =
        |issuer: &str, prefix: &str| application(&url, issuer, prefix, Hours::default());
    let shop = application("https://shop.test", "session");
    assert_eq!(shop.diagnose().await.unwrap(), []);
    // Another instance of the same application, and an application with a prefix of its own.
    let again = application("https://shop.test", "session");
    assert_eq!(again.diagnose().await.unwrap(), []);
    let own = application("https://blog.test", "session:blog");
    assert_eq!(own.diagnose().await.unwrap(), []);

    let blog = application("https://blog.test", "session");
    assert_eq!(blog.diagnose().await.unwrap(), [Finding::SharedPrefix]);
    assert_eq!(shop.diagnose().await.unwrap(), [Finding::SharedPrefix]);
    let told = blog.warnings().await.unwrap();
    assert!(told[0].contains("give each a prefix of its own"), "{told:?}");
    // The fields are hashes of the issuers, and the key expires. It is no user's.
    let marks = server.command(&["HKEYS", MARKS]).await;
    let marks: Vec<String> = redis::from_redis_value(marks).unwrap();
    let is_hash = |mark: &String| mark.len() == 40 && mark.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(marks.len() == 2 && marks.iter().all(is_hash), "{marks:?}");
    assert!(server.number(&["PTTL", MARKS]).await > 0);
    assert!(shop.scan(None, 10).await.unwrap().unwrap().sessions.is_empty());
    assert_eq!(shop.cleanup(None).await.unwrap().unwrap().count, 0);

    // One that was renamed long ago is forgotten.
    server.command(&["DEL", MARKS]).await;
    server.command(&["HSET", MARKS, "an-old-issuer", "1"]).await;
    assert_eq!(shop.diagnose().await.unwrap(), []);
    assert_eq!(server.number(&["HLEN", MARKS]).await, 1);
}

#[tokio::test]
async fn the_application_that_came_first_is_warned_within_an_hour_and_once() {
    let server = RedisServer::start().await;
    let clock = Hours::default();
    let application = |issuer: &str| application(&server.url(), issuer, "session", clock.clone());
    let (shop, blog) = (application("https://shop.test"), application("https://blog.test"));
    assert_eq!(shop.warnings().await.unwrap(), Vec::<String>::new());
    assert_eq!(blog.warnings().await.unwrap().len(), 1);

    let log = Log::default();
    let capture = log.capture();
    shop.upkeep().await.unwrap();
    assert_eq!(log.text().matches(TOLD).count(), 0, "it is not due yet: {}", log.text());
    for _ in 0..3 {
        clock.pass(1);
        shop.upkeep().await.unwrap();
        blog.upkeep().await.unwrap();
    }
    assert!(shop.warnings().await.unwrap().is_empty(), "it was told");
    // The marks are written anew, so that they do not run out.
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
    assert!(told[0].contains("give each a prefix of its own"), "{told:?}");
}

#[tokio::test]
async fn other_issuers_are_found_on_a_server_that_takes_no_writes() {
    let server = RedisServer::start().await;
    let application =
        |issuer: &str| application(&server.url(), issuer, "session", Hours::default());
    let (shop, blog) = (application("https://shop.test"), application("https://blog.test"));
    assert_eq!(blog.diagnose().await.unwrap(), []);
    for setting in ["maxmemory", "min-replicas-to-write"] {
        server.command(&["CONFIG", "SET", setting, "1"]).await;
        assert_eq!(shop.diagnose().await.unwrap(), [Finding::SharedPrefix], "{setting}");
        assert_eq!(server.number(&["HLEN", MARKS]).await, 1, "{setting}");
        server.command(&["CONFIG", "SET", setting, "0"]).await;
    }
}

#[tokio::test]
async fn a_store_that_no_manager_uses_marks_nothing() {
    let server = RedisServer::start().await;
    assert_eq!(store(&server.url()).diagnose().await.unwrap(), []);
    assert_eq!(server.number(&["DBSIZE"]).await, 0);
}
