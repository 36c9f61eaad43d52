//! The lateness of a revocation: the time from its acknowledgment in one process to the beginning
//! of the last request that another process still accepted.
//!
//! `cargo bench --bench lateness` takes half a minute. It starts its own Redis and two processes
//! that serve requests from their near caches, one after the other, without a pause. The time is
//! negative if the last accepted request began before the acknowledgment. The results are also in
//! `target/bench/lateness.jsonl`.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark fails at the first unexpected result, and prints its results"
)]

mod results;
mod server_process;
#[path = "../tests/support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_session_auth::{RedisStore, RevokeReason, SessionAuthLayer};

use crate::results::{Results, at, percentiles};
use crate::server_process::ServerProcess;
use crate::support::redis::RedisServer;
use crate::support::{bearer, builder, login, user};

/// Environment variable: if it is set, this program serves requests. Its value is the URL of Redis.
const ROLE: &str = "LATENESS_SERVER";
/// The number of processes that serve requests.
const SERVERS: usize = 2;
/// How long a server goes on after it has rejected the first request.
const AFTER: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    if let Ok(redis) = std::env::var(ROLE) {
        return serve(&runtime, &redis);
    }
    let full = std::env::args().any(|arg| arg == "--bench");
    let short = std::env::var_os("SHORT").is_some();
    let rounds = match (full, short) {
        (true, false) => 4_000,
        (true, true) => 400,
        (false, _) => 5,
    };
    let server = runtime.block_on(RedisServer::start());
    let mut servers = [(); SERVERS].map(|()| ServerProcess::start(ROLE, &server.url()));
    let store = RedisStore::builder(server.url().as_str()).timeout(PATIENCE).build().unwrap();
    let manager = builder().store(store).without_near_cache().build().unwrap().0;
    let mut samples = Vec::with_capacity(rounds * SERVERS);
    for round in 0..rounds {
        let user = user(&format!("user-{round}"));
        let login = runtime.block_on(login(&manager, user.as_str()));
        for server in &mut servers {
            server.send(&login.access_token);
        }
        for server in &mut servers {
            assert_eq!(server.receive(), "ready");
        }
        let revoked = manager.revoke(&user, login.session.id(), RevokeReason::Logout);
        assert!(runtime.block_on(revoked).unwrap().was_live());
        let acknowledged = now();
        for server in &mut servers {
            let last: i64 = server.receive().parse().unwrap();
            samples.push((last - acknowledged) as f64);
        }
    }
    let percentiles = percentiles(&mut samples);
    println!(
        "\n| last accepted request began, after the acknowledgment | p50 | p99 | p99.9 | max |"
    );
    println!("|---|---|---|---|---|");
    let shown = [50.0, 99.0, 99.9, 100.0].map(|percent| at(&samples, percent) / 1e6);
    let [p50, p99, p999, max] = shown.map(|millis| format!("{millis:.3} ms"));
    let late = samples.iter().filter(|nanos| **nanos > 0.0).count();
    println!("| {} revocations, {late} late | {p50} | {p99} | {p999} | {max} |", samples.len());
    if full {
        let mut results = Results::of("lateness", short);
        // Enough points for a curve, and the tail in full.
        let curve: Vec<_> = (0..=1_000).map(|it| f64::from(it) / 10.0).collect();
        results.row(&json!({
            "samples": samples.len(),
            "late": late,
            "servers": SERVERS,
            "nanoseconds": percentiles,
            "max": samples[samples.len() - 1],
            "curve": curve.iter().map(|percent| (percent, at(&samples, *percent))).collect::<Vec<_>>(),
        }));
    }
}

/// Returns the nanoseconds of a clock that all processes of this machine share.
fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Serves until its standard input ends. Each line is a token. Prints `ready` when the near cache
/// answers for the token, and when the session was revoked, the time at which the last accepted
/// request began.
fn serve(runtime: &Runtime, redis: &str) {
    let store = RedisStore::new(redis).unwrap();
    let (manager, worker) = builder().store(store).build().unwrap();
    let background = runtime.block_on(async { worker.start() });
    let inner = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::default()));
    let mut service = SessionAuthLayer::new(manager.clone()).layer(inner);
    for token in std::io::stdin().lines() {
        let token = token.unwrap();
        let last = runtime.block_on(async {
            let start = Instant::now();
            loop {
                let hits = manager.near_cache().hits;
                assert!(is_accepted(&mut service, &token).await, "not yet revoked");
                if manager.near_cache().hits > hits {
                    break;
                }
                assert!(start.elapsed() < PATIENCE, "{:?}", manager.near_cache());
            }
            println!("ready");
            let (mut last, mut rejected) = (now(), None::<Instant>);
            while rejected.is_none_or(|rejected| rejected.elapsed() < AFTER) {
                let began = now();
                if is_accepted(&mut service, &token).await {
                    last = began;
                } else if rejected.is_none() {
                    rejected = Some(Instant::now());
                }
                assert!(start.elapsed() < PATIENCE, "a revoked session is still accepted");
            }
            last
        });
        println!("{last}");
    }
    runtime.block_on(background.stop()).unwrap();
}

/// Sends one request. Returns true if it was accepted, and false if it was rejected with 401.
async fn is_accepted<S>(service: &mut S, token: &str) -> bool
where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible>,
{
    let Ok(ready) = service.ready().await;
    let Ok(response) = ready.call(bearer(token)).await;
    // The runtime reads its sockets only when the task waits.
    yield_now().await;
    match response.status() {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("{other}: {}", response.body()),
    }
}
