//! The cost of a request with the near cache, compared with what the near cache replaces. The
//! result is a table with the limit that each row must reach.
//!
//! `cargo bench --bench near_cache` takes about ten minutes. It starts its own Redis, times the
//! parts with criterion, and then prints the table. The cases of a row take turns in short slices
//! of the same run. Each number is the median of its slices, and every outcome is asserted. A NAME
//! after `--` runs the groups of rows whose name contains it: `hits`, `cpu`, `threads`, `strict`,
//! `miss`, `steady`, `http`, `outcomes`, `scale`. `SHORT=1` makes all of them short and reports no
//! pass or fail. The results are also in `target/bench`.
//!
//! To count instructions, run a single case twice under a tool, the second time with 1,000 more
//! requests. The difference is the cost of 1,000 requests, including the creation of the request
//! and the inner service; `ONLY=bare` measures those two alone. The cases are `bare`, `floor` (the
//! minimum of a cached check), `hit`, `strict`, `miss`, `jwt`, `bb8`, `shared` and `pipelined`.
//! `TASKS=64` runs a case as 64 tasks on two threads, for a profiler.
//!
//! ```sh
//! ONLY=hit REQUESTS=2000 valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/deps/near_cache-*
//! ```

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark fails at the first unexpected result, and prints its results"
)]

mod baselines;
mod commands;
mod floor;
mod hits;
mod http;
mod measure;
mod only;
mod outcomes;
#[path = "../results.rs"]
mod results;
mod scale;
#[path = "../server_process.rs"]
mod server_process;
mod stores;
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::StatusCode;
use allocations::Counting;
use criterion::Criterion;
use tokio::runtime::Runtime;

use crate::measure::{Bearer, Feed, Measured, ask, breathe};
use crate::table::Table;
use crate::world::{Stage, World};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The default number of live tokens.
const LIVE: usize = 1_000;
/// The number of tokens that are used once, and the maximum number of live tokens. With a million
/// live tokens, their row alone took more than five minutes.
const COLD: usize = 100_000;

/// How much each case measures.
pub(crate) struct Effort {
    slices: usize,
    cpu_slices: usize,
    miss_slices: usize,
    miss_cpu_slices: usize,
    steady: Duration,
    http_pairs: usize,
    http_seconds: u64,
    cold: usize,
}

const FULL: Effort = Effort {
    slices: 400,
    cpu_slices: 25,
    miss_slices: 100,
    miss_cpu_slices: 40,
    // Longer than a minute, so that it includes all work that is due once a minute, and twice the
    // work that is due each half minute.
    steady: Duration::from_secs(65),
    http_pairs: 30,
    http_seconds: 2,
    cold: COLD,
};

const SHORT: Effort = Effort {
    slices: 30,
    cpu_slices: 3,
    miss_slices: 8,
    miss_cpu_slices: 3,
    steady: Duration::from_secs(2),
    http_pairs: 2,
    http_seconds: 1,
    cold: 10_000,
};

fn main() {
    // The baselines use jsonwebtoken's process-wide provider, which has no default if both backends
    // are compiled in.
    let provider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
    provider.install_default().unwrap_or_else(|_| unreachable!("nothing was verified yet"));
    if let Some(redis) = http::role() {
        return http::serve(&redis);
    }
    let mut world = World::new();
    if let Ok(case) = std::env::var("ONLY") {
        return only::only(&mut world, &case);
    }
    let full = std::env::args().any(|arg| arg == "--bench");
    let hot = world.sign_in(if full { LIVE } else { 16 });
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    one_by_one(&mut criterion, &mut world, &hot);
    criterion.final_summary();
    if full {
        rows(&mut world, &hot);
    }
}

/// The cases that criterion can repeat any number of times.
fn one_by_one(criterion: &mut Criterion, world: &mut World, hot: &Arc<[Bearer]>) {
    let stage = Stage::one_thread(world);
    stage.verify(world);
    stage.warm_up(hot);
    let Stage { runtime, bare, cached, strict, jwt, bb8, shared, .. } = &stage;
    let ok = StatusCode::OK;
    time(criterion, "bare inner service", runtime, bare, hot, StatusCode::ACCEPTED);
    time(criterion, "hit", runtime, cached, hot, ok);
    time(criterion, "strict", runtime, strict, hot, ok);
    time(criterion, "JWT only", runtime, jwt, hot, ok);
    time(criterion, "JWT and bb8-redis GET", runtime, bb8, hot, ok);
    time(criterion, "JWT and multiplexed GET", runtime, shared, hot, ok);
}

fn time<S: Measured>(
    criterion: &mut Criterion,
    name: &str,
    runtime: &Runtime,
    service: &S,
    bearers: &Arc<[Bearer]>,
    expected: StatusCode,
) {
    /// Requests between two yields: a task that never waits would delay the heartbeat of the
    /// invalidation connection.
    const AT_ONCE: u64 = 1_000;
    let mut feed = Feed::in_turn(bearers);
    criterion.bench_function(&format!("near_cache/{name}"), |bench| {
        bench.iter_custom(|n| {
            let (mut service, mut turn) = (service.clone(), feed.take(n as usize));
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                let mut left = n;
                while left > 0 {
                    breathe().await;
                    let now = left.min(AT_ONCE);
                    let start = Instant::now();
                    for _ in 0..now {
                        ask(&mut service, turn.bearer(), expected).await;
                    }
                    took += start.elapsed();
                    left -= now;
                }
                took
            })
        });
    });
}

fn rows(world: &mut World, hot: &Arc<[Bearer]>) {
    let short = std::env::var_os("SHORT").is_some();
    let effort = if short { SHORT } else { FULL };
    // Criterion accepts one name only, so several names are one argument, with commas between them.
    let names = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let wanted = |name: &str| {
        names.as_ref().is_none_or(|names| names.split(',').any(|wanted| name.contains(wanted)))
    };
    let is_complete =
        ["hits", "cpu", "threads", "strict", "miss", "steady", "http"].into_iter().all(wanted);
    let cold = ["miss", "outcomes", "scale"].into_iter().any(wanted);
    let cold = cold.then(|| world.sign_in(effort.cold));
    let revoked = wanted("outcomes").then(|| world.revoked(100));

    let mut table = Table::new(!short);
    let began = load();
    let world = &*world;
    if wanted("hits") {
        hits::one_task(&mut table, &effort, world, hot);
    }
    if wanted("cpu") {
        hits::cpu(&mut table, &effort, world, hot);
    }
    if wanted("threads") {
        hits::two_threads(&mut table, &effort, world, hot);
    }
    if wanted("strict") {
        stores::strict(&mut table, &effort, world, hot);
    }
    if let Some(cold) = cold.as_ref().filter(|_| wanted("miss")) {
        stores::miss(&mut table, &effort, world, cold);
    }
    if wanted("steady") {
        commands::steady_state(&mut table, &effort, world, hot);
    }
    if wanted("http") {
        http::http(&mut table, &effort, world, hot);
    }
    if is_complete {
        table.save();
    }
    if let (Some(cold), Some(revoked)) = (&cold, &revoked) {
        outcomes::outcomes(&mut table, &effort, world, [hot, cold, revoked]);
    }
    if let Some(cold) = cold.as_ref().filter(|_| wanted("scale")) {
        scale::scale(&mut table, &effort, world, cold);
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    table.note(format!("{cores} cores; load average {began} before, {} after.", load()));
    table.print();
}

/// Returns the load average, if the system provides it: how busy other processes kept the machine.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
