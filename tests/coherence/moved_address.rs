//! The address begins to lead to another server, while the old server lives on as a primary and keeps connections.

use std::time::Duration;

use tower_session_auth::store::RedisStore;
use tower_session_auth::store::redis::RedisStoreBuilder;
use tower_session_auth::{Login, SessionManagerBuilder};

use crate::hammer::Hammer;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, now, past, since};
use crate::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{builder, ms};
use crate::{BOUND, rounds};

const PATIENT: Duration = Duration::from_secs(5);

/// The interval of the address check and the lease, and a little for the two clocks.
const MOVED_BOUND: Duration = Duration::from_millis(1_510);

/// The old server, the server that the address leads to later, and what stands between them and the process.
struct Servers {
    old: RedisServer,
    new: RedisServer,
    proxy: Proxy,
}

impl Servers {
    async fn start() -> Self {
        let (old, new) = (RedisServer::start().await, RedisServer::start().await);
        let proxy = Proxy::start(old.port());
        Self { old, new, proxy }
    }

    fn store(&self) -> RedisStoreBuilder {
        RedisStore::builder(self.proxy.url()).timeout(PATIENT)
    }

    fn settings(&self, store: RedisStoreBuilder) -> SessionManagerBuilder {
        builder().store(store.build().unwrap()).store_timeout(PATIENT)
    }

    /// New connections lead to the new server; no connection is closed.
    fn move_address(&self) -> u64 {
        self.proxy.lead_to(self.new.port());
        now()
    }
}

/// Waits until a session is refused, and for a while longer; returns how late the last request began that was let in.
async fn ends(client: Hammer, acknowledged: u64) -> Duration {
    client.until("refused", Answer::is_out).await;
    past(acknowledged, 2 * BOUND).await;
    client.until("refused still", Answer::is_out).await;
    client.stop().await.late(acknowledged)
}

async fn served_from_the_near_cache(here: &Instance) -> (Login, Hammer) {
    let login = here.login("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    (login, client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_all_stay_at_the_old_server_are_found_and_given_up() {
    let mut times = Lateness::of("the address leads elsewhere, all connections stay: last hit");
    for _ in 0..rounds(1) {
        let servers = Servers::start().await;
        let here = Instance::start_with(servers.settings(servers.store()));
        let login = here.login("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        // The new server does not know the session: a logout there, as far as this process goes.
        let moved = servers.move_address();
        let mut last_hit = moved;
        until("the process follows the address", async || {
            for _ in 0..100 {
                let (hits, start) = (here.near().hits, now());
                if here.ask(&login.access_token).await.is_out() {
                    return true;
                }
                if here.near().hits > hits {
                    last_hit = last_hit.max(start);
                }
            }
            false
        })
        .await;
        times.add(since(last_hit, moved));
        past(moved, MOVED_BOUND).await;
        assert!(here.ask(&login.access_token).await.is_out());
        // The near cache works again, with the new server.
        let login = here.login("jeju").await;
        here.cached(&login.access_token).await;
        assert!(servers.new.number(&["HLEN", "session:{jeju}:live"]).await == 1);
    }
    times.report(MOVED_BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_waits_for_replicas_reaches_the_server_that_is_read() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store));
    let (login, client) = served_from_the_near_cache(&here).await;
    // The first revocation makes the first connection of its pool, which leads to the new server.
    servers.move_address();
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(ends(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_near_cache_a_revocation_reaches_the_server_that_is_read_too() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store).without_near_cache());
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    servers.move_address();
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(ends(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_for_revocations_that_stays_behind_is_not_used() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store));
    idle_connection_stays_behind(&servers, &here, 2).await;
    let (login, client) = served_from_the_near_cache(&here).await;
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(ends(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_is_it_used_without_a_near_cache() {
    let servers = Servers::start().await;
    // No check of the address before the revocation.
    let hour = Duration::from_secs(3_600);
    let store = servers.store().wait_replicas(1, ms(50)).address_check(hour);
    let here = Instance::start_with(servers.settings(store).without_near_cache());
    idle_connection_stays_behind(&servers, &here, 1).await;
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(ends(client, acknowledged).await <= BOUND);
}

/// The connection of a revocation stays at the old server, all others are closed and made again at the new one.
async fn idle_connection_stays_behind(servers: &Servers, here: &Instance, others: u64) {
    let first = here.login("jeju").await;
    here.logout(&first.access_token).await;
    servers.move_address();
    let mut operator = Operator::at(&servers.old).await;
    assert!(operator.kill_all_but_waiters().await >= others);
    until("the requests' connection leads to the new server", async || {
        here.login_again("jeju").await;
        servers.new.number(&["EXISTS", "session:{jeju}:live"]).await == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_near_cache_connections_that_stay_at_the_old_server_are_given_up_too() {
    let servers = Servers::start().await;
    let here = Instance::start_with(servers.settings(servers.store()).without_near_cache());
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("let in", Answer::is_in).await;
    servers.move_address();
    client.until("refused", Answer::is_out).await;
}
