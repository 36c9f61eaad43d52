//! Several instances that use one Redis share one limit.

use tokio::task::JoinSet;
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::{KeySet, SigningKey};

use crate::limits::{LIMITED, MINUTE, WRONG, by_email, fail, from, retry_after, ten};
use crate::routes::site::{Site, request, send, site_with};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, patient_store};

const HERE: &str = "192.0.2.7";

fn instance(server: &RedisServer, limit: LoginLimit) -> Site {
    let store = patient_store(&server.url());
    site_with(
        |builder, _| builder.store(store).store_timeout(UNHURRIED),
        |routes| routes.login_limit(limit),
    )
}

async fn keys_of(server: &RedisServer) -> Vec<String> {
    redis::from_redis_value(server.command(&["KEYS", "session:limit:*"]).await).unwrap()
}

#[tokio::test]
async fn redis_keys_of_login_names_depend_on_the_signing_key() {
    let server = RedisServer::start().await;
    // Returns the Redis keys that exist after a failed login at an instance with this Ed25519
    // signing key.
    let written = async |key: &[u8]| {
        let keys = KeySet::new(SigningKey::eddsa_pem("k1", key).unwrap());
        let store = patient_store(&server.url());
        let site = site_with(
            |builder, _| builder.store(store).store_timeout(UNHURRIED).keys(keys),
            |routes| routes.login_limit(ten()),
        );
        fail(&site, "jeju", 1).await;
        let mut written = keys_of(&server).await;
        server.command(&["FLUSHALL"]).await;
        written.sort();
        assert!(!written.is_empty() && !written.concat().contains("jeju"), "{written:?}");
        written
    };
    let ours = written(include_bytes!("../../keys/ed25519.pem")).await;
    assert_eq!(
        written(include_bytes!("../../keys/ed25519.pem")).await,
        ours,
        "instances with one key use the same names"
    );
    for other in written(include_bytes!("../../keys/ed25519-other.pem")).await {
        assert!(!ours.contains(&other), "{other} depends on the name alone");
    }
}

#[tokio::test]
async fn failures_and_successes_are_counted_across_instances() {
    let server = RedisServer::start().await;
    let (one, other) = (instance(&server, ten()), instance(&server, ten()));
    for _ in 0..5 {
        fail(&one, "jeju", 1).await;
        fail(&other, "jeju", 1).await;
    }
    for site in [&one, &other] {
        let wait = retry_after(&site.log_in("jeju", "password123").await);
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(site.desk.verifies().len(), 5);
    }
    // All instances also share the count of an account's failures under all of its names.
    for site in [&one, &other] {
        for _ in 0..5 {
            assert_eq!(by_email(site, "jeju@test.com", "wrong").await.said(), WRONG);
        }
    }
    for site in [&one, &other] {
        let shut = by_email(site, "jeju+1@test.com", "password123").await;
        assert_eq!(shut.said(), WRONG);
        assert_eq!(site.desk.verifies().last(), Some(&None));
    }
    // A success at one instance resets the count at the other.
    fail(&one, "user", 9).await;
    other.token("user").await;
    fail(&one, "user", 9).await;
    other.token("user").await;
}

#[tokio::test]
async fn ten_of_a_hundred_concurrent_logins_at_two_instances_are_verified() {
    let server = RedisServer::start().await;
    let (one, other) = (instance(&server, ten()), instance(&server, ten()));
    let mut logins = JoinSet::new();
    for number in 0..100 {
        let router = if number % 2 == 0 { &one } else { &other }.router.clone();
        logins.spawn(async move {
            let body = r#"{"user_id":"jeju","password":"wrong"}"#;
            let mut login = request("POST", "/api/auth/login", None, body.into());
            login.headers_mut().insert("content-type", "application/json".parse().unwrap());
            send(&router, login).await.status
        });
    }
    let statuses = logins.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 90);
    assert_eq!(one.desk.verifies().len() + other.desk.verifies().len(), 10);
}

