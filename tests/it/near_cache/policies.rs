//! Failure policies: what a layer does while the store is unavailable.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_session_auth::clock::{Clock as _, SystemClock};
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::guards::RequireRole;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{FailurePolicy, NewSession, RevokeReason, SessionAuthLayer, UserId};

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
    /// What each layer answers for a token.
    async fn see(&self, token: &str) -> [String; 3] {
        let Self { refuse, stale, token_only } = self;
        [sees(refuse, token).await, sees(stale, token).await, sees(token_only, token).await]
    }
}

#[tokio::test]
async fn failure_policies_apply_only_while_redis_is_unavailable() {
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
        "a session that this process has never read cannot be served stale"
    );
    assert_eq!(layers.see("a.b.c").await, ["invalid_token"; 3]);
    assert_eq!(world.manager.near_cache().stale_served, 1);

    // Redis restarts without data. All users are logged out, and no cache entry from before the
    // restart is used.
    world.server.restart().await;
    until("Redis is asked again", async || sees(&layers.refuse, &known).await == "session_expired")
        .await;
    assert_eq!(layers.see(&known).await, ["session_expired"; 3]);
    assert_eq!(layers.see(&unknown).await, ["session_expired"; 3]);
    world.coherent().await;
}

#[tokio::test]
async fn session_known_to_be_over_is_refused_while_redis_is_unavailable() {
    let mut world = world_with(|builder| builder.session_limit(1)).await;
    let layers = layers(&world);
    let here = login(&world.manager, "here").await;
    let seen = login(&world.manager, "seen").await;
    let evicted = login(&world.manager, "evicted").await;
    for token in [&here, &seen, &evicted].map(|login| &login.access_token) {
        assert_eq!(layers.see(token).await, ["live"; 3]);
    }
    // This process revokes the session of `here`. An operator deletes the session of `seen`, and a
    // later request notices this. An operator also deletes the session of `evicted`, but no request
    // follows.
    world.manager.revoke(&user("here"), here.session.id(), RevokeReason::Logout).await.unwrap();
    world.server.number(&["DEL", "session:{seen}:live"]).await;
    until("a request notices the deletion", async || {
        sees(&layers.refuse, &seen.access_token).await == "session_expired"
    })
    .await;
    world.server.number(&["DEL", "session:{evicted}:live"]).await;
    until("the invalidation of the deletion arrives", async || {
        world.manager.near_cache().invalidations >= 3
    })
    .await;
    // Creates another token of the session of `seen`, and a session that the session limit evicts.
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
        "a session with an invalidated cache entry is not served stale"
    );
}

#[tokio::test]
async fn invalidation_on_a_new_connection_applies_to_entries_read_before_it() {
    let mut world = world().await;
    let Layers { stale, .. } = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&stale, &token).await, "live");
    world.server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    until("the invalidation connection is lost", async || {
        world.manager.near_cache().lost_links == 1
    })
    .await;
    world.coherent().await;
    // Redis pushes the invalidation of the flush on the new connection. No request follows before
    // Redis is stopped.
    let told = world.manager.near_cache().invalidations;
    world.server.command(&["FLUSHALL"]).await;
    until("the invalidation of the flush arrives", async || {
        world.manager.near_cache().invalidations > told
    })
    .await;
    world.redis_is_gone().await;
    assert_eq!(sees(&stale, &token).await, "store_unavailable");
}

#[tokio::test]
async fn serve_stale_ends_after_its_configured_duration() {
    let mut world = world_with_a_short_lease().await;
    let layer = world.layer().failure_policy(FailurePolicy::ServeStale(Duration::from_millis(300)));
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&layer, &token).await, "live");
    world.server.stop();
    let stopped = Instant::now();
    let last = std::cell::Cell::new(stopped);
    until("the session is no longer served stale", async || {
        let asked = Instant::now();
        let seen = sees(&layer, &token).await;
        if seen != "store_unavailable" {
            last.set(asked);
        }
        seen == "store_unavailable"
    })
    .await;
    // The lease and these 300 ms start at the last answered heartbeat, which was sent before the
    // stop. If a request starts late on a loaded machine, it is refused.
    assert!(last.get() - stopped <= Duration::from_millis(800), "{:?}", last.get() - stopped);
}

#[tokio::test]
async fn entry_due_for_revalidation_may_be_served_stale() {
    let mut world =
        world_with(|builder| builder.revalidate_after(Duration::from_millis(200))).await;
    let Layers { refuse, stale, .. } = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(sees(&stale, &token).await, "live");
    world.redis_is_gone().await;
    tokio::time::sleep(Duration::from_millis(200)).await; // only time has to pass
    assert_eq!(sees(&refuse, &token).await, "store_unavailable");
    assert_eq!(sees(&stale, &token).await, "stale");
}

#[tokio::test]
async fn cache_entry_is_read_again_after_the_revalidation_interval() {
    let again = Duration::from_millis(200);
    let world = world_with(|builder| builder.revalidate_after(again)).await;
    let (layer, token) = (world.layer(), login(&world.manager, "jeju").await.access_token);
    assert_eq!(sees(&layer, &token).await, "live");
    let first = world.manager.near_cache().fills;
    until("the session is read twice more", async || {
        assert_eq!(sees(&layer, &token).await, "live");
        world.manager.near_cache().fills >= first + 2
    })
    .await;
}

