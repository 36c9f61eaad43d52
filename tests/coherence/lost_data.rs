//! An operator or the server itself throws sessions away.

use tower_session_auth::Login;

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::lost_links::late;
use crate::support::redis::RedisServer;
use crate::support::wait::PATIENCE;
use crate::{BOUND, rounds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_deletes_is_refused() {
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

/// A server that is full throws away what was least recently used. It sees no use of what a near cache serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_server_evicts_is_refused() {
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
        client.until("let in", Answer::is_in).await;
        let (filling, junk) = (std::time::Instant::now(), "x".repeat(4_096));
        let mut filled = 0;
        let gone = loop {
            assert!(filling.elapsed() < PATIENCE, "the session is not evicted");
            let mut batch = redis::pipe();
            for _ in 0..16 {
                batch.cmd("SET").arg(format!("junk:{round}:{filled}")).arg(&junk).ignore();
                filled += 1;
            }
            // In this order on one connection: what is gone in the answer was gone before it.
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
        client.until("refused", Answer::is_out).await;
        past(gone, BOUND).await;
        client.until("refused still", Answer::is_out).await;
        times.add(client.stop().await.late(gone));
        let flush = redis::cmd("FLUSHALL").exec_async(&mut operator).await;
        flush.unwrap();
    }
    times.report(BOUND);
}
