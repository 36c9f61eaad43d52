//! The surface that programs outside of this crate rely on, byte by byte: HTTP answers and cookies, claims, keys and
//! values in Redis, its rights, metrics, environment variables. The files in `golden/` hold it as version 0.1 has it.
//!
//! A test that fails here means that a client, a dashboard, an operator's script, or an instance of another version on
//! the same Redis would break. `UPDATE_FROZEN=1` writes the files anew, where that is meant.

#![cfg(all(unix, feature = "redis", feature = "metrics"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod before;
mod golden;
mod http;
mod keys;
mod masks;
mod metrics;
mod tokens;

use std::time::Instant;

use crate::golden::assert_frozen;
use crate::http::{Client, LOGIN_ATTEMPTS};
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::server::{SECRET, Server};
use crate::support::wait::PATIENCE;

/// All that one client and one administrator see of an example server, and what then lies in Redis.
async fn surface(example: &'static str) -> [(&'static str, String); 3] {
    let attempts = LOGIN_ATTEMPTS.to_string();
    let start = Instant::now();
    loop {
        let redis = RedisServer::start().await;
        let env = [
            ("REDIS_URL", &*redis.url()),
            ("JWT_SECRET", SECRET),
            ("LOGIN_ATTEMPTS", &attempts),
            // Longer than a loaded machine takes for all of it.
            ("LOGIN_WINDOW", "3600"),
        ];
        let (server, address) = Server::start(example, &env).await;
        let mut client = Client::new(address);
        if http::conversation(&mut client).await.is_ok() {
            let keys = keys::of(&redis, &mut client.masks).await;
            server.stop().await;
            return [
                ("http", client.transcript()),
                ("claims", tokens::claims(&client)),
                ("redis", keys),
            ];
        }
        assert!(start.elapsed() < 5 * PATIENCE, "a server answers 503 again and again");
    }
}

#[tokio::test]
async fn what_the_axum_example_answers_and_writes() {
    for (name, text) in surface("axum").await {
        assert_frozen(name, &text);
    }
}

#[tokio::test]
async fn what_the_hyper_example_answers_and_writes() {
    for (name, text) in surface("hyper").await {
        assert_frozen(name, &text);
    }
}

#[test]
fn the_rights_that_redis_has_to_grant() {
    assert_frozen("acl", &format!("{ACL_RULE}\n"));
}
