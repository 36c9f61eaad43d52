//! The cost of the operations on Redis: operations per second with 64 concurrent tasks, and the CPU
//! time of Redis. The baseline is a hand-written service with `SET`, `GET`, `DEL`, or `SCAN` and
//! `MGET`, and without protection against theft or races.
//!
//! `cargo bench --bench operations` takes a minute. It starts its own Redis. The operations take
//! turns in short slices of the same run. Each number is the median of its slices, and every
//! outcome is asserted. Both sides sign a JWT at login and refresh. The results are also in
//! `target/bench/operations.jsonl`.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark fails at the first unexpected result, and prints its results"
)]

mod results;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use jsonwebtoken::{EncodingKey, Header};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use tokio::task::JoinSet;
use tower_session_auth::manager::Cursor;
use tower_session_auth::{NewSession, RedisStore, RevokeReason, SessionId, SessionManager, UserId};

use crate::results::Results;
use crate::support::redis::RedisServer;
use crate::support::{SECRET, builder, key, user};

const TASKS: usize = 64;
/// Sessions on a page of a scan.
const PAGE: usize = 100;

/// The result of an operation with 64 tasks: operations per second, and per operation the CPU time
/// of Redis and the part of it in scripts, in microseconds.
#[derive(Clone, Copy)]
struct Figure {
    rate: f64,
    cpu: f64,
    script: f64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // The baseline uses jsonwebtoken's process-wide provider, which has no default if both backends
    // are compiled in.
    let provider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
    provider.install_default().unwrap_or_else(|_| unreachable!("nothing was verified yet"));
    let full = std::env::args().any(|arg| arg == "--bench");
    let short = std::env::var_os("SHORT").is_some();
    let (slices, each) = match (full, short) {
        (true, false) => (15, 4_096),
        (true, true) => (3, 1_024),
        (false, _) => (1, TASKS),
    };
    let server = RedisServer::start().await;
    let store = RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(5));
    let builder = builder().refresh_keys(key()).store_timeout(Duration::from_secs(5));
    let (manager, worker) = builder.store(store.build().unwrap()).build().unwrap();
    let background = worker.start();
    let ours = Ours { manager, cursor: None };
    let mut by_hand = ByHand { redis: server.connection().await, cursor: 0 };
    // A database of its own, so that each side scans its own sessions only.
    redis::cmd("SELECT").arg(1).exec_async(&mut by_hand.redis).await.unwrap();

    let mut figures: [Vec<[Figure; 2]>; 5] = Default::default();
    for slice in 0..slices {
        let logins = |n| Item { user: format!("user-{slice}-{n}"), ..Item::default() };
        let mut of_ours: Vec<_> = (0..each).map(logins).collect();
        let mut of_by_hand = of_ours.clone();
        for ((verb, _), figures) in VERBS.into_iter().zip(&mut figures) {
            let first = measured(&server, &ours, verb, &mut of_ours).await;
            let second = measured(&server, &by_hand, verb, &mut of_by_hand).await;
            figures.push([first, second]);
        }
    }
    let mut results = full.then(|| Results::of("operations", short));
    println!(
        "\n| operation | a second | by hand | ratio | Redis's CPU | by hand | ratio | in the script |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for ((_, name), figures) in VERBS.into_iter().zip(figures) {
        let median = |of: fn(&[Figure; 2]) -> f64| {
            let mut all: Vec<_> = figures.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let rates = [median(|[ours, _]| ours.rate), median(|[_, by_hand]| by_hand.rate)];
        let cpu = [median(|[ours, _]| ours.cpu), median(|[_, by_hand]| by_hand.cpu)];
        println!(
            "| {name} | {:.0} | {:.0} | {:.2} | {:.1} µs | {:.1} µs | {:.1} | {:.1} µs |",
            rates[0],
            rates[1],
            median(|[ours, by_hand]| ours.rate / by_hand.rate),
            cpu[0],
            cpu[1],
            median(|[ours, by_hand]| ours.cpu / by_hand.cpu),
            median(|[ours, _]| ours.script),
        );
        if let Some(results) = &mut results {
            results.row(&json!({
                "operation": name,
                "per_second": rates[0],
                "per_second_by_hand": rates[1],
                "redis_cpu_us": cpu[0],
                "redis_cpu_us_by_hand": cpu[1],
                "script_us": median(|[ours, _]| ours.script),
            }));
        }
    }
    drop(ours);
    background.stop().await.unwrap();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Login,
    Refresh,
    Update,
    Scan,
    Logout,
}

const VERBS: [(Verb, &str); 5] = [
    (Verb::Login, "login"),
    (Verb::Refresh, "refresh"),
    (Verb::Update, "update"),
    (Verb::Scan, "page of 100 of a scan"),
    (Verb::Logout, "logout"),
];

/// One session, as its owner sees it.
#[derive(Clone, Default)]
struct Item {
    user: String,
    sid: String,
    /// The current refresh token.
    token: String,
}

/// One side of the comparison.
trait Side: Clone + Send + Sync + 'static {
    fn act(&mut self, verb: Verb, item: &mut Item) -> impl Future<Output = ()> + Send;
}

