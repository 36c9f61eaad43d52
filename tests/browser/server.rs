//! The axum example as a process, and what other clients do with it meanwhile.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::wire::{self, Reply};

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

/// A running example; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it with nothing in its environment but this, on a port that the system chooses.
    pub(crate) fn start(env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .env_clear()
            .env("BIND_ADDR", "127.0.0.1:0")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (found, address) = mpsc::channel();
        // Reads on to the end, so that the server never waits for its log to be read.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("listening on http://") {
                    let end = rest.find(|c: char| c == ',' || c.is_whitespace());
                    let address = end.and_then(|end| rest[..end].parse::<SocketAddr>().ok());
                    found.send(address).unwrap_or_default();
                }
            }
        });
        match address.recv_timeout(PATIENCE) {
            Ok(Some(address)) => Self { child, address },
            other => {
                child.kill().unwrap();
                panic!("the example does not listen: {other:?}, {:?}", child.wait());
            }
        }
    }

    /// Logs in as somebody on another device; answers with the access token.
    pub(crate) fn login(&self, user: &str, password: &str, agent: &str) -> String {
        let credentials = json!({"user_id": user, "password": password}).to_string();
        let agent = [("user-agent", agent)];
        let reply = wire::send(self.address, "POST", "/api/auth/login", &agent, &credentials);
        let reply = reply.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with this access token.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        wire::send(self.address, method, path, &[("authorization", &bearer)], "").unwrap()
    }

    /// The same, for what must succeed.
    pub(crate) fn must(&self, method: &str, path: &str, token: &str) -> Value {
        let reply = self.ask(method, path, token);
        assert_eq!(reply.status, 200, "{method} {path}: {reply:?}");
        reply.body
    }

    /// That this token's session was ended, and why.
    pub(crate) fn assert_ended(&self, token: &str, reason: &str) {
        let reply = self.ask("GET", "/api/data", token);
        assert_eq!((reply.status, &reply.body["code"]), (401, &json!("session_revoked")));
        assert_eq!(reply.body["reason"], reason, "{reply:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
