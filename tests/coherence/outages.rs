//! Redis is killed or stopped while a process serves from its near cache.

use crate::hammer::{Hammer, Runs};
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::{BOUND, SANE, is_long, rounds};

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// All refusals are "unknown", and none of them waited for long.
fn only_in_or_unknown(runs: &Runs) {
    assert!(!is_long() || runs.slowest() < SANE, "{runs:?}");
    let sure = runs.0.iter().filter(|run| run.answer.is_out());
    assert_eq!(sure.count(), 0, "unknown is not invalid: {runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_ends_the_cache_and_an_empty_one_is_believed() {
    let mut server = RedisServer::start().await;
    let here = Instance::start(&server.url());
    let mut times = Lateness::of("Redis killed (kill -9)");
    for _ in 0..rounds(2) {
        let login = here.login_again("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        client.until("let in", Answer::is_in).await;
        server.stop();
        let killed = now();
        client.until("unknown", |answer| *answer == Answer::Unknown).await;
        past(killed, BOUND).await;
        let runs = client.stop().await;
        only_in_or_unknown(&runs);
        times.add(runs.late(killed));
        server.restart().await;
        until("refused by the empty server", async || here.ask(&login.access_token).await.is_out())
            .await;
        let login = here.login_again("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_right_after_a_restart_with_all_data_holds() {
    let mut server = RedisServer::start_with(&DURABLE).await;
    let (here, there) = (Instance::start(&server.url()), Instance::start(&server.url()));
    let mut times = Lateness::of("Redis killed and back with its data, then logout");
    for _ in 0..rounds(2) {
        let [kept, ended] = [there.login_again("jeju").await, there.login_again("mina").await];
        here.coherent().await;
        for login in [&kept, &ended] {
            here.cached(&login.access_token).await;
        }
        let clients = [&kept, &ended].map(|login| Hammer::start(&here, &login.access_token));
        server.stop();
        server.restart().await;
        there.logout(&ended.access_token).await;
        let logged_out = now();
        clients[1].until("refused", Answer::is_out).await;
        clients[0].until("let in again", Answer::is_in).await;
        past(logged_out, BOUND).await;
        let [kept_client, ended_client] = clients;
        only_in_or_unknown(&kept_client.stop().await);
        times.add(ended_client.stop().await.late(logged_out));
        here.cached(&kept.access_token).await;
        there.logout(&kept.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_ends_the_cache_within_the_lease_and_costs_no_session() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::start(&server.url()), Instance::start(&server.url()));
    let truth = Instance::truth(&server.url());
    let mut times = Lateness::of("Redis stopped (SIGSTOP)");
    for _ in 0..rounds(2) {
        let [login, tried] = [here.login_again("jeju").await, here.login_again("mina").await];
        here.coherent().await;
        for login in [&login, &tried] {
            here.cached(&login.access_token).await;
        }
        let client = Hammer::start(&here, &login.access_token);
        client.until("let in", Answer::is_in).await;
        server.pause();
        let stopped = now();
        // It goes nowhere, and nobody is told that it was done.
        let failed = there.manager.logout(&tried.access_token).await.unwrap_err();
        assert_eq!(failed.kind().status(), 503);
        client.until("unknown", |answer| *answer == Answer::Unknown).await;
        past(stopped, BOUND).await;
        client.until("unknown still", |answer| *answer == Answer::Unknown).await;
        let runs = client.stop().await;
        only_in_or_unknown(&runs);
        times.add(runs.late(stopped));
        server.resume();
        until("let in again", async || here.ask(&login.access_token).await.is_in()).await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        // Redis may have done it after all, once it ran again: then for all.
        until("all processes agree", async || {
            let real = truth.ask(&tried.access_token).await;
            real == here.ask(&tried.access_token).await
                && real == there.ask(&tried.access_token).await
        })
        .await;
    }
    times.report(BOUND);
}