async fn measured<S: Side>(
    server: &RedisServer,
    side: &S,
    verb: Verb,
    items: &mut Vec<Item>,
) -> Figure {
    // A page costs as much as many operations on one session.
    let count = if verb == Verb::Scan { items.len() / 16 } else { items.len() };
    let mut rest = items.split_off(count.max(1));
    let count = items.len();
    let mut tasks = JoinSet::new();
    let before = spent(server).await;
    let start = Instant::now();
    for share in items.chunks(count.div_ceil(TASKS)) {
        let (mut side, mut share) = (side.clone(), share.to_vec());
        tasks.spawn(async move {
            for item in &mut share {
                side.act(verb, item).await;
            }
            share
        });
    }
    *items = tasks.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed().as_secs_f64();
    let after = spent(server).await;
    assert_eq!(items.len(), count);
    items.append(&mut rest);
    let [cpu, script] = [0, 1].map(|i| (after[i] - before[i]) / count as f64);
    Figure { rate: count as f64 / took, cpu, script }
}

/// Returns the CPU time of Redis so far, and the part of it in scripts, both in microseconds.
async fn spent(server: &RedisServer) -> [f64; 2] {
    let info = server.text(&["INFO", "everything"]).await.unwrap();
    let after = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let cpu = ["used_cpu_user:", "used_cpu_sys:"].map(|name| {
        let seconds: f64 = after(name).unwrap().trim().parse().unwrap();
        seconds * 1e6
    });
    let scripts = after("cmdstat_evalsha:").and_then(|line| {
        line.split(',').find_map(|part| part.strip_prefix("usec=")?.parse::<f64>().ok())
    });
    [cpu.iter().sum(), scripts.unwrap_or(0.0)]
}

#[derive(Clone)]
struct Ours {
    manager: SessionManager,
    cursor: Option<Cursor>,
}

impl Side for Ours {
    async fn act(&mut self, verb: Verb, item: &mut Item) {
        let manager = &self.manager;
        let names = |item: &Item| -> (UserId, SessionId) {
            (user(&item.user), SessionId::parse(&item.sid).unwrap())
        };
        let login = match verb {
            Verb::Login => {
                let new = NewSession::new(user(&item.user)).user_name("Jeju").role("user");
                manager.create(new).await.unwrap()
            }
            Verb::Refresh => manager.refresh(&item.token).await.unwrap(),
            Verb::Update => {
                let (user, id) = names(item);
                let change = manager.update(&user, &id, |it| it.role = Some("editor".to_owned()));
                assert_eq!(change.await.unwrap().role(), Some("editor"));
                return;
            }
            Verb::Scan => {
                // A page can be empty although more sessions follow.
                loop {
                    let page = manager.all_sessions(self.cursor.as_ref(), PAGE).await.unwrap();
                    self.cursor = page.next;
                    if !page.sessions.is_empty() || self.cursor.is_none() {
                        return;
                    }
                }
            }
            Verb::Logout => {
                let (user, id) = names(item);
                let revoked = manager.revoke(&user, &id, RevokeReason::Logout).await.unwrap();
                assert!(revoked.was_live());
                return;
            }
        };
        item.sid = login.session.id().as_str().to_owned();
        item.token = login.refresh_token.unwrap().as_str().to_owned();
    }
}

/// The hand-written side. Besides the JWT, the client holds only the session's key. A refresh
/// replaces that key with a new one.
#[derive(Clone)]
struct ByHand {
    redis: MultiplexedConnection,
    cursor: u64,
}

impl ByHand {
    fn sign(user: &str) {
        let claims = json!({ "sub": user, "sid": "x", "exp": 4_000_000_000_u64, "iat": 1 });
        let key = EncodingKey::from_secret(SECRET);
        assert!(!jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap().is_empty());
    }
}

impl Side for ByHand {
    async fn act(&mut self, verb: Verb, item: &mut Item) {
        const RECORD: &str = r#"{"user_name":"Jeju","role":"user","data":null}"#;
        const EDITED: &str = r#"{"user_name":"Jeju","role":"editor","data":null}"#;
        let redis = &mut self.redis;
        match verb {
            Verb::Login => {
                Self::sign(&item.user);
                item.sid = item.user.clone();
                let () = redis.set_ex(&item.sid, RECORD, 3_600).await.unwrap();
            }
            Verb::Refresh => {
                let record: String = redis.get(&item.sid).await.unwrap();
                Self::sign(&item.user);
                let next = format!("{}+", item.sid);
                let () = redis.set_ex(&next, record, 3_600).await.unwrap();
                assert_eq!(redis.del::<_, u32>(&item.sid).await.unwrap(), 1);
                item.sid = next;
            }
            Verb::Update => {
                let record: String = redis.get(&item.sid).await.unwrap();
                assert_eq!(record, RECORD);
                let () = redis.set_ex(&item.sid, EDITED, 3_600).await.unwrap();
            }
            Verb::Scan => {
                let mut scan = redis::cmd("SCAN");
                scan.arg(self.cursor).arg("COUNT").arg(PAGE);
                let (next, keys): (u64, Vec<String>) = scan.query_async(redis).await.unwrap();
                assert!(!keys.is_empty());
                let records: Vec<Option<String>> = redis.mget(&keys).await.unwrap();
                assert!(records.iter().all(Option::is_some));
                self.cursor = next;
            }
            Verb::Logout => assert_eq!(redis.del::<_, u32>(&item.sid).await.unwrap(), 1),
        }
    }
}
