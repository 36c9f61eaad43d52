//! Redis is killed or paused while a process serves from its near cache.

use crate::hammer::{Hammer, Runs};
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::{BOUND, SANE, is_long, rounds};

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Asserts that no request was rejected with 401. In long runs, also asserts that no request was
/// slow.
fn assert_only_in_or_unknown(runs: &Runs) {
    assert!(!is_long() || runs.slowest() < SANE, "{runs:?}");
    let sure = runs.0.iter().filter(|run| run.answer.is_out());
    assert_eq!(sure.count(), 0, "an outage causes no 401: {runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_stops_within_the_lease_after_redis_is_killed_and_follows_an_empty_one() {
    let mut server = RedisServer::start().await;
    let here = Instance::start(&server.url());
    let mut times = Lateness::of("Redis killed (kill -9)");
    for _ in 0..rounds(2) {
        let login = here.login_again("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        client.until("admitted", Answer::is_in).await;
        server.stop();
        let killed = now();
        client.until("unknown", |answer| *answer == Answer::Unknown).await;
        past(killed, BOUND).await;
        let runs = client.stop().await;
        assert_only_in_or_unknown(&runs);
        times.add(runs.late(killed));
        server.restart().await;
        until("rejected because the server is empty", async || {
            here.ask(&login.access_token).await.is_out()
        })
        .await;
        let login = here.login_again("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_right_after_a_redis_restart_takes_effect_within_the_lease() {
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
        clients[1].until("rejected", Answer::is_out).await;
        clients[0].until("admitted again", Answer::is_in).await;
        past(logged_out, BOUND).await;
        let [kept_client, ended_client] = clients;
        assert_only_in_or_unknown(&kept_client.stop().await);
        times.add(ended_client.stop().await.late(logged_out));
        here.cached(&kept.access_token).await;
        there.logout(&kept.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_stops_within_the_lease_while_redis_is_paused_and_sessions_survive() {
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
        client.until("admitted", Answer::is_in).await;
        server.pause();
        let stopped = now();
        // The logout fails with 503. It must not report success.
        let failed = there.manager.logout(&tried.access_token).await.unwrap_err();
        assert_eq!(failed.kind().status(), 503);
        client.until("unknown", |answer| *answer == Answer::Unknown).await;
        past(stopped, BOUND).await;
        client.until("still unknown", |answer| *answer == Answer::Unknown).await;
        let runs = client.stop().await;
        assert_only_in_or_unknown(&runs);
        times.add(runs.late(stopped));
        server.resume();
        until("admitted again", async || here.ask(&login.access_token).await.is_in()).await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        // Redis may still execute the logout after it resumes. Then all processes must see it.
        until("all processes agree", async || {
            let real = truth.ask(&tried.access_token).await;
            real == here.ask(&tried.access_token).await
                && real == there.ask(&tried.access_token).await
        })
        .await;
    }
    times.report(BOUND);
}
