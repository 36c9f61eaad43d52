//! Some requests must read the session themselves. Such a request does not join the read of another
//! request. It does not matter whether the other read started earlier or at the same time.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use tokio::task::JoinHandle;
use tower::{Layer, ServiceExt, service_fn};
use tower_session_auth::manager::NearCacheState;
use tower_session_auth::{Session, SessionAuthLayer, SessionManager};

use crate::fills::fake::{Fake, Held, Lane};
use crate::fills::world::{LONG, MIDDLING, Shown, World, says};
use crate::support::bearer;

type Ask = fn(&World, &Shown) -> JoinHandle<Option<u64>>;

/// Authenticates in a task of its own.
fn request(world: &World, shown: &Shown) -> JoinHandle<Option<u64>> {
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    tokio::spawn(async move { says(&manager, &token).await })
}

/// Authenticates through a layer that allows no staleness.
fn strict_request(world: &World, shown: &Shown) -> JoinHandle<Option<u64>> {
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    tokio::spawn(async move { strict_revision(manager, &token).await })
}

async fn strict_revision(manager: SessionManager, token: &str) -> Option<u64> {
    let layer = SessionAuthLayer::new(manager).max_staleness(Duration::ZERO).unwrap();
    let response = layer.layer(service_fn(revision)).oneshot(bearer(token)).await.unwrap();
    response.status().is_success().then(|| response.into_body().parse().unwrap())
}

async fn revision(request: Request<String>) -> Result<Response<String>, Infallible> {
    let session = request.extensions().get::<Session>().unwrap();
    Ok(Response::new(session.revision().to_string()))
}

/// A request whose answer the server still holds back. The answer is outdated.
struct Overtaken {
    early: JoinHandle<Option<u64>>,
    held: Held,
    answer: Vec<u8>,
}

/// Starts a request that reads a session. The fake server executes the read, but holds back the
/// answer. Then the session changes on the server. When this function returns, the request has not
/// received the answer, and no invalidation has been sent.
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
async fn request_after_the_lease_lapsed_does_not_join_an_earlier_read() {
    let mut world = World::coherent(MIDDLING).await;
    let shown = world.login("jeju").await;
    let Overtaken { early, held, answer } =
        overtaken(&mut world, Lane::Link, &shown, request).await;
    // Heartbeats wait behind the held answer, and the manager does not trust any new connection.
    world.fake.behave(|manners| manners.link_role = Some("slave"));
    world.reaches(NearCacheState::Connecting).await;

    let late = [request(&world, &shown), request(&world, &shown)];
    for late in late {
        assert_eq!(late.await.unwrap(), Some(2));
    }
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 2, "each request reads for itself");
    assert!(!early.is_finished(), "the late requests did not wait for the held answer");
    held.send(&[&answer]);
    assert_eq!(early.await.unwrap(), Some(1), "the read was executed before the change");
    // The outdated answer is not used for any other request.
    assert_eq!(world.says(&shown).await, Some(2));
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 3);
    world.fake.behave(|manners| manners.link_role = None);
    world.recovers(&shown).await;
}

#[tokio::test]
async fn request_without_staleness_does_not_join_a_pending_read() {
    let mut world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    let Overtaken { early, held, answer } =
        overtaken(&mut world, Lane::Link, &shown, request).await;

    let strict = [strict_request(&world, &shown), strict_request(&world, &shown)];
    for strict in strict {
        assert_eq!(strict.await.unwrap(), Some(2), "the request without staleness sees the change");
    }
    assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 2, "each request reads for itself");
    assert!(!early.is_finished(), "the late requests did not wait for the held answer");
    let message = world.fake.news_of(&shown.user);
    held.send(&[&answer, &message]);
    assert_eq!(early.await.unwrap(), Some(1));
    world.is_told(1).await;
    world.recovers(&shown).await;
}

#[tokio::test]
async fn pool_read_does_not_join_a_read_from_before_the_request() {
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
        // The reads of the late requests wait behind the first read, because the pool has only one
        // connection.
        let late = [ask(&world, &shown), ask(&world, &shown)];
        tokio::task::yield_now().await;
        held.send(&[&answer]);
        assert_eq!(early.await.unwrap(), Some(1), "the read was executed before the change");
        for late in late {
            assert_eq!(late.await.unwrap(), Some(2));
        }
        assert_eq!(world.fake.asked(Lane::Pool, "HGET"), 3, "each request reads for itself");
        assert_eq!(world.figures().hits, 0);
    }
}
