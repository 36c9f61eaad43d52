//! The invalidation connection at each step of its life. The manager trusts the connection only
//! while every check succeeds. In any case, the manager serves requests.

use std::time::{Duration, Instant};

use tower_session_auth::AuthErrorKind;
use tower_session_auth::manager::NearCacheState;

use crate::fills::fake::{Fake, Lane, Manners};
use crate::fills::world::{LONG, MIDDLING, Shown, World};
use crate::support::log::Log;
use crate::support::wait::{skip, until};

/// Long compared with a scheduling delay on a loaded machine, but short enough for a test that
/// waits for heartbeats.
const SHORT: Duration = Duration::from_secs(5);

/// The command that turns a connection into an invalidation connection.
const TRACKING: &str = "CLIENT TRACKING ON";

impl World {
    /// Checks that nothing is cached: each request reads over the pool and sees the latest change.
    async fn reads_each_time(&self, shown: &Shown) {
        for _ in 0..3 {
            let asked = [Lane::Link, Lane::Pool].map(|lane| self.fake.asked(lane, "HGET"));
            self.fake.update(&shown.user, &shown.sid);
            assert_eq!(self.says(shown).await, self.truth(shown));
            let asks = [Lane::Link, Lane::Pool].map(|lane| self.fake.asked(lane, "HGET"));
            assert_eq!(asks, [asked[0], asked[1] + 1], "one read, over the pool");
        }
        assert_eq!(self.figures().hits, 0);
    }
}

async fn with_manners(change: impl FnOnce(&mut Manners), lease: Duration) -> World {
    let fake = Fake::start().await;
    fake.behave(change);
    World::beside(fake, lease)
}

#[tokio::test]
async fn connection_without_heartbeat_answers_is_not_trusted_beyond_its_lease() {
    let mut world = World::coherent(MIDDLING).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    world.fake.hold(Lane::Link, "HELLO");
    let beat = world.fake.held().await;
    // The connection hangs, so the server sends no invalidation.
    world.fake.update(&shown.user, &shown.sid);
    world.reaches(NearCacheState::Connecting).await;
    let asked = world.fake.asked(Lane::Link, "HGET");
    assert_eq!(world.says(&shown).await, Some(2));
    assert_eq!(world.fake.asked(Lane::Link, "HGET"), asked, "the request read over the pool");
    world.loses_its_link().await;
    // An answer that arrives after the lease does not make the connection trusted again.
    world.fake.hold_nothing();
    let answer = beat.execute();
    beat.send(&[&answer]);
    world.fake.update(&shown.user, &shown.sid);
    assert_eq!(world.says(&shown).await, Some(3));
    world.is_coherent().await;
}

/// How long the test delays the answer to a heartbeat, and the lease.
const SLOW: Duration = Duration::from_millis(1_800);
const LEASE: Duration = Duration::from_secs(2);

/// Delays the answer to one heartbeat. `number` is 0 for the heartbeat that makes the connection
/// trusted, and 1 for the next heartbeat.
async fn check_slow_heartbeat(number: usize) {
    let fake = Fake::start().await;
    fake.hold(Lane::Link, "HELLO");
    let mut world = World::beside(fake, LEASE);
    for _ in 0..number {
        let beat = world.fake.held().await;
        let answer = beat.execute();
        beat.send(&[&answer]);
    }
    let beat = world.fake.held().await;
    let sent_before = Instant::now();
    tokio::time::sleep(SLOW).await; // nothing to wait for but the time itself
    let answer = beat.execute();
    beat.send(&[&answer]);
    // The next heartbeat is not answered, so only the lease of the slow heartbeat counts.
    let _next = world.fake.held().await;
    // The test reads the time before the state. A delay of this machine can therefore only make the
    // measured time shorter.
    let mut trusted = Duration::ZERO;
    until("the lease ends", async || {
        let asked = sent_before.elapsed();
        let state = world.state();
        if state == NearCacheState::Coherent {
            trusted = asked;
        }
        state == NearCacheState::Connecting
    })
    .await;
    assert!(trusted < LEASE, "heartbeat {number}: trusted for {trusted:?} after it was sent");
}

#[tokio::test]
async fn lease_begins_when_the_heartbeat_is_sent() {
    tokio::join!(check_slow_heartbeat(0), check_slow_heartbeat(1));
}

