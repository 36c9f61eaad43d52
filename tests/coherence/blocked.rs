//! A task that blocks its runtime, so that no other task runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::instance::{Answer, Instance};
use crate::late::now;
use crate::rounds;
use crate::support::redis::RedisServer;

/// Minimum time for which the task blocks the runtime: longer than the lease.
const SPIN: Duration = Duration::from_secs(1);

/// The invalidation of the logout is still unread in the socket when the request looks into the
/// near cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_runtime_rejects_a_session_that_was_revoked_meanwhile() {
    let server = RedisServer::start().await;
    let there = Instance::patient(&server.url());
    for round in 0..rounds(1) {
        let [ended, kept] = [there.login("jeju").await, there.login("mina").await];
        let (url, tokens) = (server.url(), [ended.access_token.clone(), kept.access_token.clone()]);
        let (spinning, spins) = mpsc::channel();
        let is_acknowledged = Arc::new(AtomicBool::new(false));
        let has_ended = Arc::clone(&is_acknowledged);
        let blocked = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let here = Instance::patient(&url);
                here.coherent().await;
                for token in &tokens {
                    here.cached(token).await;
                }
                let before = here.near().hits;
                spinning.send(()).unwrap();
                let start = Instant::now();
                while start.elapsed() < SPIN || !has_ended.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
                // No other task runs between the end of the loop and the first lookup in the near
                // cache.
                let (asked, answer) = (now(), here.ask(&tokens[0]).await);
                assert_eq!(here.near().hits, before, "the answer comes from the store");
                here.cached(&tokens[1]).await;
                (asked, answer)
            })
        });
        tokio::task::spawn_blocking(move || spins.recv().unwrap()).await.unwrap();
        there.logout(&ended.access_token).await;
        let acknowledged = now();
        is_acknowledged.store(true, Ordering::SeqCst);
        let (asked, answer) =
            tokio::task::spawn_blocking(move || blocked.join().unwrap()).await.unwrap();
        assert_eq!(answer, Answer::Out("session_revoked".to_owned()), "round {round}");
        assert!(asked > acknowledged);
    }
}
