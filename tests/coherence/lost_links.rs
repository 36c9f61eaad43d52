//! The link between a process and Redis is closed, and at the same moment a session ends elsewhere.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tower_session_auth::Login;

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, since};
use crate::support::ms;
use crate::support::redis::RedisServer;
use crate::{BOUND, rounds};

/// A session that is served from `here`'s near cache is ended by `end`, which tells when that was acknowledged, while a
/// client goes on asking. How late the last request began that was let in.
pub(crate) async fn late(
    here: &Instance,
    there: &Instance,
    end: impl AsyncFnOnce(&Login) -> u64,
) -> Duration {
    let login = there.login_again("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    let ended = end(&login).await;
    client.until("refused", Answer::is_out).await;
    // What was refused stays refused: nothing arrives late and brings it back.
    while since(now(), ended) < BOUND {
        tokio::time::sleep(ms(5)).await;
    }
    client.until("refused still", Answer::is_out).await;
    client.stop().await.late(ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_elsewhere_holds_here() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut times = Lateness::of("one session, nothing wrong");
    for _ in 0..rounds(4) {
        let logout = async |login: &Login| {
            there.logout(&login.access_token).await;
            now()
        };
        times.add(late(&here, &there, logout).await);
    }
    times.report(BOUND);
}

/// The connections on which Redis tracks what is read.
async fn links(operator: &mut MultiplexedConnection) -> Vec<String> {
    connections(operator, |flags| flags.contains('t')).await
}

/// The connections with such flags, by their ids.
pub(crate) async fn connections(
    operator: &mut MultiplexedConnection,
    is_one: impl Fn(&str) -> bool,
) -> Vec<String> {
    let all: String = redis::cmd("CLIENT").arg("LIST").query_async(operator).await.unwrap();
    let value = |line: &str, name: &str| {
        let mut words = line.split(' ').filter_map(|word| word.split_once('='));
        words.find(|(key, _)| *key == name).unwrap().1.to_owned()
    };
    let those = all.lines().filter(|line| is_one(&value(line, "flags")));
    those.map(|line| value(line, "id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_although_the_link_was_killed() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut operator = server.connection().await;
    let mut times = Lateness::of("link killed by its id");
    let rounds = rounds(3);
    for _ in 0..rounds {
        there.coherent().await;
        let end = async |login: &Login| {
            let links = links(&mut operator).await;
            assert_eq!(links.len(), 2, "each process has one link");
            for id in links {
                let kill: i64 = redis::cmd("CLIENT")
                    .arg(&["KILL", "ID", &*id])
                    .query_async(&mut operator)
                    .await
                    .unwrap();
                assert_eq!(kill, 1);
            }
            there.logout(&login.access_token).await;
            now()
        };
        times.add(late(&here, &there, end).await);
    }
    here.coherent().await;
    assert!(here.near().lost_links >= rounds);
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_although_all_connections_were_killed() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut operator = server.connection().await;
    let mut times = Lateness::of("all connections killed");
    let rounds = rounds(3);
    for _ in 0..rounds {
        let end = async |login: &Login| {
            for kind in ["pubsub", "normal"] {
                let mut kill = redis::cmd("CLIENT");
                kill.arg(&["KILL", "TYPE", kind, "SKIPME", "yes"]);
                let killed: i64 = kill.query_async(&mut operator).await.unwrap();
                assert!(kind == "pubsub" || killed >= 2, "{killed}");
            }
            there.logout(&login.access_token).await;
            now()
        };
        times.add(late(&here, &there, end).await);
    }
    here.coherent().await;
    assert!(here.near().lost_links >= rounds);
    times.report(BOUND);
}
