//! A replica is promoted behind one address, and the old primary keeps its connections.

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

/// A large pool. What one connection learns about its server must count for all connections.
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
        pair.wait_until_in_sync().await;
        pair
    }

    /// Waits until the replica has all data of the primary.
    async fn wait_until_in_sync(&self) {
        let mut operator = self.primary.connection().await;
        until("the replica has everything", async || {
            // `WAIT` covers only the writes of its own connection.
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

    /// Makes the old primary a replica of the server at `port`.
    async fn demote(&self, port: u16) {
        self.primary.command(&["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
    }

    /// Promotes the replica, and directs new connections of `proxy` to it. Makes the old primary a
    /// replica of a server that does not exist. The old primary then gets no data and sends no
    /// invalidations: only its role changes. Returns the time.
    async fn take_over(&self, proxy: &Proxy) -> u64 {
        self.promote().await;
        proxy.lead_to(self.replica.port());
        // No server listens on this port.
        self.demote(1).await;
        now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_hits_end_within_the_lease_after_the_primary_is_demoted() {
    let mut times = Lateness::of("primary demoted: last answer from the cache");
    for _ in 0..rounds(2) {
        let pair = Pair::start().await;
        let proxy = Proxy::start(pair.primary.port());
        let here = Instance::patient(&proxy.url());
        let login = here.login("jeju").await;
        pair.wait_until_in_sync().await;
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
        // The new primary has the session, too. The near cache serves it with the new invalidation
        // connection.
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
async fn logout_at_the_new_primary_takes_effect_within_the_lease() {
    let mut times = Lateness::of("replica takes over, then logout there");
    let mut strict_times = Lateness::of("the same, a layer that allows no staleness");
    for _ in 0..rounds(2) {
        let pair = Pair::start().await;
        let proxy = Proxy::start(pair.primary.port());
        let store = RedisStore::builder(proxy.url()).timeout(UNHURRIED).pool_size(POOL);
        let here = Instance::start_with(patient_builder(store.build().unwrap()));
        let there = Instance::patient(&pair.replica.url());
        let login = here.login("jeju").await;
        pair.wait_until_in_sync().await;
        let layer = SessionAuthLayer::new(here.manager.clone());
        let strict = app(layer.max_staleness(Duration::ZERO).unwrap());
        fill_the_pool(&pair.primary, &proxy, &strict, &login).await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        let client = Hammer::start(&here, &login.access_token);
        let strict_client = Hammer::through(strict, &login.access_token);
        client.until("admitted", Answer::is_in).await;
        pair.take_over(&proxy).await;
        there.logout(&login.access_token).await;
        let ended = now();
        client.until("rejected", Answer::is_out).await;
        strict_client.until("rejected", Answer::is_out).await;
        past(ended, BOUND).await;
        client.until("still rejected", Answer::is_out).await;
        strict_client.until("still rejected", Answer::is_out).await;
        times.add(client.stop().await.late(ended));
        strict_times.add(strict_client.stop().await.late(ended));
    }
    times.report(BOUND);
    // The heartbeat detects the demotion. On a machine that delays the heartbeat, the strict layer
    // is late, too.
    strict_times.report(bound_of_a_fast_machine());
}

/// Sends many requests at once while no new connection is answered, so that the pool opens all of
/// its connections.
async fn fill_the_pool(primary: &RedisServer, proxy: &Proxy, strict: &App, login: &Login) {
    proxy.set(Rule { fate: Fate::Wait, ..Rule::PASS });
    proxy.cut_all();
    let mut requests = JoinSet::new();
    for _ in 0..64 {
        let (app, token) = (strict.clone(), login.access_token.clone());
        requests.spawn(async move { ask(&app, &token).await });
    }
    until("all connections are open", async || proxy.connections() >= POOL as usize).await;
    proxy.set(Rule::PASS);
    let answers = requests.join_all().await;
    assert!(answers.iter().all(Answer::is_in), "{answers:?}");
    let clients = primary.text(&["CLIENT", "LIST", "TYPE", "normal"]).await.unwrap();
    assert!(clients.lines().count() >= 5, "the pool has several connections: {clients}");
}
