//! The behavior of `RedisStore` that the store contract does not cover: its Redis keys, and its
//! errors while Redis fails.

mod away;
mod credentials;
mod gone;
mod keys;
mod limit;
mod records;
mod refusals;
mod rights;
#[cfg(feature = "tls")]
mod tls;
mod walk;

use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::store::{
    Created, NewRecord, RedisStore, SessionStore, StoreError, StoreErrorKind, Touch, Touched,
};
use tower_session_auth::{SessionId, UserId};

use crate::support::UNHURRIED;
use crate::support::redis::RedisServer;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);
const LIVE: &str = "session:{jeju}:live";
const SEEN: &str = "session:{jeju}:seen";
const GONE: &str = "session:{jeju}:gone";

/// A store whose timeout is long enough for a loaded machine.
fn store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(server.url().as_str()).timeout(UNHURRIED).build().unwrap()
}

fn jeju() -> UserId {
    UserId::parse("jeju").unwrap()
}

fn record(idle_ttl: Duration, lifetime: Duration) -> NewRecord {
    NewRecord::new(idle_ttl, lifetime, Bytes::from_static(b"{}"))
}

async fn login(store: &RedisStore, idle_ttl: Duration, lifetime: Duration) -> SessionId {
    let id = SessionId::random().unwrap();
    let made = store.create(&jeju(), &id, &record(idle_ttl, lifetime)).await.unwrap();
    assert!(matches!(made, Created::Created(_)));
    id
}

async fn lives(store: &RedisStore, id: &SessionId) -> bool {
    store.load(&jeju(), id, None).await.unwrap().is_some()
}

async fn touch(
    store: &RedisStore,
    id: &SessionId,
    extend_below: Duration,
) -> Result<Touched, StoreError> {
    let touch = Touch::new(jeju(), id.clone(), Duration::ZERO, extend_below);
    store.touch(&[touch]).await.map(|touched| touched[0])
}

fn kind<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

fn minutes(millis: i64) -> i64 {
    (millis + 30_000) / 60_000
}
