//! Rate limits for refresh tokens. Several instances use one Redis.

use serde_json::json;
use tower_session_auth::routes::{RefreshDelivery, RefreshLimit};
use tower_session_auth::{KeySet, RedisStore, SigningKey};

use crate::limits::{MINUTE, retry_after};
use crate::routes::site::{From, Reply, Site, request, site_with};
use crate::support::OTHER_SECRET;
use crate::support::UNHURRIED;
use crate::support::commands::Commands;
use crate::support::redis::RedisServer;
use crate::support::wait::until;

const HERE: &str = "192.0.2.7";

/// A site that allows 3 refreshes per minute for a session, and 3 bad tokens per minute from an
/// address.
fn instance(server: &RedisServer) -> Site {
    let store = RedisStore::builder(server.url()).timeout(UNHURRIED).build().unwrap();
    let keys = KeySet::new(SigningKey::hs256("r1", OTHER_SECRET).unwrap());
    site_with(
        |builder, _| builder.store(store).store_timeout(UNHURRIED).refresh_keys(keys),
        |routes| {
            let routes = routes.refresh_delivery(RefreshDelivery::Body);
            routes.refresh_limit(RefreshLimit::new(3, 3, MINUTE))
        },
    )
}

async fn refresh(site: &Site, token: &str) -> Reply {
    refresh_from(site, HERE, token).await
}

async fn refresh_from(site: &Site, address: &str, token: &str) -> Reply {
    let body = json!({"refresh_token": token}).to_string();
    let mut refresh = request("POST", "/api/auth/refresh", None, body.into());
    refresh.headers_mut().insert("content-type", "application/json".parse().unwrap());
    refresh.extensions_mut().insert(From(address.parse().unwrap()));
    site.send(refresh).await
}

async fn logged_in(site: &Site) -> String {
    let reply = site.log_in("jeju", "password123").await;
    reply.body["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn refreshes_and_bad_tokens_are_counted_across_instances() {
    let server = RedisServer::start().await;
    let (one, other) = (instance(&server), instance(&server));
    let (mut token, second) = (logged_in(&one).await, logged_in(&other).await);
    for site in [&one, &other, &one] {
        let reply = refresh(site, &token).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        token = reply.body["refresh_token"].as_str().unwrap().to_owned();
    }
    for site in [&other, &one, &other] {
        assert!((1..=60).contains(&retry_after(&refresh(site, &token).await)));
    }
    // The session is still live. The client of another session can still refresh its tokens.
    let id = one.manager.sessions(&crate::support::user("jeju")).await.unwrap();
    assert_eq!(id.len(), 2);

    for site in [&one, &other, &one] {
        assert_eq!(refresh(site, "garbage").await.said(), (401, "invalid_token"));
    }
    for site in [&other, &one] {
        assert!((1..=60).contains(&retry_after(&refresh(site, "garbage").await)));
    }
    assert_eq!(refresh(&one, &second).await.status, 200, "a good token from the same address");
}

#[tokio::test]
async fn bad_tokens_from_many_ipv6_networks_share_a_limit_of_the_wider_network() {
    let server = RedisServer::start().await;
    let site = instance(&server);
    for network in 0..12 {
        let address = format!("2001:db8:1:{network:x}::1");
        let reply = refresh_from(&site, &address, "garbage").await;
        assert_eq!(reply.said(), (401, "invalid_token"), "{address}");
    }
    let reply = refresh_from(&site, "2001:db8:1:ff::1", "garbage").await;
    assert!((50..=60).contains(&retry_after(&reply)));
    let reply = refresh_from(&site, "2001:db8:1:100::1", "garbage").await;
    assert_eq!(reply.said(), (401, "invalid_token"), "the neighbor's network");
}

#[tokio::test]
async fn instance_does_not_ask_redis_again_while_it_knows_of_a_wait() {
    let server = RedisServer::start().await;
    let site = instance(&server);
    let asked = async || Commands::of(&server).await.calls("hmget");
    for _ in 0..4 {
        refresh(&site, "garbage").await;
    }
    let before = asked().await;
    assert!(before >= 4, "each bad token was counted in redis");
    for _ in 0..50 {
        assert!(retry_after(&refresh(&site, "garbage").await) <= 60);
    }
    // The worker reads from the server at intervals. None of the requests reads from it.
    let since = asked().await - before;
    assert!(since < 25, "{since}");
}

#[tokio::test]
async fn refresh_during_an_outage_is_401_for_a_bad_token_and_503_for_a_good_one() {
    let mut server = RedisServer::start().await;
    let site = instance(&server);
    let token = logged_in(&site).await;
    server.stop();
    for _ in 0..10 {
        assert_eq!(refresh(&site, "garbage").await.said(), (401, "invalid_token"));
        assert_eq!(refresh(&site, &token).await.said(), (503, "store_unavailable"));
    }
}

#[tokio::test]
async fn refreshes_that_failed_during_an_outage_do_not_count_against_the_limit() {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = RedisServer::start_with(&args).await;
    let site = instance(&server);
    let token = logged_in(&site).await;
    server.stop();
    for _ in 0..10 {
        assert_eq!(refresh(&site, &token).await.said(), (503, "store_unavailable"));
    }
    server.restart().await;
    until("the token that failed is accepted", async || {
        let reply = refresh(&site, &token).await;
        assert!([200, 503].contains(&reply.status), "{reply:?}");
        reply.status == 200
    })
    .await;
}
