//! A real Redis server for one test, on a free port of the loopback interface.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::Value;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// How long a test waits for a server. It only guards against a hang: a start takes far less, even
/// on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `redis-server` without persistence. Killed on drop.
pub(crate) struct RedisServer {
    child: Option<Child>,
    port: Port,
    args: Vec<String>,
    dir: TempDir,
    password: Option<String>,
    /// Reservations of the other ports that appear in its arguments.
    _other_ports: Vec<Port>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with additional arguments, such as `["--requirepass", "secret"]`.
    /// [`FREE_PORT`] stands for a free port.
    pub(crate) async fn start_with(args: &[&str]) -> Self {
        let password =
            args.iter().position(|arg| *arg == "--requirepass").map(|at| args[at + 1].to_owned());
        for _ in 0..10 {
            let mut other_ports = Vec::new();
            let args = args.iter().map(|arg| given(arg, &mut other_ports)).collect();
            let mut server = Self {
                child: None,
                port: Port::reserve(),
                args,
                _other_ports: other_ports,
                dir: TempDir::new().unwrap(),
                password: password.clone(),
            };
            // Another program may have taken the port in the meantime.
            if server.spawn().await {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// Returns the directory of the server's files.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}/", self.port()),
            None => format!("redis://127.0.0.1:{}/", self.port()),
        }
    }

    /// Returns the value of an argument that the server was started with.
    pub(crate) fn arg(&self, name: &str) -> &str {
        let at = self.args.iter().position(|arg| arg == name).unwrap();
        &self.args[at + 1]
    }

    /// Suspends the process: it answers nothing until [`resume`](Self::resume).
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Kills the server at once.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Restarts the server on the same port, without data.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        assert!(self.spawn().await, "redis-server does not start again");
    }

    /// Opens a connection for the test itself.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        // A loaded machine sometimes takes longer than the default timeouts of the driver.
        let patience = Some(PATIENCE);
        let config = redis::AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(patience).set_response_timeout(patience);
        client.get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }

    /// Sends one command, as an operator would.
    pub(crate) async fn command(&self, words: &[&str]) -> Value {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection().await).await.unwrap()
    }

    /// Sends one command and returns the answer as text.
    pub(crate) async fn text(&self, words: &[&str]) -> Option<String> {
        redis::from_redis_value(self.command(words).await).unwrap()
    }

    /// Sends one command and returns the answer as a number.
    pub(crate) async fn number(&self, words: &[&str]) -> i64 {
        redis::from_redis_value(self.command(words).await).unwrap()
    }

    async fn spawn(&mut self) -> bool {
        let child = Command::new("redis-server")
            .args(["--port", &self.port().to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--dir"])
            .arg(self.dir.path())
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match child {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("redis-server is missing: run `make test`, which installs it")
            }
            child => child.unwrap(),
        };
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.answers().await {
                self.child = Some(child);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("redis-server does not answer within {PATIENCE:?}");
    }

    async fn answers(&self) -> bool {
        let client = redis::Client::open(self.url()).unwrap();
        let config = redis::AsyncConnectionConfig::new();
        let config =
            config.set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        let Ok(mut connection) = connected else { return false };
        redis::cmd("PING").exec_async(&mut connection).await.is_ok()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of the loopback interface that is reserved for one test's server until this value is
/// dropped, also while the server is stopped.
struct Port {
    number: u16,
    /// A UDP socket with the same port number, which Redis does not use. The system frees it when
    /// this process ends.
    _reservation: UdpSocket,
}

impl Port {
    /// Below the range of ports for outgoing connections, so that no outgoing connection blocks a
    /// server that restarts.
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;

    fn reserve() -> Self {
        // Concurrent processes start their search at different ports.
        let begin = std::process::id().wrapping_mul(997) as usize;
        let ports = (0..usize::from(Self::COUNT)).map(|at| (begin + at) % usize::from(Self::COUNT));
        for number in ports.map(|at| Self::FIRST + u16::try_from(at).unwrap()) {
            let Ok(reservation) = UdpSocket::bind(("127.0.0.1", number)) else { continue };
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self { number, _reservation: reservation };
            }
        }
        panic!("no port of the loopback interface is free");
    }
}

/// A placeholder in a server's arguments for another reserved port.
pub(crate) const FREE_PORT: &str = "<a free port>";

fn given(arg: &str, other_ports: &mut Vec<Port>) -> String {
    if arg != FREE_PORT {
        return arg.to_owned();
    }
    let port = Port::reserve();
    let number = port.number.to_string();
    other_ports.push(port);
    number
}

/// The minimal permissions of a `RedisStore`, as in `docs/redis.md`: keys with its prefix, the commands
/// that it sends, and the commands of its scripts. `wait_replicas` also needs `+wait`. With `+info`
/// the diagnosis can also read the eviction policy.
pub(crate) const ACL_RULE: &str = "resetkeys resetchannels -@all ~session:* \
    +time +hget +scan +evalsha +script|load +client|tracking +get +set \
    +hset +hdel +hmget +del +hgetall +hkeys +hvals +hlen +hexists +pttl +pexpireat";
