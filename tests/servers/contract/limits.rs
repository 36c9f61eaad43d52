//! The limit of failed logins at the example servers: across two instances, behind a trusted proxy,
//! and without a trusted proxy.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::contract::table::post;
use crate::support::client::Reply;
use crate::support::redis::RedisServer;
use crate::support::server::{Disturbed, SECRET, Server, undisturbed};

/// Starts an instance that allows 2 failed logins per account and 20 per address.
async fn instance(
    example: &'static str,
    redis: &RedisServer,
    more: &[(&str, &str)],
) -> (Server, SocketAddr) {
    let url = redis.url();
    let mut env = vec![("REDIS_URL", &*url), ("JWT_SECRET", SECRET), ("LOGIN_ATTEMPTS", "2")];
    // The window is so long that no second window begins during a test.
    env.push(("LOGIN_WINDOW", "3600"));
    env.extend(more);
    Server::start(example, &env).await
}

async fn log_in(
    server: SocketAddr,
    body: &Value,
    forwarded: Option<&str>,
) -> Result<Reply, Disturbed> {
    let mut login = post("/api/auth/login").json(body);
    if let Some(forwarded) = forwarded {
        login = login.header("x-forwarded-for", forwarded);
    }
    let reply = login.to(server).await;
    if reply.status == 503 { Err(Disturbed) } else { Ok(reply) }
}

fn wrong(user: &str) -> Value {
    json!({"user_id": user, "password": "wrong"})
}

fn email(email: &str) -> Value {
    json!({"email": email, "password": "wrong"})
}

fn assert_rate_limited(reply: &Reply) {
    let body = json!({"detail": "Too many attempts", "code": "rate_limited"});
    assert_eq!((reply.status, &reply.body), (429, &body), "{reply:?}");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
}

/// Sends 20 failed logins, each for another user and with the header that `forwarded` returns.
/// Asserts that the next login is rejected.
async fn exhaust_address_limit(
    server: SocketAddr,
    forwarded: impl Fn(usize) -> String,
) -> Result<(), Disturbed> {
    for number in 0..20 {
        let forwarded = forwarded(number);
        let reply = log_in(server, &wrong(&format!("user-{number}")), Some(&forwarded)).await?;
        assert_eq!(reply.status, 401, "{forwarded}: {reply:?}");
    }
    assert_rate_limited(&log_in(server, &wrong("user-20"), Some(&forwarded(20))).await?);
    Ok(())
}

fn right(user: &str) -> Value {
    json!({"user_id": user, "password": "password123"})
}

const PROXY: [(&str, &str); 1] = [("TRUSTED_PROXIES", "127.0.0.0/8")];

/// Both instances count the failed logins of an account together, by user id and by e-mail address.
/// An unknown account gets the same answers.
async fn names(example: &'static str, redis: &RedisServer) -> Result<(), Disturbed> {
    let (one, at_one) = instance(example, redis, &PROXY).await;
    let (other, at_other) = instance(example, redis, &PROXY).await;
    for (first, second) in [
        (wrong("jeju"), wrong("jeju")),
        (email("jeju@test.com"), email("Jeju@test.com")),
        (email("nobody@test.com"), email("Nobody@test.com")),
        (wrong("nobody"), wrong("nobody")),
        (wrong("suspended"), right("suspended")),
    ] {
        assert_eq!(log_in(at_one, &first, None).await?.status, 401);
        assert_eq!(log_in(at_other, &second, None).await?.status, 401);
        for server in [at_one, at_other] {
            assert_rate_limited(&log_in(server, &first, None).await?);
            assert_rate_limited(&log_in(server, &second, None).await?);
        }
    }
    assert_rate_limited(&log_in(at_one, &right("jeju"), None).await?);
    assert_eq!(log_in(at_one, &right("user"), None).await?.status, 200);
    for server in [one, other] {
        server.stop().await;
    }
    Ok(())
}

/// Behind a trusted proxy, the server counts the address that the proxy adds, not the one that the
/// client sent.
async fn addresses(example: &'static str, redis: &RedisServer) -> Result<(), Disturbed> {
    let (one, at_one) = instance(example, redis, &PROXY).await;
    let (other, at_other) = instance(example, redis, &PROXY).await;
    exhaust_address_limit(at_one, |number| format!("198.51.100.{number}, 203.0.113.5")).await?;
    assert_rate_limited(&log_in(at_other, &right("user"), Some("203.0.113.5")).await?);
    let next = log_in(at_other, &right("user"), Some("203.0.113.5, 203.0.113.6")).await?;
    assert_eq!(next.status, 200, "the limit does not apply to another client of the proxy");
    for server in [one, other] {
        server.stop().await;
    }
    Ok(())
}

/// Without a trusted proxy, the server ignores the header.
async fn no_proxy(example: &'static str, redis: &RedisServer) -> Result<(), Disturbed> {
    let (alone, at_alone) = instance(example, redis, &[]).await;
    exhaust_address_limit(at_alone, |number| format!("198.51.100.{number}")).await?;
    assert_rate_limited(&log_in(at_alone, &right("user"), None).await?);
    alone.stop().await;
    Ok(())
}

async fn limits(example: &'static str) {
    undisturbed(async |redis| names(example, redis).await).await;
    undisturbed(async |redis| addresses(example, redis).await).await;
    undisturbed(async |redis| no_proxy(example, redis).await).await;
}

#[tokio::test]
async fn axum_limits_failed_logins() {
    limits("axum").await;
}

#[tokio::test]
async fn hyper_limits_failed_logins() {
    limits("hyper").await;
}
