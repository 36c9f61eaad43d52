//! A replica takes over behind one address, and the old primary keeps its connections.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_session_auth::store::RedisStore;
use tower_session_auth::{Login, SessionAuthLayer};

use crate::hammer::Hammer;
use crate::instance::{Answer, App, Instance, app, ask};
use crate::late::{Lateness, now, past, since};
use crate::lost_links::late;
use crate::support::proxy::{Fate, Proxy, Rule};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, patient_builder};
use crate::{BOUND, bound_of_a_fast_machine, rounds};

/// Many: what one connection learns of its server must count for all.
const POOL: u32 = 16;

/// A primary and its replica.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
}

impl Pair {
    async fn start() -> Self {
        let primary = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]).await;
        let port = primary.port().to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        let pair = Self { primary, replica };
        pair.synchronous().await;
        pair
    }

    /// Waits until the replica has all that the primary has.
    async fn synchronous(&self) {
        let mut operator = self.primary.connection().await;
        until("the replica has everything", async || {
            // `WAIT` is about what this connection wrote.
            let mut write = redis::pipe();
            write.cmd("SET").arg("written").arg("last").ignore().cmd("WAIT").arg(1).arg(100);
            let (replicas,): (u64,) = write.query_async(&mut operator).await.unwrap();
            replicas == 1
        })
        .await;
    }

    async fn promote(&self) {
        self.replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    }

    /// The old primary follows `port`.
    async fn demote(&self, port: u16) {
        self.primary.command(&["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
    }

    /// The replica takes over, new connections of `proxy` lead to it, and the old primary hears nothing from it: nothing
    /// is told to its clients, and only its role has changed.
    async fn take_over(&self, proxy: &Proxy) -> u64 {
        self.promote().await;
        proxy.lead_to(self.replica.port());
        // Nobody listens there.
        self.demote(1).await;
        now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_served_that_a_demoted_primary_vouches_for() {
    let mut times = Lateness::of("primary demoted: last answer from the cache");
    for _ in 0..rounds(2) {
        let pair = Pair::start().await;
        let proxy = Proxy::start(pair.primary.port());
        let here = Instance::patient(&proxy.url());
        let login = here.login("jeju").await;
        pair.synchronous().await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let before = here.near().lost_links;
        let demoted = pair.take_over(&proxy).await;
        let mut last_hit = demoted;
        until("the near cache follows the new primary", async || {
            for _ in 0..100 {
                let (near, start) = (here.near(), now());
                here.ask(&login.access_token).await;
                if near.lost_links == before && here.near().hits > near.hits {
                    last_hit = last_hit.max(start);
                }
            }
            here.near().lost_links > before && here.is_coherent()
        })
        .await;
        times.add(since(last_hit, demoted));
        // The session lives there too, and is served from the new link.
        here.cached(&login.access_token).await;
        let there = Instance::patient(&pair.replica.url());
        let logout = async |login: &Login| {
            there.logout(&login.access_token).await;
            now()
        };
        assert!(late(&here, &there, logout).await <= BOUND);
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_at_the_new_primary_holds() {
    let mut times = Lateness::of("replica takes over, then logout there");
    let mut strict_times = Lateness::of("the same, a layer that allows no staleness");
    for _ in 0..rounds(2) {
        let pair = Pair::start().await;
        let proxy = Proxy::start(pair.primary.port());
        let store = RedisStore::builder(proxy.url()).timeout(UNHURRIED).pool_size(POOL);
        let here = Instance::start_with(patient_builder(store.build().unwrap()));
        let there = Instance::patient(&pair.replica.url());
        let login = here.login("jeju").await;
        pair.synchronous().await;
        let layer = SessionAuthLayer::new(here.manager.clone());
        let strict = app(layer.max_staleness(Duration::ZERO).unwrap());
        fill_the_pool(&pair.primary, &proxy, &strict, &login).await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        let strict_client = Hammer::through(strict, &login.access_token);
        client.until("let in", Answer::is_in).await;
        pair.take_over(&proxy).await;
        there.logout(&login.access_token).await;
        let ended = now();
        client.until("refused", Answer::is_out).await;
        strict_client.until("refused", Answer::is_out).await;
        past(ended, BOUND).await;
        client.until("refused still", Answer::is_out).await;
        strict_client.until("refused still", Answer::is_out).await;
        times.add(client.stop().await.late(ended));
        strict_times.add(strict_client.stop().await.late(ended));
    }
    times.report(BOUND);
    // It is the heartbeat that tells of the demotion: a machine that is late with it is late here.
    strict_times.report(bound_of_a_fast_machine());
}

/// Asks often at once while no connection can be made yet, so that all of the pool's are.
async fn fill_the_pool(primary: &RedisServer, proxy: &Proxy, strict: &App, login: &Login) {
    proxy.set(Rule { fate: Fate::Wait, ..Rule::PASS });
    proxy.cut_all();
    let mut requests = JoinSet::new();
    for _ in 0..64 {
        let (app, token) = (strict.clone(), login.access_token.clone());
        requests.spawn(async move { ask(&app, &token).await });
    }
    until("all are made", async || proxy.connections() >= POOL as usize).await;
    proxy.set(Rule::PASS);
    let answers = requests.join_all().await;
    assert!(answers.iter().all(Answer::is_in), "{answers:?}");
    let clients = primary.text(&["CLIENT", "LIST", "TYPE", "normal"]).await.unwrap();
    assert!(
        clients.lines().count() >= 5,
        "more than the link, one connection, and this one: {clients}"
    );
}
