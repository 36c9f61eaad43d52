//! Who must ask for itself does so, and rides on nobody's question: neither one from before, nor another's beside it.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use tokio::task::JoinHandle;
use tower::{Layer, ServiceExt, service_fn};
use tower_session_auth::{NearCacheState, Session, SessionAuthLayer, SessionManager};

use crate::fills::fake::{Fake, Held, Lane};
use crate::fills::world::{LONG, MIDDLING, Shown, World, says};
use crate::support::bearer;

type Ask = fn(&World, &Shown) -> JoinHandle<Option<u64>>;

/// Asks in a task of its own.
fn request(world: &World, shown: &Shown) -> JoinHandle<Option<u64>> {
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    tokio::spawn(async move { says(&manager, &token).await })
}

/// The same, through a layer that allows no staleness.
fn strict_request(world: &World, shown: &Shown) -> JoinHandle<Option<u64>> {
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    tokio::spawn(async move { strictly(manager, &token).await })
}

async fn strictly(manager: SessionManager, token: &str) -> Option<u64> {
    let layer = SessionAuthLayer::new(manager).max_staleness(Duration::ZERO).unwrap();
    let response = layer.layer(service_fn(revision)).oneshot(bearer(token)).await.unwrap();
    response.status().is_success().then(|| response.into_body().parse().unwrap())
}

async fn revision(request: Request<String>) -> Result<Response<String>, Infallible> {
    let session = request.extensions().get::<Session>().unwrap();
    Ok(Response::new(session.revision().to_string()))
}

/// Who asks, and on its way an answer that is not true any more.
struct Overtaken {
    early: JoinHandle<Option<u64>>,
    held: Held,
    answer: Vec<u8>,
}

/// A session is read, and then it changes, and its reader is told neither yet.
async fn overtaken(world: &mut World, lane: Lane, shown: &Shown, ask: Ask) -> Overtaken {
    world.fake.hold(lane, "HGET");
    let early = ask(world, shown);
    let held = world.fake.held().await;
    world.fake.hold_nothing();
    let answer = held.execute();
    world.fake.update(&shown.user, &shown.sid);
    Overtaken { early, held, answer }
}

#[tokio::test]
async fn who_comes_when_the_lease_has_lapsed_does_not_wait_for_a_question_from_before() {
    let mut world = World::coherent(MIDDLING).await;
    let shown = world.login("jeju").await;
    let Overtaken { early, held, answer } =
        overtaken(&mut world, Lane::Link, &shown, request).await;
    // Beats wait behind that answer, and no other link is trusted.
    world.fake.behave(|manners| manners.link_role = Some("slave"));
    world.reaches(NearCacheState::Connecting).await;

    let late = [request(&world, &shown), request(&world, &shown)];
    for late in late {
        assert_eq!(late.await.unwrap(), Some(2));
    }
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 2, "each for itself");
    assert!(!early.is_finished(), "they did not wait for it");
    held.send(&[&answer]);
    assert_eq!(early.await.unwrap(), Some(1), "it came before the change");
    // What it brought is nobody else's answer.
    assert_eq!(world.says(&shown).await, Some(2));
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 3);
    world.fake.behave(|manners| manners.link_role = None);
    world.recovers(&shown).await;
}

#[tokio::test]
async fn a_layer_that_allows_no_staleness_does_not_wait_for_a_question_under_way() {
    let mut world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    let Overtaken { early, held, answer } =
        overtaken(&mut world, Lane::Link, &shown, request).await;

    let strict = [strict_request(&world, &shown), strict_request(&world, &shown)];
    for strict in strict {
        assert_eq!(strict.await.unwrap(), Some(2), "whatever the link has told");
    }
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 2, "each for itself");
    assert!(!early.is_finished(), "they did not wait for it");
    let message = world.fake.news_of(&shown.user);
    held.send(&[&answer, &message]);
    assert_eq!(early.await.unwrap(), Some(1));
    world.is_told(1).await;
    world.recovers(&shown).await;
}

#[tokio::test]
async fn who_asks_over_the_pool_rides_on_nothing_that_was_read_before_it_came() {
    for (ask, tracking) in
        [(request as Ask, "-ERR unknown subcommand 'TRACKING'.\r\n"), (strict_request, "+OK\r\n")]
    {
        let fake = Fake::start().await;
        fake.behave(|manners| manners.tracking = tracking);
        let mut world = World::beside(fake, LONG);
        let is_refused = tracking.starts_with('-');
        let state = if is_refused { NearCacheState::Refused } else { NearCacheState::Coherent };
        world.reaches(state).await;
        let shown = world.login("jeju").await;
        let Overtaken { early, held, answer } =
            overtaken(&mut world, Lane::Pool, &shown, ask).await;
        // Their own questions wait on the one connection, behind the first.
        let late = [ask(&world, &shown), ask(&world, &shown)];
        tokio::task::yield_now().await;
        held.send(&[&answer]);
        assert_eq!(early.await.unwrap(), Some(1), "it came before the change");
        for late in late {
            assert_eq!(late.await.unwrap(), Some(2));
        }
        assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 3, "each for itself");
        assert_eq!(world.figures().hits, 0);
    }
}
