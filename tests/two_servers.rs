//! Two processes of the axum example over one Redis: what an operator sees.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::support::client::{Reply, get, post};
use crate::support::ms;
use crate::support::redis::RedisServer;

const SECRET: &str = "only-for-tests-9fQwZr7LkTnVx2BsHdYc";
const CREDENTIALS: &str = r#"{"user_id":"jeju","password":"password123"}"#;
/// When to stop waiting for what should take a tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The example's binary, as of now: `cargo test` builds the tests of an example that has some, not its binary.
fn binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "axum", "--manifest-path"]);
        build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        build.arg("--target-dir").arg(folder.parent().unwrap());
        // As this test was built, so that nothing below is built twice.
        match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => {}
            Some(profile) => {
                build.args(["--profile", profile]);
            }
        }
        if cfg!(feature = "rust-crypto") {
            build.arg("--all-features");
        }
        assert!(build.status().unwrap().success(), "the example does not build");
        let path = folder.join("examples").join("axum");
        assert!(path.is_file(), "{} is missing", path.display());
        path
    })
}

/// One process of the example; killed when dropped.
struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts it with nothing in its environment but this, on a port that the system chooses.
    fn spawn(env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .env_clear()
            .env("BIND_ADDR", "127.0.0.1:0")
            .env("NO_COLOR", "1")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let read = |from: Box<dyn std::io::Read + Send>| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            })
        };
        let readers = vec![
            read(Box::new(child.stdout.take().unwrap())),
            read(Box::new(child.stderr.take().unwrap())),
        ];
        Self { child, log, readers }
    }

    /// Starts it and waits until it listens.
    async fn start(env: &[(&str, &str)]) -> (Self, SocketAddr) {
        let mut server = Self::spawn(env);
        let give_up = Instant::now() + PATIENCE;
        loop {
            let log = server.log();
            let address = log.split("listening on http://").nth(1).and_then(|rest| {
                let end = rest.find(|c: char| c == ',' || c.is_whitespace())?;
                rest[..end].parse().ok()
            });
            if let Some(address) = address {
                return (server, address);
            }
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < give_up, "{ended:?}: {log}");
            sleep(ms(10)).await;
        }
    }

    /// One of several instances over one Redis.
    async fn instance(redis: &RedisServer) -> (Self, SocketAddr) {
        Self::start(&[("REDIS_URL", &redis.url()), ("JWT_SECRET", SECRET)]).await
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until it has ended, and returns how, and all of its log.
    async fn ended(mut self) -> (ExitStatus, String) {
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < give_up, "it does not end: {}", self.log());
            sleep(ms(10)).await;
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status, self.log())
    }

    /// Ends it as a service manager does.
    async fn stop(self) -> String {
        self.signal("-TERM");
        let (status, log) = self.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

async fn login(server: SocketAddr) -> String {
    let reply = post(server, "/api/auth/login", None, CREDENTIALS).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["access_token"].as_str().unwrap().to_owned()
}

async fn data(server: SocketAddr, token: &str) -> Reply {
    get(server, "/api/data", Some(token)).await
}

async fn logout(server: SocketAddr, token: &str) -> Reply {
    post(server, "/api/auth/logout", Some(token), "").await
}

/// Asks until this is the status, while only 503 is taken for an answer.
async fn until(server: SocketAddr, path: &str, token: Option<&str>, status: u16) -> Duration {
    let start = Instant::now();
    loop {
        let reply = get(server, path, token).await;
        if reply.status == status {
            return start.elapsed();
        }
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(start.elapsed() < PATIENCE, "{reply:?}");
        sleep(ms(10)).await;
    }
}

#[tokio::test]
async fn a_logout_on_one_server_holds_on_the_other() {
    let redis = RedisServer::start().await;
    let ((_a, at_a), (_b, at_b)) = tokio::join!(Server::instance(&redis), Server::instance(&redis));
    let (token, other) = (login(at_a).await, login(at_b).await);
    for server in [at_a, at_b] {
        let reply = data(server, &token).await;
        assert_eq!((reply.status, &reply.body["user_id"]), (200, &"jeju".into()), "{reply:?}");
    }
    assert_eq!(logout(at_b, &token).await.status, 200);
    for server in [at_a, at_b] {
        let reply = data(server, &token).await;
        assert_eq!((reply.status, reply.code()), (401, "session_revoked"), "{reply:?}");
        assert_eq!(reply.body["reason"], "logout");
        assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(data(server, &other).await.status, 200, "the user's other session lives");
    }
    assert_eq!(logout(at_a, &token).await.status, 200, "idempotent");
}

#[tokio::test]
async fn a_restart_of_a_server_loses_no_session() {
    let redis = RedisServer::start().await;
    let ((a, at_a), (b, at_b)) = tokio::join!(Server::instance(&redis), Server::instance(&redis));
    let token = login(at_a).await;
    let log = a.stop().await;
    assert!(log.contains("shutting down") && log.contains("lost=0"), "{log}");
    assert_eq!(data(at_b, &token).await.status, 200, "while the other one is away");
    let (a, at_a) = Server::instance(&redis).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    assert_eq!(logout(at_a, &token).await.status, 200);
    assert_eq!(data(at_b, &token).await.code(), "session_revoked");
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn two_servers_with_different_secrets_accept_none_of_each_others_tokens() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    // Without a secret it makes a random one.
    let env = [("REDIS_URL", &*url)];
    let ((_a, at_a), (_b, at_b)) = tokio::join!(Server::start(&env), Server::instance(&redis));
    let token = login(at_a).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    let reply = data(at_b, &token).await;
    assert_eq!((reply.status, reply.code()), (401, "invalid_token"));
}

#[tokio::test]
async fn an_address_that_cannot_work_stops_the_start_and_is_not_shown() {
    let cases = [
        ("http://:hunter2@127.0.0.1:6379", "redis://"),
        ("redis+sentinel://:hunter2@127.0.0.1:26379/mymaster", "Sentinel"),
        ("redis://:hunter2@127.0.0.1:6379,redis://:hunter2@127.0.0.1:6380", "cluster"),
        ("rediss://:hunter2@127.0.0.1:6379", "TLS"),
        ("redis://:hunter2@127.0.0.1:6379/database", "redis://"),
        (":hunter2@127.0.0.1", "redis://"),
    ];
    for (url, word) in cases {
        let server = Server::spawn(&[("REDIS_URL", url), ("JWT_SECRET", SECRET)]);
        let (status, log) = server.ended().await;
        assert_eq!(status.code(), Some(1), "{url}: {log}");
        assert!(log.contains("the server cannot start"), "{url}: {log}");
        assert!(log.to_lowercase().contains("redis"), "{url}: {log}");
        assert!(log.contains(word) && !log.contains("panicked"), "{url}: {log}");
        assert!(!log.contains("hunter2") && !log.contains("127.0.0.1"), "{url}: {log}");
        assert!(!log.contains("listening"), "{url}: {log}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start_by_name() {
    for (name, value) in [
        ("JWT_SECRET", "too-short-hunter2"),
        ("BIND_ADDR", "hunter2"),
        ("SESSION_TTL", "hunter2"),
        ("TRUSTED_PROXIES", "10.0.0.0/40"),
    ] {
        let (status, log) = Server::spawn(&[(name, value)]).ended().await;
        assert_eq!(status.code(), Some(1), "{name}: {log}");
        assert!(log.contains("the server cannot start") && log.contains(name), "{name}: {log}");
        assert!(!log.contains("hunter2") && !log.contains("panicked"), "{name}: {log}");
    }
}

#[tokio::test]
async fn without_redis_it_starts_and_says_so_until_redis_comes() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]).await;
    let (_a, at_a) = Server::instance(&redis).await;
    let token = login(at_a).await;
    redis.stop();
    let (b, at_b) = Server::instance(&redis).await;
    for server in [at_a, at_b] {
        let health = get(server, "/health", None).await;
        assert_eq!((health.status, &health.body["status"]), (503, &"degraded".into()));
        assert_eq!(health.body["store"]["connected"], false);
        assert!(!health.body.to_string().contains(&redis.port().to_string()), "no topology");
        let live = get(server, "/health/live", None).await;
        assert_eq!((live.status, &live.body["status"]), (200, &"alive".into()));
        let reply = data(server, &token).await;
        assert_eq!((reply.status, reply.code()), (503, "store_unavailable"), "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(reply.header("www-authenticate"), None);
        let reply = post(server, "/api/auth/login", None, CREDENTIALS).await;
        assert_eq!((reply.status, reply.code()), (503, "store_unavailable"), "{reply:?}");
        let reply = logout(server, &token).await;
        assert_eq!((reply.status, reply.code()), (503, "store_unavailable"), "{reply:?}");
        // What needs no store is answered as ever.
        assert_eq!(get(server, "/api/data", None).await.code(), "missing_token");
    }
    redis.restart().await;
    for server in [at_a, at_b] {
        let back = until(server, "/api/data", Some(&token), 200).await;
        println!("Redis came: 200 after {back:?}");
        until(server, "/health", None, 200).await;
    }
    let token = login(at_b).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    let log = b.stop().await;
    assert!(log.contains("Redis does not answer"), "{log}");
}

#[tokio::test]
async fn with_nothing_in_its_environment_it_keeps_sessions_itself() {
    // All but the port, which may be taken on this machine.
    let (server, address) = Server::start(&[]).await;
    let health = get(address, "/health", None).await;
    assert_eq!((health.status, &health.body["store"]["kind"]), (200, &"memory".into()));
    let token = login(address).await;
    assert_eq!(data(address, &token).await.status, 200);
    let reply = get(address, "/api/session/me", Some(&token)).await;
    assert_eq!((reply.status, &reply.body["ip_address"]), (200, &"127.0.0.1".into()), "{reply:?}");
    assert_eq!(logout(address, &token).await.status, 200);
    assert_eq!(data(address, &token).await.code(), "session_revoked");
    let log = server.stop().await;
    assert!(log.contains("JWT_SECRET is not set"), "{log}");
}

#[tokio::test]
async fn the_log_holds_no_token_and_no_secret() {
    let mut redis = RedisServer::start_with(&["--requirepass", "hunter2-of-redis"]).await;
    let url = redis.url();
    let env = [("REDIS_URL", &*url), ("JWT_SECRET", SECRET), ("RUST_LOG", "trace")];
    let (server, address) = Server::start(&env).await;
    let wrong = r#"{"user_id":"jeju","password":"hunter2-of-a-user"}"#;
    assert_eq!(post(address, "/api/auth/login", None, wrong).await.status, 401);
    let token = login(address).await;
    assert_eq!(data(address, &token).await.status, 200);
    let forged = format!("{}x", &token[..token.len() - 2]);
    assert_eq!(data(address, &forged).await.code(), "invalid_token");
    assert_eq!(get(address, &format!("/api/data?access_token={token}"), None).await.status, 401);
    let ended = login(address).await;
    assert_eq!(logout(address, &ended).await.status, 200);
    assert_eq!(data(address, &ended).await.code(), "session_revoked");
    redis.stop();
    assert_eq!(data(address, &token).await.status, 503);
    assert_eq!(logout(address, &token).await.status, 503);
    let log = server.stop().await;
    assert!(log.contains("answered"), "{log}");
    // The payload, and the beginning of the signature, which the forged one has too.
    let parts = [&token, &ended].map(|token| token.split_once('.').unwrap().1.split_once('.'));
    let parts = parts.into_iter().flatten().flat_map(|(payload, end)| [payload, &end[..20]]);
    for secret in parts.chain([SECRET, "hunter2-of-redis", "hunter2-of-a-user"]) {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}
