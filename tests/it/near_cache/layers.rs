//! Layers that use the near cache: commands per request, staleness, changes of a session, and the
//! size of cache entries.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use serde_json::json;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_session_auth::auth_layer::{Caller, OptionalMode};
use tower_session_auth::error::ConfigError;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::{NewSession, RevokeReason, SessionAuthLayer, Target, TokenSource};

use crate::near_cache::world::{sees, world, world_with, world_with_a_short_lease};
use crate::support::commands::Commands;
use crate::support::wait::until;
use crate::support::{builder, login, manager, patient_builder, patient_store, user};

#[tokio::test]
async fn cache_hit_sends_no_redis_command_and_a_strict_request_sends_one() {
    let world = world().await;
    let token = login(&world.manager, "jeju").await.access_token;
    let layer = world.layer();
    let strict = world.layer().max_staleness(Duration::ZERO).unwrap();
    assert_eq!(sees(&layer, &token).await, "live");
    let hgets = async || Commands::of(&world.server).await.calls("hget");
    let (before, known) = (hgets().await, world.manager.near_cache());
    for _ in 0..100 {
        assert_eq!(sees(&layer, &token).await, "live");
    }
    assert_eq!(hgets().await, before);
    assert_eq!(world.manager.near_cache().hits, known.hits + 100);
    for _ in 0..100 {
        assert_eq!(sees(&strict, &token).await, "live");
    }
    assert_eq!(hgets().await, before + 100);
    // The reads of the strict layer do not invalidate the cache entry that the other layer uses.
    assert_eq!(sees(&layer, &token).await, "live");
    assert_eq!(hgets().await, before + 100);
}

#[tokio::test]
async fn logout_applies_in_this_process_as_soon_as_delete_returns() {
    let world = world().await;
    let layer = world.layer();
    for round in 0..100 {
        let login = login(&world.manager, "jeju").await;
        assert_eq!(sees(&layer, &login.access_token).await, "live", "{round}");
        world
            .manager
            .revoke(&user("jeju"), login.session.id(), RevokeReason::Logout)
            .await
            .unwrap();
        assert_eq!(sees(&layer, &login.access_token).await, "session_revoked", "{round}");
    }
}

#[tokio::test]
async fn role_change_is_visible_to_the_next_request() {
    let world = world().await;
    let login = login(&world.manager, "jeju").await;
    let role = async || {
        let session = world.manager.authenticate(&login.access_token).await.unwrap();
        session.role().map(str::to_owned)
    };
    assert_eq!(role().await.as_deref(), Some("user"));
    for next in ["admin", "user", "guest"] {
        let change = async |user, id| {
            world.manager.update(user, id, |session| session.role = Some(next.to_owned())).await
        };
        change(&user("jeju"), login.session.id()).await.unwrap();
        assert_eq!(role().await.as_deref(), Some(next));
    }
    world.manager.update_all(&user("jeju"), |_, session| session.role = None).await.unwrap();
    assert_eq!(role().await, None);
}

#[tokio::test]
async fn max_staleness_that_heartbeats_cannot_guarantee_is_rejected() {
    let world = world_with_a_short_lease().await;
    for bad in [1, 299] {
        let refused = world.layer().max_staleness(Duration::from_millis(bad));
        assert!(matches!(refused, Err(ConfigError::OutOfRange { setting: "max_staleness", .. })));
    }
    for good in [0, 300, 500, 60_000] {
        assert!(world.layer().max_staleness(Duration::from_millis(good)).is_ok());
    }
    // If every request reads the store, the layer accepts any max staleness.
    let (memory, _worker) = manager(MemoryStore::new());
    assert!(SessionAuthLayer::new(memory).max_staleness(Duration::from_millis(1)).is_ok());
}

#[tokio::test]
async fn without_a_near_cache_every_request_reads_redis() {
    let world = world().await;
    let settings = patient_builder(patient_store(&world.server.url()));
    let (manager, worker) = settings.without_near_cache().build().unwrap();
    let background = worker.start();
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager.clone());
    assert_eq!(sees(&layer, &token).await, "live");
    let before = Commands::of(&world.server).await;
    assert_eq!(sees(&layer, &token).await, "live");
    assert_eq!(before.since(&world.server).await.calls("hget"), 1);
    assert_eq!((manager.near_cache().entries, manager.near_cache().hits), (0, 0));
    background.stop().await.unwrap();
    world.background.stop().await.unwrap();
}

