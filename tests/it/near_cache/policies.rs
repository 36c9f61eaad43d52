//! What a layer does while the store cannot tell.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_session_auth::clock::{Clock as _, SystemClock};
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{
    EndReason, FailurePolicy, NewSession, RequireRole, SessionAuthLayer, UserId,
};

use crate::near_cache::world::{World, sees, world, world_with, world_with_a_short_lease};
use crate::support::forge::{decoded, forge, parts};
use crate::support::wait::until;
use crate::support::{SECRET, bearer, login, user};

const MINUTE: Duration = Duration::from_secs(60);

struct Layers {
    refuse: SessionAuthLayer,
    stale: SessionAuthLayer,
    token_only: SessionAuthLayer,
}

fn layers(world: &World) -> Layers {
    Layers {
        refuse: world.layer(),
        stale: world.layer().failure_policy(FailurePolicy::ServeStale(MINUTE)),
        token_only: world.layer().failure_policy(FailurePolicy::TokenOnly),
    }
}

impl Layers {
    /// What each of them makes of a token.
    async fn see(&self, token: &str) -> [String; 3] {
        let Self { refuse, stale, token_only } = self;
        [sees(refuse, token).await, sees(stale, token).await, sees(token_only, token).await]
    }
}

#[tokio::test]
async fn each_policy_does_what_it_says_while_redis_is_away_and_nothing_else_before_and_after() {
    let mut world = world().await;
    let layers = layers(&world);
    let known = login(&world.manager, "known").await.access_token;
    let unknown = login(&world.manager, "unknown").await.access_token;
    assert_eq!(layers.see(&known).await, ["live"; 3]);

    world.redis_is_gone().await;
    assert_eq!(layers.see(&known).await, ["store_unavailable", "stale", "token only known"]);
    assert_eq!(
        layers.see(&unknown).await,
        ["store_unavailable", "store_unavailable", "token only unknown"],
        "what this process has never seen is nothing that it can go on with"
    );
    assert_eq!(layers.see("a.b.c").await, ["invalid_token"; 3]);
    assert_eq!(world.manager.near_cache().stale_served, 1);

    // It comes back empty: everybody is logged out, and nobody gets in with what was known before.
    world.server.restart().await;
    until("Redis is asked again", async || sees(&layers.refuse, &known).await == "session_expired")
        .await;
    assert_eq!(layers.see(&known).await, ["session_expired"; 3]);
    assert_eq!(layers.see(&unknown).await, ["session_expired"; 3]);
    world.coherent().await;
}

#[tokio::test]
async fn what_is_known_to_have_ended_is_refused_whoever_is_away() {
    let mut world = world_with(|builder| builder.session_limit(1)).await;
    let layers = layers(&world);
    let here = login(&world.manager, "here").await;
    let seen = login(&world.manager, "seen").await;
    let evicted = login(&world.manager, "evicted").await;
    for token in [&here, &seen, &evicted].map(|login| &login.access_token) {
        assert_eq!(layers.see(token).await, ["live"; 3]);
    }
    // Ended by this process; ended by an operator, and seen to be; one that nobody asked about since.
    world.manager.delete(&user("here"), here.session.id(), EndReason::Logout).await.unwrap();
    world.server.number(&["DEL", "session:{seen}:live"]).await;
    until("the deletion is seen", async || {
        sees(&layers.refuse, &seen.access_token).await == "session_expired"
    })
    .await;
    world.server.number(&["DEL", "session:{evicted}:live"]).await;
    until("the deletion is told", async || world.manager.near_cache().invalidations >= 3).await;
    // Another token of the one that was seen to have ended, and a session that made room for the next login.
    let (header, payload, _) = parts(&seen.access_token);
    let another = forge(&decoded(header), &format!(" {}", decoded(payload)), SECRET);
    let pushed_out = login(&world.manager, "pushed").await.access_token;
    login(&world.manager, "pushed").await;

    world.redis_is_gone().await;
    let [_, stale, token_only] = layers.see(&here.access_token).await;
    assert_eq!([stale, token_only], ["session_revoked"; 2]);
    let [_, stale, token_only] = layers.see(&seen.access_token).await;
    assert_eq!([stale, token_only], ["session_expired"; 2]);
    assert_eq!(sees(&layers.token_only, &another).await, "session_expired");
    assert_eq!(sees(&layers.token_only, &pushed_out).await, "session_revoked");
    assert_eq!(
        sees(&layers.stale, &evicted.access_token).await,
        "store_unavailable",
        "a session that has changed is not served as it was"
    );
}

