//! The cost of a login, a refresh and a logout on Redis: operations per second with 64 concurrent
//! tasks, and the CPU time of Redis. The baseline is a hand-written service with one `SET`, `GET`
//! or `DEL` and without protection against theft or races.
//!
//! `cargo bench --bench operations` takes half a minute. It starts its own Redis. The operations take
//! turns in short slices of the same run. Each number is the median of its slices, and every
//! outcome is asserted. Both sides sign a JWT at login and refresh.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark fails at the first unexpected result, and prints its results"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use jsonwebtoken::{EncodingKey, Header};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use tokio::task::JoinSet;
use tower_session_auth::{NewSession, RedisStore, SessionManager};

use crate::support::redis::RedisServer;
use crate::support::{SECRET, builder, key, user};

const TASKS: usize = 64;

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
    let (slices, each) = if full { (15, 4_096) } else { (1, TASKS) };
    let server = RedisServer::start().await;
    let store = RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(5));
    let builder = builder().refresh_keys(key()).store_timeout(Duration::from_secs(5));
    let (manager, worker) = builder.store(store.build().unwrap()).build().unwrap();
    let background = worker.start();
    let ours = Ours(manager);
    let plain = ByHand(server.connection().await);

    let mut figures: [Vec<[Figure; 2]>; 3] = Default::default();
    for slice in 0..slices {
        let (mut tokens, mut sids) = (Vec::new(), Vec::new());
        let names: Vec<_> = (0..each).map(|n| format!("user-{slice}-{n}")).collect();
        for (verb, figures) in
            [Verb::Login, Verb::Refresh, Verb::Logout].into_iter().zip(&mut figures)
        {
            let inputs = if verb == Verb::Login { &names } else { &tokens };
            let (of_ours, next) = measured(&server, &ours, verb, inputs).await;
            tokens = next;
            let inputs = if verb == Verb::Login { &names } else { &sids };
            let (by_hand, next) = measured(&server, &plain, verb, inputs).await;
            sids = next;
            figures.push([of_ours, by_hand]);
        }
    }
    println!(
        "\n| verb | a second | by hand | ratio | Redis's CPU | by hand | ratio | in the script |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for (verb, figures) in ["login", "refresh", "logout"].into_iter().zip(figures) {
        let median = |of: fn(&[Figure; 2]) -> f64| {
            let mut all: Vec<_> = figures.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!(
            "| {verb} | {:.0} | {:.0} | {:.2} | {:.1} µs | {:.1} µs | {:.1} | {:.1} µs |",
            median(|[ours, _]| ours.rate),
            median(|[_, by_hand]| by_hand.rate),
            median(|[ours, by_hand]| ours.rate / by_hand.rate),
            median(|[ours, _]| ours.cpu),
            median(|[_, by_hand]| by_hand.cpu),
            median(|[ours, by_hand]| ours.cpu / by_hand.cpu),
            median(|[ours, _]| ours.script),
        );
    }
    drop(ours);
    background.stop().await.unwrap();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Login,
    Refresh,
    Logout,
}

/// One side of the comparison. The input of a login is a user name; the input of any other
/// operation is the output of the operation before it.
trait Side: Clone + Send + Sync + 'static {
    fn act(&self, verb: Verb, input: String) -> impl Future<Output = String> + Send;
}

async fn measured<S: Side>(
    server: &RedisServer,
    side: &S,
    verb: Verb,
    inputs: &[String],
) -> (Figure, Vec<String>) {
    let mut tasks = JoinSet::new();
    let before = spent(server).await;
    let start = Instant::now();
    for share in inputs.chunks(inputs.len().div_ceil(TASKS)) {
        let (side, share) = (side.clone(), share.to_vec());
        tasks.spawn(async move {
            let mut outputs = Vec::with_capacity(share.len());
            for input in share {
                outputs.push(side.act(verb, input).await);
            }
            outputs
        });
    }
    let outputs: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed().as_secs_f64();
    let after = spent(server).await;
    assert_eq!(outputs.len(), inputs.len());
    let count = inputs.len() as f64;
    let [cpu, script] = [0, 1].map(|i| (after[i] - before[i]) / count);
    (Figure { rate: count / took, cpu, script }, outputs)
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
struct Ours(SessionManager);

impl Side for Ours {
    async fn act(&self, verb: Verb, input: String) -> String {
        let Self(manager) = self;
        let login = match verb {
            Verb::Login => {
                let new = NewSession::new(user(&input)).user_name("Jeju").role("user");
                manager.create(new).await.unwrap()
            }
            Verb::Refresh => manager.refresh(&input).await.unwrap(),
            Verb::Logout => {
                assert!(manager.logout_refresh(&input).await.unwrap());
                return input;
            }
        };
        login.refresh_token.unwrap().as_str().to_owned()
    }
}

/// The hand-written side. Besides the JWT, the client holds only the session's key. A refresh
/// replaces that key with a new one.
#[derive(Clone)]
struct ByHand(MultiplexedConnection);

impl ByHand {
    fn sign(user: &str) {
        let claims = json!({ "sub": user, "sid": "x", "exp": 4_000_000_000_u64, "iat": 1 });
        let key = EncodingKey::from_secret(SECRET);
        assert!(!jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap().is_empty());
    }
}

impl Side for ByHand {
    async fn act(&self, verb: Verb, input: String) -> String {
        const RECORD: &str = r#"{"user_name":"Jeju","role":"user","data":null}"#;
        let mut redis = self.0.clone();
        match verb {
            Verb::Login => {
                Self::sign(&input);
                let () = redis.set_ex(&input, RECORD, 3_600).await.unwrap();
                input
            }
            Verb::Refresh => {
                let record: String = redis.get(&input).await.unwrap();
                Self::sign(&input);
                let next = format!("{input}+");
                let () = redis.set_ex(&next, record, 3_600).await.unwrap();
                assert_eq!(redis.del::<_, u32>(&input).await.unwrap(), 1);
                next
            }
            Verb::Logout => {
                assert_eq!(redis.del::<_, u32>(&input).await.unwrap(), 1);
                input
            }
        }
    }
}