#[tokio::test]
async fn server_that_denies_a_command_does_not_trigger_the_failure_policy() {
    let world = world().await;
    let layers = layers(&world);
    let token = login(&world.manager, "jeju").await.access_token;
    assert_eq!(layers.see(&token).await, ["live"; 3]);
    // The operator withdraws the permission to read sessions. A change of the session makes the
    // next request read it.
    world.server.command(&["ACL", "SETUSER", "default", "-hget"]).await;
    world.server.number(&["HSET", "session:{jeju}:live", "junk", "x"]).await;
    until("Redis denies a read", async || sees(&layers.refuse, &token).await != "live").await;
    assert_eq!(layers.see(&token).await, ["store_unavailable"; 3]);
    world.server.command(&["ACL", "SETUSER", "default", "+hget"]).await;
    until("the server allows reads again", async || layers.see(&token).await == ["live"; 3]).await;
}

/// A directory in which a test can deactivate the account.
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
async fn account_known_to_be_inactive_is_not_served_stale() {
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
    until("the directory is asked again", async || {
        sees(&stale, &token).await == "account_inactive"
    })
    .await;
    world.redis_is_gone().await;
    assert_eq!(
        sees(&stale, &token).await,
        "account_inactive",
        "the cache entry of the session is not used any more"
    );
}

#[tokio::test]
async fn inactive_account_seen_by_account_applies_to_cached_sessions_at_once() {
    let accounts = Accounts::default();
    let directory = accounts.clone();
    let world = world_with(|builder| builder.directory(directory)).await;
    let layer = world.layer();
    let login = login(&world.manager, "jeju").await;
    for _ in 0..2 {
        assert_eq!(sees(&layer, &login.access_token).await, "live");
    }
    accounts.0.store(INACTIVE, Ordering::Relaxed);
    assert_eq!(
        sees(&layer, &login.access_token).await,
        "live",
        "the directory's answer stays valid for 30 s"
    );
    assert!(world.manager.account(&login.session).await.is_err());
    assert_eq!(sees(&layer, &login.access_token).await, "account_inactive");
}

#[tokio::test]
async fn route_with_zero_max_staleness_notices_an_inactive_account() {
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
    // The session itself does not change.
    accounts.0.store(INACTIVE, Ordering::Relaxed);
    until("the directory is asked", async || sees(&strict, &token).await == "account_inactive")
        .await;
}

#[tokio::test]
async fn serve_stale_never_outlives_the_session_or_the_token() {
    let clock = ManualClock::new(SystemClock.now());
    let host_clock = clock.clone();
    let mut world = world_with(|builder| {
        builder.clock(host_clock).leeway(Duration::ZERO).access_token_ttl(Duration::from_secs(3))
    })
    .await;
    let Layers { stale, token_only, .. } = layers(&world);
    let short = login(&world.manager, "short").await.access_token;
    assert_eq!(sees(&stale, &short).await, "live");
    // The idle TTL runs on the clock of Redis. On a slow machine, a short idle TTL may end before
    // the first request. In that case, the test tries a longer one.
    let mut idle = String::new();
    for ttl in [1, 4, 16, 64] {
        let new = NewSession::new(user("idle")).idle_ttl(Duration::from_secs(ttl));
        idle = world.manager.create(new).await.unwrap().access_token;
        if sees(&stale, &idle).await == "live" {
            break;
        }
        assert_ne!(ttl, 64, "even a session with this idle TTL expires before the first request");
    }
    world.redis_is_gone().await;
    assert_eq!(sees(&stale, &short).await, "stale");
    until("the idle TTL has passed", async || sees(&stale, &idle).await == "store_unavailable")
        .await;
    assert_eq!(sees(&stale, &short).await, "stale");
    clock.advance(Duration::from_secs(4));
    assert_eq!(sees(&stale, &short).await, "token_expired");
    assert_eq!(sees(&token_only, &short).await, "token_expired");
    assert_eq!(sees(&token_only, &idle).await, "token_expired");
}

#[tokio::test]
async fn token_without_a_session_is_accepted_only_during_the_outage() {
    let mut world = world().await;
    let layers = layers(&world);
    world.redis_is_gone().await;
    let new = NewSession::new(user("jeju"));
    assert!(
        world.manager.begin_login(&user("jeju")).await.is_err(),
        "a login fails during the outage"
    );
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
        "the token never creates a session"
    );
    world.redis_is_gone().await;
    assert_eq!(
        sees(&layers.token_only, &token).await,
        "session_expired",
        "the token stays refused in a later outage"
    );
}

#[tokio::test]
async fn guard_behind_token_only_refuses_with_503_because_the_role_is_unknown() {
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
    // Without the guard the request is accepted.
    let layer = world.layer().failure_policy(FailurePolicy::TokenOnly);
    let response = layer.layer(service_fn(ok)).oneshot(bearer(&token)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
