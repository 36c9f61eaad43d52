//! The limit of failed logins at the example servers: at two instances, behind a proxy, and for whoever claims to be one.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::contract::table::post;
use crate::support::client::Reply;
use crate::support::redis::RedisServer;
use crate::support::server::{Disturbed, SECRET, Server, undisturbed};

/// 2 failed logins of an account, 20 of an address.
async fn instance(
    example: &'static str,
    redis: &RedisServer,
    more: &[(&str, &str)],
) -> (Server, SocketAddr) {
    let url = redis.url();
    let mut env = vec![("REDIS_URL", &*url), ("JWT_SECRET", SECRET), ("LOGIN_ATTEMPTS", "2")];
    // No attempt of a test is so late that another period has begun.
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

fn is_refused(reply: &Reply) {
    let body = json!({"detail": "Too many attempts", "code": "rate_limited"});
    assert_eq!((reply.status, &reply.body), (429, &body), "{reply:?}");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
}

/// 20 wrong guesses, each for a user of its own and said to come from `forwarded`; the next is refused.
async fn until_refused(
    server: SocketAddr,
    forwarded: impl Fn(usize) -> String,
) -> Result<(), Disturbed> {
    for number in 0..20 {
        let forwarded = forwarded(number);
        let reply = log_in(server, &wrong(&format!("user-{number}")), Some(&forwarded)).await?;
        assert_eq!(reply.status, 401, "{forwarded}: {reply:?}");
    }
    is_refused(&log_in(server, &wrong("user-20"), Some(&forwarded(20))).await?);
    Ok(())
}

fn right(user: &str) -> Value {
    json!({"user_id": user, "password": "password123"})
}

const PROXY: [(&str, &str); 1] = [("TRUSTED_PROXIES", "127.0.0.0/8")];

/// Each name of a user, at either instance; and a name of no user gets the same answers.
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
            is_refused(&log_in(server, &first, None).await?);
            is_refused(&log_in(server, &second, None).await?);
        }
    }
    is_refused(&log_in(at_one, &right("jeju"), None).await?);
    assert_eq!(log_in(at_one, &right("user"), None).await?.status, 200);
    for server in [one, other] {
        server.stop().await;
    }
    Ok(())
}

/// The client behind a trusted proxy is the address that the proxy adds, not the one that the client claims.
async fn addresses(example: &'static str, redis: &RedisServer) -> Result<(), Disturbed> {
    let (one, at_one) = instance(example, redis, &PROXY).await;
    let (other, at_other) = instance(example, redis, &PROXY).await;
    until_refused(at_one, |number| format!("198.51.100.{number}, 203.0.113.5")).await?;
    is_refused(&log_in(at_other, &right("user"), Some("203.0.113.5")).await?);
    let next = log_in(at_other, &right("user"), Some("203.0.113.5, 203.0.113.6")).await?;
    assert_eq!(next.status, 200, "another client of the same proxy");
    for server in [one, other] {
        server.stop().await;
    }
    Ok(())
}

/// Without a trusted proxy, the server ignores the header.
async fn no_proxy(example: &'static str, redis: &RedisServer) -> Result<(), Disturbed> {
    let (alone, at_alone) = instance(example, redis, &[]).await;
    until_refused(at_alone, |number| format!("198.51.100.{number}")).await?;
    is_refused(&log_in(at_alone, &right("user"), None).await?);
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
