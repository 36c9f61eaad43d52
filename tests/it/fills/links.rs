//! A link at every step of its life: it is trusted only while all of it holds, and requests are served all the same.

use std::time::{Duration, Instant};

use tower_session_auth::{AuthErrorKind, NearCacheState};

use crate::fills::fake::{Fake, Lane, Manners};
use crate::fills::world::{LONG, MIDDLING, Shown, World};
use crate::support::log::Log;
use crate::support::wait::{skip, until};

/// Long against a turn on a loaded machine, and short enough that a test can wait for its heartbeats.
const SHORT: Duration = Duration::from_secs(5);

/// The try to make a link of a connection.
const TRACKING: &str = "CLIENT TRACKING ON";

impl World {
    /// Nothing is trusted: each request asks over the pool, and is told the truth.
    async fn asks_each_time(&self, shown: &Shown) {
        for _ in 0..3 {
            let asked = [Lane::Link, Lane::Pool].map(|lane| self.fake.asked(lane, "HGET"));
            self.fake.update(&shown.user, &shown.sid);
            assert_eq!(self.says(shown).await, self.truth(shown));
            let asks = [Lane::Link, Lane::Pool].map(|lane| self.fake.asked(lane, "HGET"));
            assert_eq!(asks, [asked[0], asked[1] + 1], "once, and over the pool");
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
async fn a_link_whose_beats_are_not_answered_is_trusted_no_longer_than_its_lease() {
    let mut world = World::coherent(MIDDLING).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    world.fake.hold(Lane::Link, "HELLO");
    let beat = world.fake.held().await;
    // Nobody is told: the link hangs.
    world.fake.update(&shown.user, &shown.sid);
    world.reaches(NearCacheState::Connecting).await;
    let asked = world.fake.asked(Lane::Link, "HGET");
    assert_eq!(world.says(&shown).await, Some(2));
    assert_eq!(world.fake.asked(Lane::Link, "HGET"), asked, "over the pool");
    world.loses_its_link().await;
    // The answer that comes too late revives nothing.
    world.fake.hold_nothing();
    let answer = beat.execute();
    beat.send(&[&answer]);
    world.fake.update(&shown.user, &shown.sid);
    assert_eq!(world.says(&shown).await, Some(3));
    world.is_coherent().await;
}

/// How long a beat's answer takes here, and how long its lease is.
const SLOW: Duration = Duration::from_millis(1_800);
const LEASE: Duration = Duration::from_secs(2);

/// The one with which a link is trusted, or the one after it.
async fn a_slow_beat(number: usize) {
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
    // The next one is not answered, so this one's lease is all there is.
    let _next = world.fake.held().await;
    // The time is read before the state: it does not matter how late this machine looks.
    let mut trusted = Duration::ZERO;
    until("the lease is over", async || {
        let asked = sent_before.elapsed();
        let state = world.state();
        if state == NearCacheState::Coherent {
            trusted = asked;
        }
        state == NearCacheState::Connecting
    })
    .await;
    assert!(trusted < LEASE, "{number}: trusted for {trusted:?} after it was sent");
}

#[tokio::test]
async fn a_lease_begins_when_its_beat_is_sent_however_long_the_answer_takes() {
    tokio::join!(a_slow_beat(0), a_slow_beat(1));
}

#[tokio::test]
async fn a_link_to_what_is_no_primary_any_more_is_lost_and_no_answer_of_it_counts() {
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
    until("it is let in", async || world.manager.authenticate(&shown.token).await.is_ok()).await;
    world.recovers(&shown).await;
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_role_is_served_from_and_logged_once() {
    let log = Log::default();
    let _captured = log.capture();
    let world = with_manners(|manners| manners.role = "", SHORT).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    // Each connection that is made asks for the role, and so does one in use, each second.
    let asked = world.fake.asked(Lane::Pool, "HELLO");
    until("more connections", async || world.fake.asked(Lane::Pool, "HELLO") > asked + 4).await;
    world.recovers(&shown).await;
    assert!(world.manager.health().await.connected);
    assert_eq!(log.text().matches("redis does not tell its role").count(), 1, "{}", log.text());
}

#[tokio::test]
async fn a_replica_is_never_trusted() {
    let world = with_manners(|manners| manners.role = "replica", SHORT).await;
    // It tries again and again.
    until("two tries", async || world.fake.asked(Lane::Pool, TRACKING) >= 2).await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    assert_eq!(world.fake.asked(Lane::Link, "GET"), 0, "it is not even compared");
    assert!(!world.manager.health().await.connected);
}

#[tokio::test]
async fn a_link_that_was_never_told_of_a_write_over_the_pool_is_never_trusted() {
    let world = with_manners(|manners| manners.tells_canary = false, SHORT).await;
    let shown = world.login("jeju").await;
    until("two tries", async || world.fake.asked(Lane::Pool, "PROBE") >= 2).await;
    world.asks_each_time(&shown).await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    assert_eq!(world.figures().lag, None);
    world.fake.behave(|manners| manners.tells_canary = true);
    world.is_coherent().await;
    assert!(world.figures().lag.is_some());
}

#[tokio::test]
async fn a_link_that_is_told_of_nothing_any_more_is_lost() {
    let world = World::coherent(SHORT).await;
    let shown = world.login("jeju").await;
    // It sang to be trusted, and with the first beat; from then on nothing happens but that it sings again.
    let sung = || world.fake.asked(Lane::Pool, "PROBE");
    until("it sings", async || sung() >= 2).await;
    let (sung_before, beats) = (sung(), world.fake.asked(Lane::Link, "HELLO"));
    until("beats go on", async || world.fake.asked(Lane::Link, "HELLO") > beats + 1).await;
    world.fake.behave(|manners| manners.tells_canary = false);
    until("it sings again", async || sung() > sung_before).await;
    world.loses_its_link().await;
    world.asks_each_time(&shown).await;
    world.fake.behave(|manners| manners.tells_canary = true);
    world.is_coherent().await;
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn a_server_that_refuses_to_tell_is_asked_each_time_and_logged_once() {
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
        world.asks_each_time(&shown).await;
        assert_eq!(log.text().matches("redis does not tell of changes").count(), 1);
        assert_eq!(log.text().matches(" WARN ").count(), 1, "{}", log.text());
    }
}

/// What a server may refuse, so that nobody can be told of changes.
#[derive(Clone, Copy, Debug)]
enum Refuses {
    Tracking,
    /// To new connections only: those that are there go on.
    Resp3,
}

impl Refuses {
    /// What is asked once in each try.
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
    /// A link that was refused is tried again after a minute.
    async fn a_minute_passes(&self, shown: &Shown) {
        // In steps that are short against the limit of any question, each of which is answered before the next step.
        for _ in 0..13 {
            skip(Duration::from_secs(5)).await;
            assert_eq!(self.says(shown).await, self.truth(shown));
        }
    }
}

/// Refused in the middle of its life, tried again and again, granted, and refused once more.
async fn is_told_once(refuses: Refuses) {
    let log = Log::default();
    let _captured = log.capture();
    let told = || log.text().matches("redis does not tell of changes").count();
    let world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    // It makes a connection of its own, which must not be taken for a try.
    let diagnosed = "CLIENT TRACKING ON OPTIN";
    until("a diagnosis", async || world.fake.asked(Lane::Pool, diagnosed) == 1).await;
    world.fake.behave(|manners| refuses.refuse(manners));
    world.fake.close_link();
    world.reaches(NearCacheState::Refused).await;
    world.asks_each_time(&shown).await;
    for _ in 0..2 {
        let tries = world.fake.asked(Lane::Pool, refuses.asked());
        world.a_minute_passes(&shown).await;
        let is_tried = async || world.fake.asked(Lane::Pool, refuses.asked()) > tries;
        until("it is tried again", is_tried).await;
        world.asks_each_time(&shown).await;
        assert_eq!(world.state(), NearCacheState::Refused);
        assert_eq!(told(), 1, "{}", log.text());
    }

    // Somebody has put it right.
    world.fake.behave(|manners| (manners.tracking, manners.refusal) = ("+OK\r\n", None));
    world.a_minute_passes(&shown).await;
    world.recovers(&shown).await;
    assert_eq!(told(), 1, "{}", log.text());
    // And wrong again: that is news.
    world.fake.behave(|manners| refuses.refuse(manners));
    world.fake.close_link();
    world.reaches(NearCacheState::Refused).await;
    until("it is told again", async || told() == 2).await;
    assert_eq!(world.says(&shown).await, world.truth(&shown));
}

#[tokio::test]
async fn refused_tracking_is_told_once_however_often_it_is_asked_for() {
    is_told_once(Refuses::Tracking).await;
}

#[tokio::test]
async fn so_is_a_refused_protocol() {
    is_told_once(Refuses::Resp3).await;
}

#[tokio::test]
async fn a_link_that_is_closed_at_any_step_of_its_making_is_made_again() {
    for step in ["HELLO", TRACKING, "GET"] {
        let fake = Fake::start().await;
        // What a connection says before it is a link, it says as any other.
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
async fn a_link_that_is_closed_while_requests_wait_for_it_leaves_them_the_pool() {
    let mut world = World::coherent(LONG).await;
    let shown = [world.login("jeju").await, world.login("busan").await];
    world.fake.hold(Lane::Link, "HGET");
    let requests = shown.clone().map(|shown| {
        let manager = world.manager.clone();
        tokio::spawn(async move { crate::fills::world::says(&manager, &shown.token).await })
    });
    // The second waits behind the first, on the same connection.
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
async fn what_the_link_does_not_answer_in_time_is_asked_over_the_pool_and_not_remembered() {
    let fake = Fake::start().await;
    let mut world = World::hurried(fake, LONG, 2 * MIDDLING);
    world.is_coherent().await;
    let shown = world.login("jeju").await;
    world.fake.hold(Lane::Link, "HGET");
    // Half of the limit is for the link.
    assert_eq!(world.says(&shown).await, Some(1));
    let read = world.fake.held().await;
    assert_eq!(
        (world.fake.asked(Lane::Link, "HGET"), world.fake.asked(Lane::Pool, "HGET")),
        (1, 1)
    );
    // The link has not read it, so nobody tells.
    world.fake.update(&shown.user, &shown.sid);
    world.fake.hold_nothing();
    let answer = read.execute();
    read.send(&[&answer]);
    assert_eq!(world.says(&shown).await, Some(2));
    world.recovers(&shown).await;
}
