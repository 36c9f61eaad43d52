//! Memory that a near cache uses, for different kinds of session data.

use serde_json::{Value, json};
use tower_session_auth::manager::{NearCacheState, SessionManagerBuilder};
use tower_session_auth::session::SessionData;
use tower_session_auth::{NewSession, SessionManager};

use crate::instance::unhurried;
use crate::memory::{Mint, resident};
use crate::processes::{Process, Task};
use crate::support::redis::RedisServer;
use crate::support::user;
use crate::support::wait::until;

const CAPACITY: usize = 16 << 20;
/// Bytes of data in each session: about the default limit.
const DATA: usize = 15_000;
/// Number of sessions. They do not all fit: their data alone exceed the capacity.
const SESSIONS: usize = 1_200;
/// Number of tokens of the one session.
const TOKENS: usize = 3_000;

/// Runs a case in its own process, because other tests also allocate memory.
#[cfg(target_os = "linux")]
fn run_in_own_process(case: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start());
    Process::start(&Task::Fill { redis: server.url(), case: case.to_owned() }).succeeds();
}

#[cfg(target_os = "linux")]
#[test]
fn many_tokens_of_one_large_session_share_one_copy_of_its_data() {
    run_in_own_process("tokens");
}

#[cfg(target_os = "linux")]
#[test]
fn cached_sessions_with_texts_use_at_most_twice_the_capacity() {
    run_in_own_process("texts");
}

#[cfg(target_os = "linux")]
#[test]
fn cached_sessions_with_json_values_use_at_most_twice_the_capacity() {
    run_in_own_process("values");
}

#[cfg(target_os = "linux")]
#[test]
fn cached_sessions_with_a_custom_data_size_use_at_most_twice_the_capacity() {
    run_in_own_process("objects");
}

/// Runs a case. This is the task of the child process.
pub(crate) async fn fill(redis: &str, case: &str) {
    let settings = || unhurried(redis).near_cache_bytes(CAPACITY);
    match case {
        "tokens" => tokens_of_one_session(settings()).await,
        "texts" => sessions(settings().data(), texts(DATA)).await,
        "values" => {
            let name = "a product with a name of some more words";
            let one = json!({ "id": 1_234, "name": name, "price": 12.5 });
            sessions(settings().data(), many(&one, DATA)).await;
        }
        "objects" => {
            // A map with one member takes about 700 bytes of memory.
            let settings = settings().data().near_cache_data_size(|_: &Value, json| 90 * json);
            sessions(settings, many(&json!({ "a": 1 }), DATA / 5)).await;
        }
        _ => panic!("{case}"),
    }
}

/// Returns short texts with about this number of bytes in total, as JSON.
fn texts(bytes: usize) -> Vec<String> {
    const TEXT: &str = "a text of some words";
    vec![TEXT.to_owned(); bytes / (TEXT.len() + 3)]
}

fn many(one: &Value, bytes: usize) -> Value {
    vec![one.clone(); bytes / (one.to_string().len() + 1)].into()
}

async fn start<D: SessionData>(settings: SessionManagerBuilder<D>) -> SessionManager<D> {
    let (manager, worker) = settings.build().unwrap();
    // The worker runs until the process ends.
    drop(worker.start());
    let coherent = async || manager.near_cache().state == NearCacheState::Coherent;
    until("the near cache is coherent", coherent).await;
    manager
}

async fn tokens_of_one_session(settings: SessionManagerBuilder) {
    const LARGE: usize = 55_000;
    let manager = start(settings.data::<Vec<String>>().session_data_limit(64 << 10)).await;
    let new = NewSession::new(user("jeju")).data(texts(LARGE));
    let mint = Mint::new(&manager.create(new).await.unwrap().access_token);
    for number in 0..10 {
        manager.authenticate(&mint.token(number)).await.unwrap();
    }
    let before = resident();
    for number in 0..TOKENS {
        manager.authenticate(&mint.token(number)).await.unwrap();
    }
    let grown = resident().saturating_sub(before);
    println!(
        "{TOKENS} tokens of one session: {} KiB more, {:?}",
        grown >> 10,
        manager.near_cache()
    );
    assert_eq!(manager.near_cache().entries, TOKENS);
    assert!(grown < CAPACITY, "{grown} bytes more");
    // All entries are still cached.
    let hits = manager.near_cache().hits;
    for number in 0..TOKENS {
        manager.authenticate(&mint.token(number)).await.unwrap();
    }
    assert_eq!(manager.near_cache().hits - hits, TOKENS as u64);
}

async fn sessions<D: SessionData + Clone>(settings: SessionManagerBuilder<D>, data: D) {
    let manager = start(settings).await;
    let mut tokens = Vec::new();
    for number in 0..SESSIONS {
        let new = NewSession::new(user(&format!("u{number}"))).data(data.clone());
        tokens.push(manager.create(new).await.unwrap().access_token);
    }
    let before = resident();
    for token in tokens.iter().chain(&tokens) {
        manager.authenticate(token).await.unwrap();
    }
    let (grown, near) = (resident().saturating_sub(before), manager.near_cache());
    println!("{SESSIONS} sessions: {} KiB more, {near:?}", grown >> 10);
    assert!(near.fills as usize > SESSIONS, "not all sessions fit, so some are read again");
    assert!(near.bytes > CAPACITY as u64 * 3 / 4, "the near cache uses most of its capacity");
    assert!(near.bytes <= CAPACITY as u64 && grown <= 2 * CAPACITY, "{grown} bytes more");
}
