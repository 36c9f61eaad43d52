//! Many concurrent requests that miss the near cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower_session_auth::Login;

use crate::instance::{Answer, Instance, ask, unhurried};
use crate::is_long;
use crate::operator::Operator;
use crate::support::commands::Commands;
use crate::support::redis::RedisServer;
use crate::support::user;
use crate::support::wait::until;

const TOKENS: usize = 10;
const REQUESTS: usize = 1_000;
/// Maximum number of fills and of reads: one per token, and some for requests during an
/// invalidation, for heartbeats, and for probes.
const FEW: u64 = 2 * TOKENS as u64;

/// Sends a thousand requests that begin at the same time.
async fn storm(here: &Instance, logins: &[Login]) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(REQUESTS));
    let mut requests = JoinSet::new();
    for at in 0..REQUESTS {
        let (app, barrier) = (here.app(), Arc::clone(&barrier));
        let token = logins[at % TOKENS].access_token.clone();
        requests.spawn(async move {
            barrier.wait().await;
            ask(&app, &token).await
        });
    }
    requests.join_all().await
}

async fn logins(there: &Instance) -> Vec<Login> {
    let mut logins = Vec::new();
    for at in 0..TOKENS {
        logins.push(there.login(&format!("u{at}")).await);
    }
    logins
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_concurrent_requests_with_ten_tokens_cause_at_most_twenty_fills() {
    let server = RedisServer::start().await;
    // The lease is long, because requests without a valid lease do not share a read.
    let here = Instance::start_with(unhurried(&server.url()));
    let there = Instance::patient(&server.url());
    let logins = logins(&there).await;
    here.coherent().await;
    for happens in ["cold", "changed", "link lost", "flushed"] {
        let lost = here.near().lost_links;
        match happens {
            "changed" => {
                for login in &logins {
                    let owner = login.session.user_id();
                    let role = Some("v1".to_owned());
                    let update =
                        there.manager.update_all(owner, |_, session| session.role = role.clone());
                    assert_eq!(update.await.unwrap(), 1);
                }
            }
            "link lost" => {
                assert!(Operator::at(&server).await.kill_all().await >= 1);
                until("the invalidation connection is lost", async || {
                    here.near().lost_links > lost
                })
                .await;
                here.coherent().await;
            }
            "flushed" => drop(server.command(&["FLUSHALL"]).await),
            _ => {}
        }
        let (fills, commands) = (here.near().fills, Commands::of(&server).await);
        let answers = storm(&here, &logins).await;
        let (fills, commands) = (here.near().fills - fills, commands.since(&server).await);
        // Some requests may be admitted before the invalidation of the flush arrives.
        let refused = answers.iter().filter(|answer| answer.is_out()).count();
        println!("{happens}: {fills} fills, {refused} of {REQUESTS} refused, {commands:?}");
        assert!(fills <= FEW, "{happens}: {fills} fills");
        // A rejection also reads the reason of the revocation.
        let most = if happens == "flushed" { 2 * FEW } else { FEW };
        assert!(commands.reads() <= most, "{happens}: {commands:?}");
        assert!(refused == 0 || happens == "flushed", "{happens}: {refused}");
        for login in &logins {
            let answer = here.ask(&login.access_token).await;
            assert_eq!(answer.is_out(), happens == "flushed", "{happens}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_token_causes_one_fill_per_five_seconds_and_none_for_another_token() {
    let server = RedisServer::start().await;
    let here = Instance::start_with(unhurried(&server.url()));
    let there = Instance::patient(&server.url());
    let [ended, kept] = [there.login("jeju").await, there.login("mina").await];
    there.logout(&ended.access_token).await;
    // The same holds for a token of an unknown session of an unknown user.
    let elsewhere = RedisServer::start().await;
    let never = Instance::patient(&elsewhere.url()).login("nobody").await;
    here.coherent().await;
    here.cached(&kept.access_token).await;
    let length = Duration::from_secs(if is_long() { 12 } else { 2 });
    for dead in [&ended, &never] {
        let (commands, fills) = (Commands::of(&server).await, here.near().fills);
        let (start, mut asked) = (Instant::now(), 0_u64);
        while start.elapsed() < length {
            for _ in 0..100 {
                assert!(here.ask(&dead.access_token).await.is_out());
                let before = here.near();
                assert!(here.ask(&kept.access_token).await.is_in());
                let after = here.near();
                // The entry of the other session needs no new read within these 12 seconds.
                assert_eq!((after.fills, after.misses), (before.fills, before.misses));
                asked += 1;
            }
            tokio::task::yield_now().await;
        }
        let (commands, fills) = (commands.since(&server).await, here.near().fills - fills);
        let periods = start.elapsed().as_secs() / 5 + 1;
        println!("{asked} requests on an ended session: {fills} fills, {commands:?}");
        assert!(asked >= 100 && (1..=periods).contains(&fills), "{fills} in {periods} periods");
        // One read for the session, and one for the reason of its revocation.
        assert!(commands.reads() <= 2 * periods, "{commands:?}");
    }
    assert!(here.manager.exists(&user("mina"), kept.session.id()).await.unwrap());
}
