//! The invalidation connection of a process is closed at the moment when a session is revoked
//! elsewhere.

use std::time::Duration;

use tower_session_auth::Login;

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::operator::Operator;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::{BOUND, rounds};

/// Revokes a session with `end` while a client sends requests that `here` serves from its near
/// cache. `end` returns the time at which the revocation was acknowledged. Returns how late the
/// last admitted request began.
pub(crate) async fn late(
    here: &Instance,
    there: &Instance,
    end: impl AsyncFnOnce(&Login) -> u64,
) -> Duration {
    let login = there.login_again("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    let ended = end(&login).await;
    client.until("rejected", Answer::is_out).await;
    // The session stays rejected: no late message makes it valid again.
    past(ended, BOUND).await;
    client.until("still rejected", Answer::is_out).await;
    client.stop().await.late(ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_in_another_process_takes_effect_within_the_lease() {
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

/// Calls `happens` immediately before the logout in each round, to close connections.
async fn logout_after(case: &'static str, mut happens: impl AsyncFnMut(&mut Operator)) {
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
async fn logout_takes_effect_within_the_lease_after_invalidation_connections_are_killed() {
    logout_after("link killed by its id", async |operator| {
        // On a loaded machine, a process may have given up its invalidation connection and be
        // opening a new one now.
        let each_has_one = async || operator.links().await == 2;
        until("each process has one invalidation connection", each_has_one).await;
        assert!(operator.kill_links().await >= 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_effect_within_the_lease_after_all_connections_are_killed() {
    logout_after("all connections killed", async |operator| {
        let killed = operator.kill_all().await;
        assert!(killed >= 2, "{killed}");
    })
    .await;
}
