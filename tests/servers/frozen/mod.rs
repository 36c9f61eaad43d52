//! The surface that programs outside of this crate rely on: HTTP answers and cookies, claims, keys and
//! values in Redis, its rights, metrics, environment variables. The files in `golden/` hold it as version 0.1 has it.
//!
//! A test that fails here means that a client, a dashboard, an operator's script, or an instance of another version on
//! the same Redis would break. `UPDATE_FROZEN=1` writes the files anew, where that is meant.

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

/// What one client and one administrator see of an example server, and what then lies in Redis.
async fn surface(
    example: &'static str,
    redis: &RedisServer,
) -> Result<[(&'static str, String); 3], Disturbed> {
    let env = [
        ("REDIS_URL", &*redis.url()),
        ("JWT_SECRET", SECRET),
        ("LOGIN_ATTEMPTS", &LOGIN_ATTEMPTS.to_string()),
        // Longer than a loaded machine takes for all of it.
        ("LOGIN_WINDOW", "3600"),
    ];
    let (server, address) = Server::start(example, &env).await;
    let mut client = Client::new(address);
    http::conversation(&mut client).await?;
    let keys = keys::of(redis, &mut client.masks).await;
    server.stop().await;
    Ok([("http", client.transcript()), ("claims", tokens::claims(&client)), ("redis", keys)])
}

async fn is_frozen(example: &'static str) {
    for (name, text) in undisturbed(async |redis| surface(example, redis).await).await {
        assert_frozen(name, &text);
    }
}

#[tokio::test]
async fn what_the_axum_example_answers_and_writes() {
    is_frozen("axum").await;
}

#[tokio::test]
async fn what_the_hyper_example_answers_and_writes() {
    is_frozen("hyper").await;
}

#[test]
fn the_rights_that_redis_has_to_grant() {
    assert_frozen("acl", &format!("{ACL_RULE}\n"));
}

/// The other variables are frozen beside the code that reads them.
#[tokio::test]
async fn rust_log_says_what_is_logged() {
    for (env, is_told) in [(&[][..], false), (&[("RUST_LOG", "debug")], true)] {
        let (server, address) = Server::start("axum", env).await;
        assert_eq!(get(address, "/health/live", None).await.status, 200);
        assert_eq!(server.stop().await.contains("DEBUG"), is_told);
    }
}
