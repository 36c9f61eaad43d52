//! The surface that other programs rely on: HTTP answers and cookies, token claims, keys and values
//! in Redis, Redis permissions, metrics, and environment variables. The files in `golden/` hold the
//! surface of version 0.1.
//!
//! A failure means that a client, a dashboard, an operator's script, or an instance of another
//! version on the same Redis would break. If the change is intended, `UPDATE_FROZEN=1` writes the
//! files again.

mod before;
mod golden;
mod http;
mod keys;
mod masks;
mod metrics;
mod tokens;

use crate::frozen::golden::assert_frozen;
use crate::frozen::http::{Client, LOGIN_ATTEMPTS};
use crate::support::client::get;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::server::{Disturbed, SECRET, Server, undisturbed};

/// Records what a client and an administrator see of an example server, and what Redis then
/// contains.
async fn surface(
    example: &'static str,
    redis: &RedisServer,
) -> Result<[(&'static str, String); 3], Disturbed> {
    let env = [
        ("REDIS_URL", &*redis.url()),
        ("JWT_SECRET", SECRET),
        ("LOGIN_ATTEMPTS", &LOGIN_ATTEMPTS.to_string()),
        // Longer than the whole conversation takes on a loaded machine.
        ("LOGIN_WINDOW", "3600"),
    ];
    let (server, address) = Server::start(example, &env).await;
    let mut client = Client::new(address);
    http::conversation(&mut client).await?;
    let keys = keys::of(redis, &mut client.masks).await;
    server.stop().await;
    Ok([("http", client.transcript()), ("claims", tokens::claims(&client)), ("redis", keys)])
}

async fn assert_surface_is_frozen(example: &'static str) {
    for (name, text) in undisturbed(async |redis| surface(example, redis).await).await {
        assert_frozen(name, &text);
    }
}

#[tokio::test]
async fn axum_example_surface_matches_the_golden_files() {
    assert_surface_is_frozen("axum").await;
}

#[tokio::test]
async fn hyper_example_surface_matches_the_golden_files() {
    assert_surface_is_frozen("hyper").await;
}

#[test]
fn redis_acl_rule_matches_the_golden_file() {
    assert_frozen("acl", &format!("{ACL_RULE}\n"));
}

/// The other environment variables are tested next to the code that reads them.
#[tokio::test]
async fn rust_log_sets_the_log_level() {
    for (env, is_told) in [(&[][..], false), (&[("RUST_LOG", "debug")], true)] {
        let (server, address) = Server::start("axum", env).await;
        assert_eq!(get(address, "/health/live", None).await.status, 200);
        assert_eq!(server.stop().await.contains("DEBUG"), is_told);
    }
}