#[tokio::test]
async fn redis_stores_no_login_name_and_every_key_expires() {
    let server = RedisServer::start().await;
    let site = instance(&server, ten());
    for user in ["jeju", "hunter2-typed-in-the-wrong-field"] {
        assert_eq!(from(&site, HERE, user, "wrong").await.said(), WRONG);
    }
    let found = keys_of(&server).await;
    assert_eq!(found.len(), 5, "two names, an account, a stand-in, and an address: {found:?}");
    for key in &found {
        let name = key.strip_prefix("session:limit:{").unwrap().strip_suffix('}').unwrap();
        assert_eq!(name.len(), 22, "{key}");
        let left = server.number(&["PTTL", key]).await;
        assert!((1..=60 * 60 * 1000).contains(&left), "{key}: {left}");
        let kept: Vec<String> =
            redis::from_redis_value(server.command(&["HGETALL", key]).await).unwrap();
        let kept = kept.join(" ");
        assert!(kept.len() < 64, "{kept}");
        for typed in ["jeju", "hunter2", "wrong", HERE] {
            assert!(!kept.contains(typed) && !key.contains(typed), "{key}: {kept}");
        }
    }
    // A successful login removes the counts of the user's names and of the account. The address
    // keeps the count of its other failure.
    assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);
    assert_eq!(keys_of(&server).await.len(), 3);
}

#[tokio::test]
async fn no_password_is_verified_while_redis_is_down() {
    let mut server = RedisServer::start().await;
    let site = instance(&server, ten());
    fail(&site, "jeju", 3).await;
    server.stop();
    for _ in 0..20 {
        for user in ["jeju", "unknown"] {
            let reply = site.log_in(user, "password123").await;
            assert_eq!(reply.said(), (503, "store_unavailable"));
        }
    }
    assert_eq!(site.desk.verifies().len(), 3);
    server.restart().await;
    let works = async || site.log_in("jeju", "password123").await.status == 200;
    until("logins succeed again after the restart", works).await;
}

#[tokio::test]
async fn no_password_is_verified_while_redis_rejects_writes() {
    let server = RedisServer::start().await;
    let site = instance(&server, ten());
    fail(&site, "jeju", 1).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for _ in 0..20 {
        assert_eq!(site.log_in("jeju", "wrong").await.said(), (503, "store_unavailable"));
    }
    assert_eq!(site.desk.verifies().len(), 1);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    site.token("jeju").await;
}

#[tokio::test]
async fn failures_are_counted_after_a_script_flush() {
    let server = RedisServer::start().await;
    let site = instance(&server, LoginLimit::new(3, MINUTE));
    for _ in 0..3 {
        fail(&site, "jeju", 1).await;
        server.command(&["SCRIPT", "FLUSH"]).await;
    }
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

#[tokio::test]
async fn clock_that_is_set_back_does_not_extend_a_wait() {
    let server = RedisServer::start().await;
    let site = instance(&server, LoginLimit::new(2, MINUTE));
    fail(&site, "jeju", 2).await;
    let mut waits = Vec::new();
    for key in keys_of(&server).await {
        let until = server.number(&["HGET", &key, "u"]).await;
        if until > 0 {
            // The test moves the end of the wait one minute into the future. For the store, this
            // looks as if the clock of Redis were set back by one minute.
            server.command(&["HINCRBY", &key, "u", "60000"]).await;
            waits.push((key, until));
        }
    }
    assert_eq!(waits.len(), 1, "{waits:?}");
    for _ in 0..3 {
        let wait = retry_after(&site.log_in("jeju", "password123").await);
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // Redis must store the corrected end of the wait. Otherwise each response would announce
    // another minute.
    let (key, until) = &waits[0];
    let cut = server.number(&["HGET", key, "u"]).await;
    assert!((*until..until + 60_000).contains(&cut), "{cut} for {until}");
}

#[tokio::test]
async fn login_succeeds_after_the_announced_wait() {
    let server = RedisServer::start().await;
    let site = instance(&server, LoginLimit::new(2, MINUTE));
    fail(&site, "jeju", 2).await;
    let wait = retry_after(&site.log_in("jeju", "password123").await);
    assert!((1..=60).contains(&wait), "{wait}");
    // The test moves all stored times into the past, as if the wait were over.
    let back = format!("-{wait}000");
    for key in keys_of(&server).await {
        for field in ["s", "u"] {
            server.command(&["HINCRBY", &key, field, &back]).await;
        }
    }
    site.token("jeju").await;
}
