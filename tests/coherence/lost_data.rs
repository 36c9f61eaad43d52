//! An operator deletes sessions, or Redis evicts them.

use tower_session_auth::Login;

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::lost_links::late;
use crate::support::redis::RedisServer;
use crate::support::wait::PATIENCE;
use crate::{BOUND, rounds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_deleted_by_an_operator_is_rejected_within_the_lease() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut operator = server.connection().await;
    for (case, words) in [
        ("FLUSHALL", &["FLUSHALL"][..]),
        ("FLUSHDB ASYNC", &["FLUSHDB", "ASYNC"]),
        ("DEL of a user's sessions", &["DEL", "session:{jeju}:live"]),
    ] {
        let mut times = Lateness::of(case);
        for _ in 0..rounds(1) {
            let end = async |_: &Login| {
                let mut command = redis::cmd(words[0]);
                command.arg(&words[1..]).exec_async(&mut operator).await.unwrap();
                now()
            };
            times.add(late(&here, &there, end).await);
        }
        times.report(BOUND);
    }
    let login = there.login("jeju").await;
    here.cached(&login.access_token).await;
}

/// A full Redis evicts the least recently used keys. It does not see requests that a near cache
/// serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_evicted_by_a_full_redis_is_rejected_within_the_lease() {
    const MEMORY: &str = "6mb";
    let args = ["--maxmemory", MEMORY, "--maxmemory-policy", "allkeys-lru"];
    let server = RedisServer::start_with(&args).await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut operator = server.connection().await;
    let mut times = Lateness::of("eviction at maxmemory");
    for round in 0..rounds(1) {
        let login = there.login("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        client.until("admitted", Answer::is_in).await;
        let (filling, junk) = (std::time::Instant::now(), "x".repeat(4_096));
        let mut filled = 0;
        let gone = loop {
            assert!(filling.elapsed() < PATIENCE, "the session is not evicted");
            let mut batch = redis::pipe();
            for _ in 0..16 {
                batch.cmd("SET").arg(format!("junk:{round}:{filled}")).arg(&junk).ignore();
                filled += 1;
            }
            // One connection executes these commands in order. If the answer reports that the key
            // is missing, Redis evicted it before.
            let (there,): (bool,) = batch
                .cmd("EXISTS")
                .arg("session:{jeju}:live")
                .query_async(&mut operator)
                .await
                .unwrap();
            if !there {
                break now();
            }
        };
        client.until("rejected", Answer::is_out).await;
        past(gone, BOUND).await;
        client.until("still rejected", Answer::is_out).await;
        times.add(client.stop().await.late(gone));
        let flush = redis::cmd("FLUSHALL").exec_async(&mut operator).await;
        flush.unwrap();
    }
    times.report(BOUND);
}
