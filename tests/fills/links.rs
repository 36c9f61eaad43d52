//! A link at every step of its life: it is trusted only while all of it holds, and requests are served all the same.

use std::time::{Duration, Instant};

use tower_session_auth::NearCacheState;

use crate::fake::{Fake, Lane, Manners, until};
use crate::support::log::Log;
use crate::world::{LONG, Shown, World};

/// So short that a test can wait for its end.
const SHORT: Duration = Duration::from_millis(100);

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
    let mut world = World::coherent(SHORT).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    world.fake.hold(Lane::Link, "HELLO");
    let beat = world.fake.held().await;
    // Nobody is told: the link hangs.
    world.fake.update(&shown.user, &shown.sid);
    until(|| world.state() == NearCacheState::Connecting).await;
    let asked = world.fake.asked(Lane::Link, "HGET");
    assert_eq!(world.says(&shown).await, Some(2));
    assert_eq!(world.fake.asked(Lane::Link, "HGET"), asked, "over the pool");
    until(|| world.figures().lost_links == 1).await;
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
    until(|| world.state() == NearCacheState::Connecting).await;
    let held = sent_before.elapsed();
    assert!(held < SLOW + LEASE, "{number}: trusted for {held:?} after it was sent");
}

#[tokio::test]
async fn a_lease_begins_when_its_beat_is_sent_however_long_the_answer_takes() {
    tokio::join!(a_slow_beat(0), a_slow_beat(1));
}

#[tokio::test]
async fn a_link_to_what_is_no_primary_any_more_is_lost_and_requests_go_on() {
    let world = World::coherent(SHORT).await;
    let shown = world.login("jeju").await;
    world.fake.behave(|manners| manners.role = "slave");
    until(|| world.figures().lost_links == 1).await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    world.asks_each_time(&shown).await;
    world.fake.behave(|manners| manners.role = "master");
    world.is_coherent().await;
    assert_eq!(world.figures().lost_links, 1);
}

#[tokio::test]
async fn a_replica_is_never_trusted() {
    let world = with_manners(|manners| manners.role = "replica", SHORT).await;
    let shown = world.login("jeju").await;
    // It tries again and again.
    until(|| world.fake.asked(Lane::Pool, "CLIENT") >= 2).await;
    world.asks_each_time(&shown).await;
    assert_eq!(world.state(), NearCacheState::Connecting);
    assert_eq!(world.fake.asked(Lane::Link, "GET"), 0, "the canary did not even sing");
}

#[tokio::test]
async fn a_link_that_was_never_told_of_a_write_over_the_pool_is_never_trusted() {
    let world = with_manners(|manners| manners.tells_canary = false, SHORT).await;
    let shown = world.login("jeju").await;
    until(|| world.fake.asked(Lane::Pool, "SET") >= 2).await;
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
    let sung = || world.fake.asked(Lane::Pool, "SET");
    until(|| sung() >= 2).await;
    let (sung_before, beats) = (sung(), world.fake.asked(Lane::Link, "HELLO"));
    until(|| world.fake.asked(Lane::Link, "HELLO") > beats + 1).await;
    world.fake.behave(|manners| manners.tells_canary = false);
    until(|| sung() > sung_before).await;
    until(|| world.figures().lost_links == 1).await;
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
        until(|| world.state() == NearCacheState::Refused).await;
        world.asks_each_time(&shown).await;
        assert_eq!(log.text().matches("redis does not tell of changes").count(), 1);
        assert_eq!(log.text().matches(" WARN ").count(), 1, "{}", log.text());
    }
}

#[tokio::test]
async fn a_link_that_is_closed_at_any_step_of_its_making_is_made_again() {
    for step in ["HELLO", "CLIENT", "GET"] {
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
        tokio::spawn(async move { crate::world::says(&manager, &shown.token).await })
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
    let mut world = World::hurried(fake, LONG, Duration::from_secs(1));
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
