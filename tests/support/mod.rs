//! Code that the integration tests share.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails at the first unexpected result"
)]

pub mod client;
pub mod commands;
pub mod figures;
pub mod forge;
pub mod log;
pub mod paused;
pub mod property;
pub mod proxy;
pub mod redis;
#[cfg(unix)]
pub mod server;
pub mod switch;
pub mod valve;
pub mod wait;

use std::time::Duration;

use http::{Request, Response};
#[cfg(feature = "redis")]
use tower_session_auth::clock::Timestamp;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::redis::ServerInfo;
use tower_session_auth::store::{MemoryStore, SessionStore, StoreError};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{
    KeySet, Login, NewSession, RedisStore, SessionManager, SigningKey, UserId,
};

pub const SECRET: &[u8] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9";
/// Another valid secret, for another key.
pub const OTHER_SECRET: &[u8] = b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4";
pub const ISSUER: &str = "https://issuer.test";
pub const AUDIENCE: &str = "test";

/// The start time of test clocks: 2030-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_893_456_000_000);

pub fn key() -> SigningKey {
    SigningKey::hs256("k1", SECRET).unwrap()
}

pub fn builder() -> SessionManagerBuilder {
    SessionManager::builder().keys(KeySet::new(key())).issuer(ISSUER).audience(AUDIENCE)
}

pub fn manager(store: impl SessionStore) -> (SessionManager, Worker) {
    builder().store(store).build().unwrap()
}

/// The longest store timeout that a manager accepts, so that a loaded machine alone does not cause
/// a 503.
pub const UNHURRIED: Duration = Duration::from_secs(10);

/// Settings of a manager whose timeouts and `revalidate_after` are longer than any delay of a
/// loaded machine.
pub fn patient_builder(store: impl SessionStore) -> SessionManagerBuilder {
    builder().store(store).store_timeout(UNHURRIED).revalidate_after(Duration::from_secs(3600))
}

/// A store whose timeout and lease are longer than any delay of a loaded machine.
#[cfg(feature = "redis")]
pub fn patient_store(url: &str) -> RedisStore {
    RedisStore::builder(url).timeout(UNHURRIED).lease(UNHURRIED).build().unwrap()
}

/// A manager on Tokio's clock, which a test may pause; and the switch of its store.
pub fn clocked() -> (SessionManager, Worker, switch::SwitchStore) {
    let clock = TokioClock::new(START);
    let store = switch::SwitchStore::new(MemoryStore::with_clock(clock));
    let (manager, worker) = builder().clock(clock).store(store.clone()).build().unwrap();
    (manager, worker, store)
}

pub fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub async fn login(manager: &SessionManager, id: &str) -> Login {
    manager.create(NewSession::new(user(id)).role("user")).await.unwrap()
}

/// A request with this bearer token.
pub fn bearer(token: &str) -> Request<String> {
    Request::builder()
        .header("authorization", format!("Bearer {token}"))
        .body(String::new())
        .unwrap()
}

pub fn anonymous() -> Request<String> {
    Request::new(String::new())
}

pub fn code(response: &Response<String>) -> String {
    let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

/// Returns a duration of `millis` milliseconds. The short name keeps tables readable.
pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the server, or why the store cannot use it.
pub async fn usable(store: &RedisStore) -> Result<ServerInfo, StoreError> {
    store.diagnose().await?.usable
}
