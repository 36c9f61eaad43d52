//! Every order of concurrent operations on sessions. No revoked session becomes valid again, and no
//! change is lost.

mod cleanups;
mod deadlines;
mod limits;
mod login_fences;
mod operations;
mod processes;
mod world;

use std::time::Duration;

use tower_session_auth::store::RedisStore;

use crate::support::redis::RedisServer;

const HOUR: Duration = Duration::from_secs(3600);

/// A Redis store whose timeout is long enough for a loaded machine.
fn redis_store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(server.url().as_str()).timeout(crate::support::UNHURRIED).build().unwrap()
}

/// Returns all orders of these items.
fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let head = rest.remove(first);
        all.extend(permutations(&rest).into_iter().map(|mut tail| {
            tail.insert(0, head);
            tail
        }));
    }
    all
}

/// Runs a scenario on both stores. The scenario gets a closure; each call of it connects one more
/// process to the store.
macro_rules! on_both_stores {
    ($($name:ident: $scenario:ident),+ $(,)?) => { $(mod $name {
        use super::*;

        #[tokio::test]
        async fn memory() {
            let store = MemoryStore::new();
            $scenario(|| store.clone()).await;
        }

        #[tokio::test]
        async fn redis() {
            let server = RedisServer::start().await;
            $scenario(|| redis_store(&server)).await;
        }
    })+ };
}

use on_both_stores;
