//! The link between a process and Redis is closed, and at the same moment a session ends elsewhere.

use std::time::Duration;

use tower_session_auth::Login;

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::operator::Operator;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
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
    past(ended, BOUND).await;
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

/// Loses the link in each round, in the moment before the logout.
async fn although(case: &'static str, mut happens: impl AsyncFnMut(&mut Operator)) {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let mut operator = Operator::at(&server).await;
    let mut times = Lateness::of(case);
    let rounds = rounds(3);
    for _ in 0..rounds {
        there.coherent().await;
        let end = async |login: &Login| {
            happens(&mut operator).await;
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
async fn a_logout_holds_although_the_link_was_killed() {
    although("link killed by its id", async |operator| {
        // A process that a loaded machine gave no turn for as long as a lease is making another one at this moment.
        let each_has_one = async || operator.links().await == 2;
        until("each process has one link", each_has_one).await;
        assert!(operator.kill_links().await >= 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_although_all_connections_were_killed() {
    although("all connections killed", async |operator| {
        let killed = operator.kill_all().await;
        assert!(killed >= 2, "{killed}");
    })
    .await;
}