#[tokio::test]
async fn connection_to_a_demoted_primary_is_dropped_and_its_answers_are_rejected() {
    let world = World::coherent(SHORT).await;
    let shown = world.login("jeju").await;
    world.fake.behave(|manners| manners.role = "slave");
    world.loses_its_link().await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    for _ in 0..3 {
        let refused = world.manager.authenticate(&shown.token).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable, "{refused:?}");
    }
    let health = world.manager.health().await;
    assert!(!health.connected && health.problem.is_some());
    world.fake.behave(|manners| manners.role = "master");
    until("the request is accepted", async || {
        world.manager.authenticate(&shown.token).await.is_ok()
    })
    .await;
    world.recovers(&shown).await;
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn server_without_a_role_is_used_and_logged_once() {
    let log = Log::default();
    let _captured = log.capture();
    let world = with_manners(|manners| manners.role = "", SHORT).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    // Each new connection asks for the role. Each connection in use asks for it once per second.
    let asked = world.fake.asked(Lane::Pool, "HELLO");
    until("the pool has asked for the role more than four more times", async || {
        world.fake.asked(Lane::Pool, "HELLO") > asked + 4
    })
    .await;
    world.recovers(&shown).await;
    assert!(world.manager.health().await.connected);
    assert_eq!(log.text().matches("redis does not report its role").count(), 1, "{}", log.text());
}

#[tokio::test]
async fn replica_never_becomes_coherent() {
    let world = with_manners(|manners| manners.role = "replica", SHORT).await;
    // The manager tries to connect repeatedly.
    until("the manager has tried twice", async || world.fake.asked(Lane::Pool, TRACKING) >= 2)
        .await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    assert_eq!(world.fake.asked(Lane::Link, "GET"), 0, "a replica's probe key is not even read");
    assert!(!world.manager.health().await.connected);
}

#[tokio::test]
async fn connection_without_an_invalidation_of_the_probe_key_is_never_trusted() {
    let world = with_manners(|manners| manners.tells_canary = false, SHORT).await;
    let shown = world.login("jeju").await;
    until("the manager has tried twice", async || world.fake.asked(Lane::Pool, "PROBE") >= 2).await;
    world.reads_each_time(&shown).await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    assert_eq!(world.figures().lag, None);
    world.fake.behave(|manners| manners.tells_canary = true);
    world.is_coherent().await;
    assert!(world.figures().lag.is_some());
}

#[tokio::test]
async fn connection_is_dropped_when_invalidations_of_the_probe_key_stop() {
    let world = World::coherent(SHORT).await;
    let shown = world.login("jeju").await;
    // The manager writes the probe key two times at the start: to become coherent, and with the
    // first heartbeat. After these two writes, it only repeats the write.
    let sung = || world.fake.asked(Lane::Pool, "PROBE");
    until("two probe keys are written", async || sung() >= 2).await;
    let (sung_before, beats) = (sung(), world.fake.asked(Lane::Link, "HELLO"));
    until("two more heartbeats are sent", async || {
        world.fake.asked(Lane::Link, "HELLO") > beats + 1
    })
    .await;
    world.fake.behave(|manners| manners.tells_canary = false);
    until("another probe key is written", async || sung() > sung_before).await;
    world.loses_its_link().await;
    world.reads_each_time(&shown).await;
    world.fake.behave(|manners| manners.tells_canary = true);
    world.is_coherent().await;
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn server_that_refuses_tracking_is_read_for_each_request_and_logged_once() {
    for refusal in [
        "-NOPERM User default has no permissions to run the 'client|tracking' command\r\n",
        "-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.\r\n",
        "-ERR unknown command 'CLIENT', with args beginning with: 'TRACKING'\r\n",
    ] {
        let log = Log::default();
        let _captured = log.capture();
        let world = with_manners(|manners| manners.tracking = refusal, LONG).await;
        let shown = world.login("jeju").await;
        world.reaches(NearCacheState::Refused).await;
        world.reads_each_time(&shown).await;
        assert_eq!(log.text().matches("redis refuses invalidations").count(), 1);
        assert_eq!(log.text().matches(" WARN ").count(), 1, "{}", log.text());
    }
}

/// A feature that a server may refuse. A server that refuses it cannot send invalidations.
#[derive(Clone, Copy, Debug)]
enum Refuses {
    Tracking,
    /// The server refuses RESP3 on new connections only. Existing connections continue to work.
    Resp3,
}

impl Refuses {
    /// The command that the manager sends once in each attempt.
    fn asked(self) -> &'static str {
        match self {
            Self::Tracking => TRACKING,
            Self::Resp3 => "HELLO",
        }
    }

    fn refuse(self, manners: &mut Manners) {
        match self {
            Self::Tracking => manners.tracking = "-ERR unknown subcommand 'TRACKING'.\r\n",
            Self::Resp3 => manners.refusal = Some("-ERR unknown command 'HELLO'\r\n"),
        }
    }
}

impl World {
    /// Lets slightly more than a minute pass. After a minute, the manager tries a refused
    /// connection again.
    async fn pass_a_minute(&self, shown: &Shown) {
        // Each step is short compared with any timeout, and each request is answered before the
        // next step.
        for _ in 0..13 {
            skip(Duration::from_secs(5)).await;
            assert_eq!(self.says(shown).await, self.truth(shown));
        }
    }
}

