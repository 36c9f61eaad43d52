//! A process of one of the examples, which a test starts, signals and reads the log of, as an
//! operator does.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::client::{Reply, get, post};
use super::ms;
use super::redis::RedisServer;
use super::wait::PATIENCE;

pub const SECRET: &str = "only-for-tests-9fQwZr7LkTnVx2BsHdYc";
pub const CREDENTIALS: &str = r#"{"user_id":"jeju","password":"password123"}"#;

/// Builds the example's binary once per test process. `cargo test` builds the tests of an example,
/// but not its binary.
fn binary(example: &'static str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<&str, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let manifest = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let build = || build(example, manifest);
    built.get_or_insert_default().entry(example).or_insert_with(build).clone()
}

/// Builds an example of the package with this manifest, and returns the path of the binary.
pub fn build(example: &str, manifest: &Path) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", example, "--manifest-path"]).arg(manifest);
    build.arg("--target-dir").arg(folder.parent().unwrap());
    // Use the profile of this test, so that cargo builds no dependency twice.
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            build.args(["--profile", profile]);
        }
    }
    assert!(build.status().unwrap().success(), "the example does not build");
    let path = folder.join("examples").join(example);
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

/// One process of an example. Killed on drop.
pub struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the example with only these environment variables and a few fixed ones, on a port
    /// that the system chooses.
    pub fn spawn(example: &'static str, env: &[(&str, &str)]) -> Self {
        Self::spawn_binary(&binary(example), env)
    }

    fn spawn_binary(binary: &Path, env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary)
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
        let read = |from: Box<dyn Read + Send>| {
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

    /// Starts the example and waits until it listens.
    pub async fn start(example: &'static str, env: &[(&str, &str)]) -> (Self, SocketAddr) {
        Self::start_binary(&binary(example), env).await
    }

    /// The same as [`start`](Self::start), with a binary that is already built.
    pub async fn start_binary(binary: &Path, env: &[(&str, &str)]) -> (Self, SocketAddr) {
        let mut server = Self::spawn_binary(binary, env);
        let log = server.until_logged("listening on http://").await;
        let address = log.split("listening on http://").nth(1).and_then(|rest| {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace())?;
            rest[..end].parse().ok()
        });
        (server, address.unwrap())
    }

    /// Starts one of several instances that share one Redis server.
    pub async fn instance(example: &'static str, redis: &RedisServer) -> (Self, SocketAddr) {
        Self::start(example, &[("REDIS_URL", &redis.url()), ("JWT_SECRET", SECRET)]).await
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log contains this text, and returns the log. Panics if the process ends
    /// first.
    pub async fn until_logged(&mut self, text: &str) -> String {
        let logged = self.logged(text).await;
        logged.unwrap_or_else(|| panic!("it has ended: {}", self.log()))
    }

    /// Waits until the log contains this text, and returns the log; `None` if the process ends
    /// first.
    pub async fn logged(&mut self, text: &str) -> Option<String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap();
            let log = self.log();
            if log.contains(text) {
                return Some(log);
            }
            if ended.is_some() {
                return None;
            }
            assert!(Instant::now() < give_up, "it does not say {text:?}: {log}");
            sleep(ms(10)).await;
        }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until the process has ended, and returns its status and its whole log.
    pub async fn ended(mut self) -> (ExitStatus, String) {
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

    /// Stops the process with SIGTERM, as a service manager does, and returns its log.
    pub async fn stop(self) -> String {
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

/// Repeats a request while the response is 503, as a client should. On a loaded machine Redis or a
/// password check may take longer than the server's timeout.
pub async fn patiently(ask: impl AsyncFn() -> Reply) -> Reply {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let reply = ask().await;
        if reply.status != 503 || Instant::now() > give_up {
            return reply;
        }
        sleep(ms(100)).await;
    }
}

/// Logs `jeju` in and returns the access token.
pub async fn login(server: SocketAddr) -> String {
    let reply = patiently(async || post(server, "/api/auth/login", None, CREDENTIALS).await).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["access_token"].as_str().unwrap().to_owned()
}

/// Repeats a request until the response has this status, and returns how long that took. Until then
/// every response must be 503, or 200 if the awaited status is 503.
pub async fn until(server: SocketAddr, path: &str, token: Option<&str>, status: u16) -> Duration {
    let start = Instant::now();
    let before = if status == 503 { 200 } else { 503 };
    loop {
        let reply = get(server, path, token).await;
        if reply.status == status {
            return start.elapsed();
        }
        assert_eq!(reply.status, before, "{reply:?}");
        assert!(start.elapsed() < PATIENCE, "{reply:?}");
        sleep(ms(10)).await;
    }
}

/// The machine was too slow: a response was 503 or incomplete, because Redis or a password check
/// took longer than the server's timeout. It is unknown whether the server did the work.
#[derive(Debug)]
pub struct Disturbed;

/// Runs a scenario with its own Redis server. Repeats it with a new server while it is disturbed.
pub async fn undisturbed<T>(scenario: impl AsyncFn(&RedisServer) -> Result<T, Disturbed>) -> T {
    let give_up = Instant::now() + 5 * PATIENCE;
    loop {
        let redis = RedisServer::start().await;
        if let Ok(done) = scenario(&redis).await {
            return done;
        }
        assert!(Instant::now() < give_up, "disturbed each time");
    }
}
