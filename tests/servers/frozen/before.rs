//! Instances of the frozen and of the current version on one Redis, as in a rolling deployment.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::frozen::http::refresh_cookie;
use crate::support::client::{Reply, get, post, send};
use crate::support::redis::RedisServer;
use crate::support::server::{CREDENTIALS, SECRET, Server, build, login, patiently};

/// The commit whose surface is frozen.
const BEFORE: &str = include_str!("before.commit");

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Builds the axum example of that commit. Returns `None` if the Git history does not contain it.
fn before() -> Option<PathBuf> {
    let source = Path::new(ROOT).join("target/before");
    let archive = source.with_extension("tar");
    let mut git = Command::new("git");
    git.args(["-C", ROOT, "archive", "--output"]).arg(&archive).arg(BEFORE.trim());
    fs::create_dir_all(&source).unwrap();
    if !git.status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut unpack = Command::new("tar");
    unpack.arg("-xf").arg(&archive).arg("-C").arg(&source);
    assert!(unpack.status().unwrap().success());
    // The build uses the target directory of this test, so that it can reuse the compiled
    // dependencies. The binary has another name and the package another version. Otherwise cargo
    // would store both under the names of the current binary and package, and later builds would
    // use them.
    let manifest = source.join("Cargo.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    for (name, other) in [
        ("\nversion = \"0.1.0\"\n", "\nversion = \"0.1.0-before\"\n"),
        ("name = \"axum\"\npath", "name = \"before\"\npath"),
    ] {
        assert!(text.contains(name), "{name:?} is not in the manifest of that commit");
        text = text.replacen(name, other, 1);
    }
    // The folder is inside of this workspace, and the package is not a member of it.
    text.push_str("\n[workspace]\n");
    fs::write(&manifest, text).unwrap();
    Some(build("before", &manifest))
}

struct Pair {
    before: SocketAddr,
    now: SocketAddr,
}

impl Pair {
    fn both(&self) -> [SocketAddr; 2] {
        [self.before, self.now]
    }
}

async fn data(server: SocketAddr, token: &str) -> Reply {
    patiently(async || get(server, "/api/data", Some(token)).await).await
}

async fn act(server: SocketAddr, path: &str, token: &str) {
    let reply = patiently(async || post(server, path, Some(token), "").await).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// Asserts that both instances reject the token with this revocation reason.
async fn assert_revoked(pair: &Pair, token: &str, reason: &str) {
    for server in pair.both() {
        let reply = data(server, token).await;
        let seen = (reply.status, reply.code(), reply.body["reason"].as_str());
        assert_eq!(seen, (401, "session_revoked", Some(reason)), "{reply:?}");
    }
}

/// Returns the ids of the user's sessions, as this server lists them.
async fn sessions(server: SocketAddr, token: &str) -> Vec<Value> {
    let list = patiently(async || get(server, "/auth/sessions", Some(token)).await).await;
    let list = list.body["sessions"].as_array().unwrap().clone();
    list.into_iter().map(|session| session["session_id"].clone()).collect()
}

async fn refreshed(server: SocketAddr, cookie: &str) -> Reply {
    let fields = [("cookie".to_owned(), cookie.to_owned())];
    let reply = patiently(async || send(server, "POST", "/auth/refresh", &fields, b"").await).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// Checks that sessions that were opened at `first` can be used, listed, and revoked at `second`.
async fn check_shared_sessions(pair: &Pair, first: SocketAddr, second: SocketAddr) {
    let (kept, ended) = (login(first).await, login(first).await);
    for server in pair.both() {
        for token in [&kept, &ended] {
            assert_eq!(data(server, token).await.status, 200);
        }
    }
    let listed = sessions(first, &kept).await;
    assert!(listed.len() >= 2);
    assert_eq!(sessions(second, &kept).await, listed);
    act(second, "/auth/logout", &ended).await;
    assert_revoked(pair, &ended, "logout").await;
    act(second, "/api/session/refresh", &kept).await;
    act(second, "/auth/logout-all", &kept).await;
    assert_revoked(pair, &kept, "logout_all").await;
}

/// Rotates a refresh token at both instances in turn.
async fn check_shared_refresh_tokens(pair: &Pair) {
    let opened =
        patiently(async || post(pair.before, "/auth/login", None, CREDENTIALS).await).await;
    let mut cookie = refresh_cookie(&opened);
    for server in [pair.now, pair.before, pair.now] {
        let reply = refreshed(server, &cookie).await;
        cookie = refresh_cookie(&reply);
        let token = reply.body["access_token"].as_str().unwrap();
        for server in pair.both() {
            assert_eq!(data(server, token).await.status, 200);
        }
    }
}

/// Checks that both instances count failed logins together.
async fn check_shared_login_limit(pair: &Pair) {
    let wrong = r#"{"user_id":"nobody","password":"wrong"}"#;
    let mut replies = Vec::new();
    for server in [pair.before, pair.now, pair.before, pair.now] {
        replies.push(patiently(async || post(server, "/auth/login", None, wrong).await).await);
    }
    // The third login exceeds the limit. If a late answer caused a retry, an earlier login
    // already exceeds it.
    assert_eq!(replies[2].code(), "rate_limited", "{replies:?}");
    assert_eq!(replies[3].code(), "rate_limited", "{replies:?}");
}

#[tokio::test]
async fn frozen_and_current_version_share_sessions_in_one_redis() {
    let Some(binary) = before() else {
        // Writes to stderr directly, because the test harness hides the output of passing tests.
        let what = "not tested: instances of before, as their commit is not in this history\n";
        return std::io::stderr().write_all(what.as_bytes()).unwrap();
    };
    let redis = RedisServer::start().await;
    let env = [
        ("REDIS_URL", &*redis.url()),
        ("JWT_SECRET", SECRET),
        ("LOGIN_ATTEMPTS", "2"),
        ("LOGIN_WINDOW", "3600"),
    ];
    let ((_before, before), (_now, now)) =
        tokio::join!(Server::start_binary(&binary, &env), Server::start("axum", &env));
    let pair = Pair { before, now };
    check_shared_sessions(&pair, before, now).await;
    check_shared_sessions(&pair, now, before).await;
    check_shared_refresh_tokens(&pair).await;
    check_shared_login_limit(&pair).await;
}
