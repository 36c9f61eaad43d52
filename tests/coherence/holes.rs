//! The network between a process and Redis drops or delays all data, in one direction or in both.
//! No connection is closed.

use std::time::Duration;

use tower_session_auth::Login;

use crate::instance::Instance;
use crate::late::{Lateness, now, past};
use crate::lost_links::late;
use crate::support::proxy::{Fate, Proxy, Rule, Way};
use crate::support::redis::RedisServer;
use crate::{BOUND, rounds};

/// Duration of the network failure: longer than the lease.
const HOLE: Duration = Duration::from_millis(700);

const ALL: [Way; 3] = [Way::Both, Way::ToServer, Way::ToClient];

/// Revokes a session elsewhere during a network failure. The invalidation arrives too late, or
/// never.
async fn logout_during_network_failure(
    case: &'static str,
    fate: Fate,
    links_only: bool,
    first: Way,
) {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port());
    let (here, there) = (Instance::start(&proxy.url()), Instance::patient(&server.url()));
    let mut times = Lateness::of(case);
    let ways = ALL.into_iter().cycle().skip_while(|way| *way != first);
    for (way, _) in ways.zip(0..rounds(1)) {
        let end = async |login: &Login| {
            proxy.set(Rule { fate, way, links_only });
            there.logout(&login.access_token).await;
            let acknowledged = now();
            past(acknowledged, HOLE).await;
            assert!(!here.is_coherent(), "{way:?}");
            proxy.set(Rule::PASS);
            acknowledged
        };
        times.add(late(&here, &there, end).await);
        // The process recovers without a restart.
        let login = there.login("mina").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        there.logout(&login.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_effect_within_the_lease_while_the_network_drops_all_data() {
    let case = "black hole, link and pool";
    logout_during_network_failure(case, Fate::Vanish, false, Way::Both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_effect_within_the_lease_while_only_invalidations_are_dropped() {
    let case = "black hole, link alone";
    logout_during_network_failure(case, Fate::Vanish, true, Way::ToClient).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_effect_within_the_lease_while_the_network_delays_all_data() {
    let case = "network stands still, then all arrives";
    logout_during_network_failure(case, Fate::Wait, false, Way::ToClient).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_takes_effect_within_the_lease_while_only_invalidations_are_delayed() {
    let case = "link stands still, then all arrives";
    logout_during_network_failure(case, Fate::Wait, true, Way::Both).await;
}
