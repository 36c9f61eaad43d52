//! Revocations that wait for replicas, on real servers.

mod held_up;
mod lost;
mod reached;
mod roles;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tower_session_auth::store::{
    NewRecord, RedisStore, Replicas, Revoked, SessionStore, StoreError, Target,
};
use tower_session_auth::{RevokeReason, SessionId};

use crate::support::commands::Commands;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, user};

/// A wait for replicas that is longer than any test. The wait ends only if a replica acknowledges
/// the revocation, or if the test itself ends the wait.
const LONG: Duration = Duration::from_secs(10);

/// Starts a primary to which replicas attach without the default delay of 5 seconds.
async fn primary() -> RedisServer {
    RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]).await
}

/// Starts a replica and waits until it is in sync with its primary.
async fn replica_of(primary: &RedisServer) -> RedisServer {
    let info = primary.text(&["INFO", "replication"]).await.unwrap();
    let all = (info.matches("state=online").count() + 1).to_string();
    let port = primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    let in_step = async || primary.number(&["WAIT", &all, "100"]).await.to_string() == all;
    until("the replica is in sync", in_step).await;
    replica
}

/// Returns a store whose timeout is long enough for a loaded machine.
fn store(server: &RedisServer, replicas: u32, wait: Duration) -> RedisStore {
    let builder = RedisStore::builder(server.url().as_str()).timeout(UNHURRIED);
    builder.wait_replicas(replicas, wait).build().unwrap()
}

async fn login(store: &RedisStore, id: &str) -> SessionId {
    let session = SessionId::random().unwrap();
    let new = NewRecord::new(60 * LONG, 60 * LONG, Bytes::from_static(b"{}"));
    store.create(&user(id), &session, &new).await.unwrap();
    session
}

async fn lives(store: &RedisStore, id: &str, session: &SessionId) -> bool {
    store.load(&user(id), session, None).await.unwrap().is_some()
}

async fn end(store: &RedisStore, id: &str, session: &SessionId) -> Result<Revoked, StoreError> {
    store.revoke(&user(id), &Target::One(session.clone()), RevokeReason::Logout).await
}

fn revoked(session: &SessionId, replicas: Replicas) -> Revoked {
    Revoked::new(vec![session.clone()], replicas)
}

/// Spawns `work` in a task that is aborted when the returned set is dropped.
fn begin<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinSet<T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    task
}

/// Waits for the task and returns its result.
async fn outcome<T: Send + 'static>(mut task: JoinSet<T>) -> T {
    task.join_next().await.unwrap().unwrap()
}

/// Returns the ids of the connections that are blocked in `WAIT`.
async fn waiting(server: &RedisServer) -> Vec<String> {
    let list = server.text(&["CLIENT", "LIST", "TYPE", "NORMAL"]).await.unwrap();
    let blocked = list.lines().filter(|line| line.contains("flags=b"));
    let id = |line: &str| line.strip_prefix("id=").unwrap().split(' ').next().unwrap().to_owned();
    blocked.map(id).collect()
}

/// Waits until `count` connections are blocked in `WAIT`, and returns their ids.
async fn until_waiting(server: &RedisServer, count: usize) -> Vec<String> {
    until("the expected number of connections waits for replicas", async || {
        waiting(server).await.len() == count
    })
    .await;
    waiting(server).await
}

/// Returns how many times a single session was revoked. Each such revocation calls `HDEL` two
/// times.
async fn revocations_run(server: &RedisServer) -> u64 {
    Commands::of(server).await.calls("hdel") / 2
}
