//! The address moves to another server, while the old server stays up as a primary and keeps its
//! connections.

use std::time::Duration;

use tower_session_auth::Login;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::RedisStore;
use tower_session_auth::store::redis::RedisStoreBuilder;

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

/// The interval of the address check plus the lease, with a margin for the two clocks.
const MOVED_BOUND: Duration = Duration::from_millis(1_510);

/// The old server, the server that the address leads to later, and the proxy between them and the
/// process.
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

    /// Directs new connections to the new server. Closes no connection. Returns the time.
    fn move_address(&self) -> u64 {
        self.proxy.lead_to(self.new.port());
        now()
    }
}

/// Waits until the session is rejected, and for a while longer. Returns how late the last admitted
/// request began.
async fn wait_until_rejected(client: Hammer, acknowledged: u64) -> Duration {
    client.until("rejected", Answer::is_out).await;
    past(acknowledged, 2 * BOUND).await;
    client.until("still rejected", Answer::is_out).await;
    client.stop().await.late(acknowledged)
}

async fn served_from_the_near_cache(here: &Instance) -> (Login, Hammer) {
    let login = here.login("jeju").await;
    here.coherent().await;
    here.cached(&login.access_token).await;
    let client = Hammer::start(here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    (login, client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_left_at_the_old_server_are_detected_and_replaced() {
    let mut times = Lateness::of("the address leads elsewhere, all connections stay: last hit");
    for _ in 0..rounds(1) {
        let servers = Servers::start().await;
        let here = Instance::start_with(servers.settings(servers.store()));
        let login = here.login("jeju").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        // The new server does not have the session. For this process, that is a logout.
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
async fn revocation_with_replica_wait_reaches_the_server_that_serves_reads() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store));
    let (login, client) = served_from_the_near_cache(&here).await;
    // The first revocation opens the first connection of its pool, which leads to the new server.
    servers.move_address();
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(wait_until_rejected(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocation_without_near_cache_reaches_the_server_that_serves_reads() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store).without_near_cache());
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    servers.move_address();
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(wait_until_rejected(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_revocation_connection_at_the_old_server_is_not_used() {
    let servers = Servers::start().await;
    let store = servers.store().wait_replicas(1, ms(50));
    let here = Instance::start_with(servers.settings(store));
    leave_idle_connection_behind(&servers, &here, 2).await;
    let (login, client) = served_from_the_near_cache(&here).await;
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(wait_until_rejected(client, acknowledged).await <= BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_revocation_connection_at_the_old_server_is_unused_without_near_cache() {
    let servers = Servers::start().await;
    // The interval is so long that no address check happens before the revocation.
    let hour = Duration::from_secs(3_600);
    let store = servers.store().wait_replicas(1, ms(50)).address_check(hour);
    let here = Instance::start_with(servers.settings(store).without_near_cache());
    leave_idle_connection_behind(&servers, &here, 1).await;
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    here.logout(&login.access_token).await;
    let acknowledged = now();
    assert!(wait_until_rejected(client, acknowledged).await <= BOUND);
}

/// Leaves the connection for revocations at the old server. All other connections are closed, and
/// opened again at the new server.
async fn leave_idle_connection_behind(servers: &Servers, here: &Instance, others: u64) {
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
async fn connections_left_at_the_old_server_are_replaced_without_near_cache() {
    let servers = Servers::start().await;
    let here = Instance::start_with(servers.settings(servers.store()).without_near_cache());
    let login = here.login("jeju").await;
    let client = Hammer::start(&here, &login.access_token);
    client.until("admitted", Answer::is_in).await;
    servers.move_address();
    client.until("rejected", Answer::is_out).await;
}