#[tokio::test]
async fn what_a_later_link_was_told_counts_for_what_an_earlier_one_has_read() {
    let mut world = world().await;
    let Layers { stale, .. } = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&stale, &token).await, "live");
    world.server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    until("the link is lost", async || world.manager.near_cache().lost_links == 1).await;
    world.coherent().await;
    // The new link is told that everything is gone, and nobody asks before Redis is away.
    let told = world.manager.near_cache().invalidations;
    world.server.command(&["FLUSHALL"]).await;
    until("it is told", async || world.manager.near_cache().invalidations > told).await;
    world.redis_is_gone().await;
    assert_eq!(sees(&stale, &token).await, "store_unavailable");
}

#[tokio::test]
async fn stale_ends_with_its_time() {
    let mut world = world_with_a_short_lease().await;
    let layer = world.layer().failure_policy(FailurePolicy::ServeStale(Duration::from_millis(300)));
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&layer, &token).await, "live");
    world.server.stop();
    let stopped = Instant::now();
    let last = std::cell::Cell::new(stopped);
    until("it is served no more", async || {
        let asked = Instant::now();
        let seen = sees(&layer, &token).await;
        if seen != "store_unavailable" {
            last.set(asked);
        }
        seen == "store_unavailable"
    })
    .await;
    // The last answered heartbeat was sent before the end: the lease and these 300 ms, from then on. A request that a
    // loaded machine lets begin late is refused.
    assert!(last.get() - stopped <= Duration::from_millis(800), "{:?}", last.get() - stopped);
}

#[tokio::test]
async fn what_was_to_be_asked_about_again_may_be_served_stale() {
    let mut world =
        world_with(|builder| builder.revalidate_after(Duration::from_millis(200))).await;
    let Layers { refuse, stale, .. } = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&stale, &token).await, "live");
    world.redis_is_gone().await;
    tokio::time::sleep(Duration::from_millis(200)).await; // nothing to wait for but the time itself
    assert_eq!(sees(&refuse, &token).await, "store_unavailable");
    assert_eq!(sees(&stale, &token).await, "stale");
}

#[tokio::test]
async fn what_is_remembered_is_asked_about_again_now_and_then() {
    let again = Duration::from_millis(200);
    let world = world_with(|builder| builder.revalidate_after(again)).await;
    let (layer, token) = (world.layer(), login(&world.manager, "jeju").await.access_token);
    assert_eq!(sees(&layer, &token).await, "live");
    let first = world.manager.near_cache().fills;
    until("it is asked about twice more", async || {
        assert_eq!(sees(&layer, &token).await, "live");
        world.manager.near_cache().fills >= first + 2
    })
    .await;
}

#[tokio::test]
async fn a_server_that_answers_with_a_refusal_is_not_away() {
    let world = world().await;
    let layers = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(layers.see(&token).await, ["live"; 3]);
    // A right is taken away, which its operator must give back, and then something changes.
    world.server.command(&["ACL", "SETUSER", "default", "-hget"]).await;
    world.server.number(&["HSET", "session:{jeju}:live", "junk", "x"]).await;
    until("it is asked", async || sees(&layers.refuse, &token).await != "live").await;
    assert_eq!(layers.see(&token).await, ["store_unavailable"; 3]);
    world.server.command(&["ACL", "SETUSER", "default", "+hget"]).await;
    until("it is well again", async || layers.see(&token).await == ["live"; 3]).await;
}

/// A directory in which an account can be switched off.
#[derive(Clone, Default)]
struct Accounts(Arc<AtomicU8>);

const ACTIVE: u8 = 0;
const INACTIVE: u8 = 1;

impl UserDirectory for Accounts {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Ok(Some(User::new(self.0.load(Ordering::Relaxed) == ACTIVE)))
    }
}

#[tokio::test]
async fn an_account_that_is_known_to_be_switched_off_is_not_served_stale() {
    let accounts = Accounts::default();
    let directory = accounts.clone();
    let mut world = world_with(|builder| {
        builder.directory(directory).revalidate_after(Duration::from_millis(200))
    })
    .await;
    let Layers { stale, .. } = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&stale, &token).await, "live");
    accounts.0.store(INACTIVE, Ordering::Relaxed);
    until("it is asked again", async || sees(&stale, &token).await == "account_inactive").await;
    world.redis_is_gone().await;
    assert_eq!(
        sees(&stale, &token).await,
        "account_inactive",
        "what was remembered of the session counts no more"
    );
}

