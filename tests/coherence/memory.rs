//! How many entries and how much memory a near cache keeps, and which entries.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::instance::{Instance, ask, unhurried};
use crate::is_long;
use crate::processes::{Process, Task};
use crate::support::SECRET;
use crate::support::forge::{decoded, parts, seal, segment};
use crate::support::redis::RedisServer;

const CAPACITY: usize = 1_000;
/// Maximum growth of a process's memory, however many tokens it gets. This is a fifth of the memory
/// that 20,000 cached tokens would take (more than 1 KiB each), and far more than an allocator
/// wastes.
const GROWTH: usize = 4 << 20;

/// Starts an instance with a small near cache. Only the capacity removes its entries, because its
/// lease is long.
fn small(redis: &str) -> Instance {
    Instance::start_with(unhurried(redis).near_cache_capacity(CAPACITY))
}

/// Makes many different valid tokens of one session.
pub(crate) struct Mint {
    header: String,
    before: String,
    after: String,
}

impl Mint {
    pub(crate) fn new(token: &str) -> Self {
        let (header, payload, _) = parts(token);
        let payload = decoded(payload);
        let (before, rest) = payload.split_once(r#""jti":""#).unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        Self {
            header: header.to_owned(),
            before: format!(r#"{before}"jti":""#),
            after: format!("\"{after}"),
        }
    }

    pub(crate) fn token(&self, number: usize) -> String {
        let payload = format!("{}scan-{number:016}{}", self.before, self.after);
        seal(&self.header, &segment(payload), SECRET)
    }
}

/// Sends one request with each of these tokens, several at a time.
async fn scan(here: &Instance, mints: &Arc<[Mint]>, numbers: std::ops::Range<usize>) {
    const AT_A_TIME: usize = 16;
    let mut clients = JoinSet::new();
    for client in 0..AT_A_TIME {
        let (app, mints, numbers) = (here.app(), Arc::clone(mints), numbers.clone());
        clients.spawn(async move {
            for number in numbers.skip(client).step_by(AT_A_TIME) {
                let token = mints[number % mints.len()].token(number);
                assert!(ask(&app, &token).await.is_in());
            }
        });
    }
    clients.join_all().await;
}

async fn mints(here: &Instance, users: usize) -> Arc<[Mint]> {
    let mut mints = Vec::new();
    for at in 0..users {
        mints.push(Mint::new(&here.login(&format!("u{at}")).await.access_token));
    }
    mints.into()
}

/// Returns the resident memory of this process in bytes.
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Runs in its own process, because other tests also allocate memory.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded_with_any_number_of_valid_tokens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start());
    Process::start(&Task::Scan { redis: server.url() }).succeeds();
}

/// The task of the child process.
pub(crate) async fn grow(redis: &str) {
    let tokens = if is_long() { 1_000_000 } else { 20_000 };
    let here = small(redis);
    let mints = mints(&here, 10).await;
    here.coherent().await;
    // Warms up, so that everything that is allocated once exists.
    let warm = 5 * CAPACITY;
    scan(&here, &mints, 0..warm).await;
    let before = resident();
    scan(&here, &mints, warm..tokens).await;
    let (after, near) = (resident(), here.near());
    let growth = after.saturating_sub(before);
    println!(
        "{tokens} tokens: {} entries, {} fills, {} KiB before, {} KiB more",
        near.entries,
        near.fills,
        before >> 10,
        growth >> 10
    );
    assert!(near.fills as usize > tokens * 9 / 10, "nearly all tokens were cached");
    assert!(near.entries <= CAPACITY, "{}", near.entries);
    assert!(growth < GROWTH, "{growth} bytes more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_used_once_do_not_evict_frequently_used_tokens() {
    const HOT: usize = 500;
    let server = RedisServer::start().await;
    let here = small(&server.url());
    let mints = mints(&here, 10).await;
    here.coherent().await;
    let hot = || (0..HOT).map(|at| mints[at % mints.len()].token(at));
    for _ in 0..5 {
        for token in hot() {
            assert!(here.ask(&token).await.is_in());
        }
    }
    let once = if is_long() { 20_000 } else { 5_000 };
    scan(&here, &mints, HOT..once + HOT).await;
    assert_eq!(here.near().lost_links, 0);
    let fills = here.near().fills;
    for token in hot() {
        assert!(here.ask(&token).await.is_in());
    }
    let lost = here.near().fills - fills;
    println!("{lost} of {HOT} hot tokens were lost to a scan of {once}");
    assert!(lost as usize <= HOT / 5, "{lost} of {HOT}");
}