#[tokio::test]
async fn near_cache_size_out_of_range_is_rejected_and_capacity_one_works() {
    for bad in [0, (1 << 24) + 1, usize::MAX] {
        let built = builder().near_cache_capacity(bad).build();
        let setting = match built {
            Err(ConfigError::OutOfRange { setting, .. }) => setting,
            other => panic!("{:?}", other.err()),
        };
        assert_eq!(setting, "near_cache_capacity");
    }
    for bad in [0, (1 << 16) - 1, (1 << 40) + 1, usize::MAX] {
        let built = builder().near_cache_bytes(bad).build();
        let Err(ConfigError::OutOfRange { setting, .. }) = built else { panic!("{bad}") };
        assert_eq!(setting, "near_cache_bytes");
    }
    let world = world_with(|builder| builder.near_cache_capacity(1)).await;
    let first = login(&world.manager, "a").await.access_token;
    let second = login(&world.manager, "b").await.access_token;
    for token in [&first, &second, &first, &second] {
        assert_eq!(sees(&world.layer(), token).await, "live");
        assert!(world.manager.near_cache().entries <= 1);
    }
}

#[tokio::test]
async fn cache_hit_of_a_revoked_session_clears_the_cookie_of_an_anonymous_navigation() {
    const COOKIE: &str = "__Host-access_token";
    let world = world().await;
    let ended = login(&world.manager, "jeju").await.access_token;
    world.manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    let source = TokenSource::header_or_cookie(COOKIE).unwrap();
    let navigate = async |mode: OptionalMode| {
        let layer = world.layer().token_source(source.clone()).optional_with(mode);
        let service = layer.layer(service_fn(async |request: Request<String>| {
            assert!(Caller::<()>::of(request.extensions()).is_err(), "the request is anonymous");
            Ok::<_, Infallible>(Response::new("page".to_owned()))
        }));
        let asked = Request::builder().header("cookie", format!("{COOKIE}={ended}"));
        let asked = asked.header("sec-fetch-mode", "navigate").body(String::new()).unwrap();
        let response = service.oneshot(asked).await.unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "page"));
        response
    };
    let hits = || world.manager.near_cache().hits;
    for clears in [true, false] {
        let mode = OptionalMode::lenient();
        let mode = if clears { mode.clear_ended_cookie() } else { mode };
        // Redis may push the invalidation after the first response. In that case, the next request
        // reads the session again.
        until("the near cache answers for the revoked session", async || {
            let before = hits();
            let response = navigate(mode).await;
            let set = response.headers().get_all("set-cookie").iter();
            let set: Vec<_> = set.map(|field| field.to_str().unwrap()).collect();
            let cleared =
                format!("{COOKIE}=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
            let expected = if clears { vec![cleared.as_str()] } else { Vec::new() };
            assert_eq!(set, expected);
            assert_eq!(response.headers().contains_key("cache-control"), clears);
            hits() > before
        })
        .await;
    }
}

#[tokio::test]
async fn near_cache_takes_at_most_64_mib_by_default() {
    const DEFAULT: u64 = 64 << 20;
    // The application reports a size of 256 KiB for each of 400 sessions, which is 100 MiB in
    // total.
    let world = world_with(|builder| builder.near_cache_data_size(|(), _| 256 << 10)).await;
    for number in 0..400 {
        let token = login(&world.manager, &format!("u{number}")).await.access_token;
        assert_eq!(sees(&world.layer(), &token).await, "live");
    }
    let bytes = world.manager.near_cache().bytes;
    assert!((DEFAULT / 2..=DEFAULT).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn cache_entry_size_counts_the_claims_of_a_token_besides_its_text() {
    const LONGER: usize = 1_000;
    // With such a large capacity, the minimum weight of an entry is below the size of the entry.
    let world = world_with(|builder| builder.near_cache_capacity(1 << 20)).await;
    let mut weights = Vec::new();
    for length in [1, 1 + LONGER] {
        let new = NewSession::new(user(&format!("user{}", weights.len())));
        let new = new.claims(&json!({ "note": "x".repeat(length) })).unwrap();
        let token = world.manager.create(new).await.unwrap().access_token;
        let before = world.manager.near_cache().bytes;
        assert_eq!(sees(&world.layer(), &token).await, "live");
        weights.push((world.manager.near_cache().bytes - before, token.len() as u64));
    }
    let [(short, short_text), (long, long_text)] = weights[..] else { unreachable!() };
    // The comparison tolerates other differences of up to 100 bytes.
    let longer = long_text - short_text + LONGER as u64 - 100;
    assert!(long - short >= longer, "{long} {short} {longer}");
}