#[tokio::test]
async fn who_hears_that_an_account_is_switched_off_lets_nobody_in_who_is_remembered() {
    let accounts = Accounts::default();
    let directory = accounts.clone();
    let world = world_with(|builder| builder.directory(directory)).await;
    let layer = world.layer();
    let login = login(&world.manager, "jeju").await;
    for _ in 0..2 {
        assert_eq!(sees(&layer, &login.access_token).await, "live");
    }
    accounts.0.store(INACTIVE, Ordering::Relaxed);
    assert_eq!(sees(&layer, &login.access_token).await, "live", "that is remembered for 30 s");
    assert!(world.manager.account(&login.session).await.is_err());
    assert_eq!(sees(&layer, &login.access_token).await, "account_inactive");
}

#[tokio::test]
async fn a_route_that_allows_no_staleness_hears_of_accounts_too() {
    let accounts = Accounts::default();
    let directory = accounts.clone();
    let world = world_with(|builder| {
        builder.directory(directory).revalidate_after(Duration::from_millis(200))
    })
    .await;
    let strict = world.layer().max_staleness(Duration::ZERO).unwrap();
    let token = login(&world.manager, "jeju").await.access_token;
    for _ in 0..2 {
        assert_eq!(sees(&strict, &token).await, "live");
    }
    // The session itself is as it was.
    accounts.0.store(INACTIVE, Ordering::Relaxed);
    until("it is asked", async || sees(&strict, &token).await == "account_inactive").await;
}

#[tokio::test]
async fn stale_never_outlives_the_session_or_the_token() {
    let clock = ManualClock::new(SystemClock.now());
    let host_clock = clock.clone();
    let mut world = world_with(|builder| {
        builder.clock(host_clock).leeway(Duration::ZERO).access_token_ttl(Duration::from_secs(3))
    })
    .await;
    let Layers { stale, token_only, .. } = layers(&world);
    let short = login(&world.manager, "short").await.access_token;
    assert_eq!(sees(&stale, &short).await, "live");
    // The idle TTL passes on Redis's clock: it must not on a slow machine, before the session was seen.
    let mut idle = String::new();
    for ttl in [1, 4, 16, 64] {
        let new = NewSession::new(user("idle")).idle_ttl(Duration::from_secs(ttl));
        idle = world.manager.create(new).await.unwrap().access_token;
        if sees(&stale, &idle).await == "live" {
            break;
        }
        assert_ne!(ttl, 64, "it is let in");
    }
    world.redis_is_gone().await;
    assert_eq!(sees(&stale, &short).await, "stale");
    until("the idle TTL is over", async || sees(&stale, &idle).await == "store_unavailable").await;
    assert_eq!(sees(&stale, &short).await, "stale");
    clock.advance(Duration::from_secs(4));
    assert_eq!(sees(&stale, &short).await, "token_expired");
    assert_eq!(sees(&token_only, &short).await, "token_expired");
    assert_eq!(sees(&token_only, &idle).await, "token_expired");
}

#[tokio::test]
async fn a_token_without_a_session_is_good_for_the_outage_and_for_nothing_else() {
    let mut world = world().await;
    let layers = layers(&world);
    world.redis_is_gone().await;
    let new = NewSession::new(user("jeju"));
    assert!(world.manager.begin_login(&user("jeju")).await.is_err(), "a login is 503");
    let token = world.manager.token_without_session(&new).await.unwrap().access_token;
    assert_eq!(
        layers.see(&token).await,
        ["store_unavailable", "store_unavailable", "token only jeju"]
    );
    world.server.restart().await;
    until("Redis is asked again", async || {
        sees(&layers.token_only, &token).await == "session_expired"
    })
    .await;
    assert_eq!(layers.see(&token).await, ["session_expired"; 3]);
    assert_eq!(
        world.server.number(&["EXISTS", "session:{jeju}:live", "session:{jeju}:seen"]).await,
        0,
        "no session is ever made of it"
    );
    world.redis_is_gone().await;
    assert_eq!(sees(&layers.token_only, &token).await, "session_expired", "and it stays refused");
}

#[tokio::test]
async fn a_guard_behind_a_token_alone_lets_nobody_in_and_says_that_it_does_not_know() {
    async fn ok(_: Request<String>) -> Result<Response<String>, Infallible> {
        Ok(Response::new(String::new()))
    }
    let mut world = world().await;
    let token = login(&world.manager, "jeju").await.access_token;
    let service = ServiceBuilder::new()
        .layer(world.layer().failure_policy(FailurePolicy::TokenOnly))
        .layer(RequireRole::any_of(["user"]))
        .service_fn(ok);
    let ask = async || service.clone().oneshot(bearer(&token)).await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::OK);
    world.redis_is_gone().await;
    let response = ask().await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    // Without the guard it passes.
    let layer = world.layer().failure_policy(FailurePolicy::TokenOnly);
    let response = layer.layer(service_fn(ok)).oneshot(bearer(&token)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
