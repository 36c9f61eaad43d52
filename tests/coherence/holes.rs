//! The network between a process and Redis goes quiet, both ways or one way, and no connection is closed.

use std::time::Duration;

use tower_session_auth::Login;

use crate::instance::Instance;
use crate::late::{Lateness, now, past};
use crate::lost_links::late;
use crate::support::proxy::{Fate, Proxy, Rule, Way};
use crate::support::redis::RedisServer;
use crate::{BOUND, rounds};

/// How long it is quiet: longer than the lease.
const HOLE: Duration = Duration::from_millis(700);

const ALL: [Way; 3] = [Way::Both, Way::ToServer, Way::ToClient];

/// A session ends on the other side of a hole; that reaches this side too late, or never.
async fn through_a_hole(case: &'static str, fate: Fate, links_only: bool, first: Way) {
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
        // Without a restart.
        let login = there.login("mina").await;
        here.coherent().await;
        here.cached(&login.access_token).await;
        there.logout(&login.access_token).await;
    }
    times.report(BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_beyond_a_black_hole() {
    let case = "black hole, link and pool";
    through_a_hole(case, Fate::Vanish, false, Way::Both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_beyond_a_black_hole_of_the_link_alone() {
    let case = "black hole, link alone";
    through_a_hole(case, Fate::Vanish, true, Way::ToClient).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_while_the_network_stands_still() {
    let case = "network stands still, then all arrives";
    through_a_hole(case, Fate::Wait, false, Way::ToClient).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_holds_while_the_link_alone_stands_still() {
    let case = "link stands still, then all arrives";
    through_a_hole(case, Fate::Wait, true, Way::Both).await;
}
