//! How many bytes a near cache takes, whatever sessions hold.

use serde_json::{Value, json};
use tower_session_auth::session::SessionData;
use tower_session_auth::{NearCacheState, NewSession, SessionManager, SessionManagerBuilder};

use crate::instance::unhurried;
use crate::memory::{Mint, resident};
use crate::processes::{Process, Task};
use crate::support::redis::RedisServer;
use crate::support::user;
use crate::support::wait::until;

const CAPACITY: usize = 16 << 20;
/// About the largest data that a session has by default.
const DATA: usize = 15_000;
/// More sessions than fit: their data alone take the capacity.
const SESSIONS: usize = 1_200;
/// Tokens of one session.
const TOKENS: usize = 3_000;

/// Each in a process of its own, because other tests need memory too.
#[cfg(target_os = "linux")]
fn in_a_process(case: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start());
    Process::start(&Task::Fill { redis: server.url(), case: case.to_owned() }).succeeds();
}

#[cfg(target_os = "linux")]
#[test]
fn many_tokens_of_one_large_session_keep_its_content_once() {
    in_a_process("tokens");
}

#[cfg(target_os = "linux")]
#[test]
fn sessions_with_texts_take_twice_the_capacity_at_most() {
    in_a_process("texts");
}

#[cfg(target_os = "linux")]
#[test]
fn sessions_with_json_values_take_twice_the_capacity_at_most() {
    in_a_process("values");
}

#[cfg(target_os = "linux")]
#[test]
fn sessions_whose_size_the_application_tells_take_twice_the_capacity_at_most() {
    in_a_process("objects");
}

/// What such a process does.
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
            // A map of one member takes some 700 bytes.
            let settings = settings().data().near_cache_data_size(|_: &Value, json| 90 * json);
            sessions(settings, many(&json!({ "a": 1 }), DATA / 5)).await;
        }
        _ => panic!("{case}"),
    }
}

/// Texts of some words.
fn texts(bytes: usize) -> Vec<String> {
    const TEXT: &str = "a text of some words";
    vec![TEXT.to_owned(); bytes / (TEXT.len() + 3)]
}

fn many(one: &Value, bytes: usize) -> Value {
    vec![one.clone(); bytes / (one.to_string().len() + 1)].into()
}

async fn start<D: SessionData>(settings: SessionManagerBuilder<D>) -> SessionManager<D> {
    let (manager, worker) = settings.build().unwrap();
    // It runs until the process ends.
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
    // All of them are still there.
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
    assert!(near.fills as usize > SESSIONS, "they did not all fit");
    assert!(near.bytes > CAPACITY as u64 * 3 / 4, "the capacity is used");
    assert!(near.bytes <= CAPACITY as u64 && grown <= 2 * CAPACITY, "{grown} bytes more");
}