/// The server refuses the feature while a manager is running, and refuses each further attempt.
/// Then it accepts the feature, and later refuses it once more.
async fn check_refusal_is_logged_once(refuses: Refuses) {
    let log = Log::default();
    let _captured = log.capture();
    let told = || log.text().matches("redis refuses invalidations").count();
    let world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    // The diagnosis opens its own connection. The test must not count it as an attempt of the
    // manager.
    let diagnosed = "CLIENT TRACKING ON OPTIN";
    until("the diagnosis has run", async || world.fake.asked(Lane::Pool, diagnosed) == 1).await;
    world.fake.behave(|manners| refuses.refuse(manners));
    world.fake.close_link();
    world.reaches(NearCacheState::Refused).await;
    world.reads_each_time(&shown).await;
    for _ in 0..2 {
        let tries = world.fake.asked(Lane::Pool, refuses.asked());
        world.pass_a_minute(&shown).await;
        let is_tried = async || world.fake.asked(Lane::Pool, refuses.asked()) > tries;
        until("the connection is tried again", is_tried).await;
        world.reads_each_time(&shown).await;
        assert_eq!(world.state(), NearCacheState::Refused);
        assert_eq!(told(), 1, "{}", log.text());
    }

    // The server accepts again.
    world.fake.behave(|manners| (manners.tracking, manners.refusal) = ("+OK\r\n", None));
    world.pass_a_minute(&shown).await;
    world.recovers(&shown).await;
    assert_eq!(told(), 1, "{}", log.text());
    // The server refuses once more, which is logged again.
    world.fake.behave(|manners| refuses.refuse(manners));
    world.fake.close_link();
    world.reaches(NearCacheState::Refused).await;
    until("the refusal is logged again", async || told() == 2).await;
    assert_eq!(world.says(&shown).await, world.truth(&shown));
}

#[tokio::test]
async fn refused_tracking_is_logged_once_despite_retries() {
    check_refusal_is_logged_once(Refuses::Tracking).await;
}

#[tokio::test]
async fn refused_resp3_is_logged_once_despite_retries() {
    check_refusal_is_logged_once(Refuses::Resp3).await;
}

#[tokio::test]
async fn connection_that_is_closed_at_any_step_of_its_setup_is_set_up_again() {
    for step in ["HELLO", TRACKING, "GET"] {
        let fake = Fake::start().await;
        // The fake server counts a connection as part of the pool until the connection tracks keys.
        let lane = if step == "GET" { Lane::Link } else { Lane::Pool };
        fake.hold(lane, step);
        let mut world = World::beside(fake, LONG);
        let held = world.fake.held().await;
        world.fake.hold_nothing();
        held.close();
        let shown = world.login("jeju").await;
        world.recovers(&shown).await;
    }
}

#[tokio::test]
async fn requests_read_over_the_pool_when_the_invalidation_connection_closes() {
    let mut world = World::coherent(LONG).await;
    let shown = [world.login("jeju").await, world.login("busan").await];
    world.fake.hold(Lane::Link, "HGET");
    let requests = shown.clone().map(|shown| {
        let manager = world.manager.clone();
        tokio::spawn(async move { crate::fills::world::says(&manager, &shown.token).await })
    });
    // The second read waits behind the first on the same connection.
    let held = world.fake.held().await;
    world.fake.hold_nothing();
    shown.iter().for_each(|shown| world.fake.update(&shown.user, &shown.sid));
    held.close();
    for request in requests {
        assert_eq!(request.await.unwrap(), Some(2));
    }
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 2);
    for shown in &shown {
        world.recovers(shown).await;
    }
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn read_falls_back_to_the_pool_after_a_timeout_and_is_not_cached() {
    let fake = Fake::start().await;
    let mut world = World::hurried(fake, LONG, 2 * MIDDLING);
    world.is_coherent().await;
    let shown = world.login("jeju").await;
    world.fake.hold(Lane::Link, "HGET");
    // The read may wait on the invalidation connection for at most half of the timeout.
    assert_eq!(world.says(&shown).await, Some(1));
    let read = world.fake.held().await;
    assert_eq!(
        (world.fake.asked(Lane::Link, "HGET"), world.fake.asked(Lane::Pool, "HGET")),
        (1, 1)
    );
    // The invalidation connection has not read the key, so Redis sends no message.
    world.fake.update(&shown.user, &shown.sid);
    world.fake.hold_nothing();
    let answer = read.execute();
    read.send(&[&answer]);
    assert_eq!(world.says(&shown).await, Some(2));
    world.recovers(&shown).await;
}
