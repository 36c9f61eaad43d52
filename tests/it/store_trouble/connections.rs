//! A server that closes connections, but otherwise works.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tower_session_auth::SessionId;
use tower_session_auth::store::{NewRecord, RedisStore, SessionStore, Touch, Touched};

use crate::store_trouble::{Traffic, ask, logins, patient, until_login};
use crate::support::proxy::{Fate, Proxy, Rule};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, builder, patient_store, user};

#[tokio::test]
async fn no_request_fails_when_connections_are_killed() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    let mut operator = server.connection().await;
    let mut killed = 0;
    for _ in 0..25 {
        traffic.answers(12).await;
        let mut kill = redis::cmd("CLIENT");
        kill.arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]);
        killed += kill.query_async::<i64>(&mut operator).await.unwrap();
    }
    traffic.answers(12).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    println!("{killed} connections killed, {} of {} not 200", not_ok.len(), answers.len());
    assert!(killed >= 20, "{killed}");
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
}

#[tokio::test]
async fn unresponsive_connection_is_replaced_even_if_the_manager_times_out_first() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    // The timeout of the store is 10 s. The manager stops waiting after 1 s, which is always before
    // the timeout of the store.
    let store = RedisStore::builder(proxy.url().as_str()).timeout(UNHURRIED);
    let (manager, _worker) = builder()
        .store(store.build().unwrap())
        .store_timeout(Duration::from_secs(1))
        .without_near_cache()
        .build()
        .unwrap();
    let login = until_login(&manager, "jeju").await;
    // The proxy behaves like a host that failed without closing its connections, and whose address
    // now leads to another host. The existing connections never answer again.
    proxy.set(Rule { fate: Fate::Vanish, ..Rule::PASS });
    until("requests are answered with 503", async || ask(&manager, &login).await.is_unavailable())
        .await;
    proxy.set(Rule::PASS);
    until("a new connection answers", async || ask(&manager, &login).await.is_ok()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn store_enables_tcp_keepalive_on_its_connections() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    logins(&manager, 1).await;
    let port = format!(":{:04X}", server.port());
    // Reads which timer is active on each established connection to this server: 2 stands for
    // keepalive, and 0 for no timer.
    until("each connection has a keepalive timer", async || {
        let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let mut timers = sockets.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields[2].ends_with(&port) && fields[3] == "01").then(|| fields[5].to_owned())
        });
        let first = timers.next();
        first.is_some_and(|first| first.starts_with("02:"))
            && timers.all(|timer| timer.starts_with("02:"))
    })
    .await;
}

/// Kills all connections. The runtime of this thread has no chance to notice this before the
/// function returns.
fn kill_unnoticed(server: &RedisServer) {
    let mut operator = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    operator.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
    let mut answer = [0; 16];
    let read = operator.read(&mut answer).unwrap();
    assert!(answer.starts_with(b":") && answer[..read] != *b":0\r\n", "no connection was killed");
}

#[tokio::test]
async fn read_or_touch_on_a_killed_connection_is_sent_again() {
    let server = RedisServer::start().await;
    let store = patient_store(&server.url());
    let (owner, id) = (user("jeju"), SessionId::random().unwrap());
    let hour = Duration::from_secs(3600);
    store.create(&owner, &id, &NewRecord::new(hour, hour, Bytes::new())).await.unwrap();
    for _ in 0..20 {
        // Opens several connections. Therefore the second try may also find a killed connection.
        let mut loads = JoinSet::new();
        for _ in 0..16 {
            let (store, owner, id) = (store.clone(), owner.clone(), id.clone());
            loads.spawn(async move { store.load(&owner, &id, None).await.is_ok() });
        }
        assert!(loads.join_all().await.into_iter().all(|answered| answered));
        kill_unnoticed(&server);
        assert!(store.load(&owner, &id, None).await.unwrap().is_some());
        kill_unnoticed(&server);
        let touch = Touch::new(owner.clone(), id.clone(), Duration::ZERO, Duration::MAX);
        // An error here would open the circuit breaker. In that case, all requests would receive
        // 503 for a short time.
        assert!(matches!(store.touch(&[touch]).await.unwrap()[..], [Touched::Lives(_)]));
    }
}
