//! One multiplexed connection, and what of its answers says that it is of no more use.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join;
use redis::{Cmd, Pipeline, RedisError, RedisResult, Value, cmd, pipe};
use tokio::time::Instant;

use super::era::Era;
use super::error::{is_noscript, is_not_primary, is_readonly, not_primary};
use super::handle::Handle;
use super::scripts::{Hashes, Script};
use super::server::{Role, ServerInfo};
use crate::coherence::Tick;
use crate::limit;

/// For how long an answered question for the role of a server counts. `REPLICAOF` closes no connection, so a connection
/// in use asks again.
const ROLE_COUNTS: Duration = Duration::from_secs(1);

/// Whether one connection is of use.
pub(super) struct Health {
    dead: AtomicBool,
    /// Which of the pool's it belongs to.
    era: u64,
    eras: Arc<Era>,
    /// When the latest question was sent that the server did not answer as a replica, in nanoseconds.
    role_asked: AtomicU64,
    /// The version of the [proofs](super::proof) that this connection has passed; 0 for none.
    proved: AtomicU64,
}

impl Health {
    /// Of a connection that is about to be made: whatever ends the era meanwhile ends this as well.
    pub(super) fn new(eras: &Arc<Era>) -> Self {
        Self {
            dead: AtomicBool::new(false),
            era: eras.number(),
            eras: Arc::clone(eras),
            // The greeting asks.
            role_asked: AtomicU64::new(Tick::now().as_nanos()),
            proved: AtomicU64::new(0),
        }
    }

    fn is_of_use(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && self.era == self.eras.number()
    }

    pub(super) fn is_lost(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Takes note of an error in an answer.
    fn failed(&self, error: &RedisError) {
        if is_readonly(error) || is_not_primary(error) {
            // After a failover behind one address: all connections of that time may lead to the demoted primary.
            self.eras.has_ended(self.era);
        } else if error.is_unrecoverable_error() {
            self.is_lost();
        }
    }

    fn role_is_due(&self) -> bool {
        let asked = Tick::from_nanos(self.role_asked.load(Ordering::Relaxed));
        Tick::now() >= asked.after(ROLE_COUNTS)
    }

    /// Takes the answer to a question for the role, sent at `sent`. An answer that tells no role is no sign
    /// of a replica.
    fn learn_role(&self, hello: RedisResult<Value>, sent: Tick) -> RedisResult<()> {
        let hello = match hello.and_then(Value::extract_error) {
            Ok(hello) => ServerInfo::of_any_age(&hello).map_or(Role::Unknown, |it| it.role()),
            // Nothing was said, then: the other question will fail as well.
            Err(error) if error.is_unrecoverable_error() => return Ok(()),
            Err(_) => Role::Unknown,
        };
        match hello {
            Role::Replica => return Err(not_primary()),
            Role::Unknown => self.eras.role_is_unknown(),
            Role::Primary => {}
        }
        self.role_asked.fetch_max(sent.as_nanos(), Ordering::Relaxed);
        Ok(())
    }
}

/// A handle on one connection.
#[derive(Clone)]
pub(super) struct Connection {
    handle: Handle,
    state: Arc<Health>,
    hashes: Arc<Hashes>,
    timeout: Duration,
}

impl Connection {
    pub(super) fn new(handle: Handle, state: Arc<Health>, timeout: Duration) -> Self {
        Self { handle, state, hashes: Arc::default(), timeout }
    }

    pub(super) fn knows(&mut self, scripts: Hashes) {
        self.hashes = Arc::new(scripts);
    }

    /// Nobody else waits on it: a wait that is cut short condemns it at once.
    pub(super) fn is_exclusive(&mut self) {
        self.timeout = Duration::ZERO;
    }

    pub(super) fn is_of_use(&self) -> bool {
        self.state.is_of_use()
    }

    /// Whether it has passed this version of the [proofs](super::proof).
    pub(super) fn has_proved(&self, version: u64) -> bool {
        self.state.proved.load(Ordering::Relaxed) == version
    }

    pub(super) fn set_proved(&self, version: u64) {
        self.state.proved.store(version, Ordering::Relaxed);
    }

    /// Whether both are handles on one connection.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Sends one command. An answer that is an error is an `Err`, and so is any answer of a replica: each second of use
    /// the role of the server is asked with it.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut wait = Wait::new(self);
        let answer = if self.state.role_is_due() {
            // Boxed, for it is rare.
            let mut handle = self.handle.clone();
            let ask = async move { handle.send(command).await };
            Box::pin(self.ask_role_beside(ask)).await
        } else {
            self.handle.send(command).await
        };
        let answer = answer.and_then(Value::extract_error);
        wait.is_over(answer.as_ref().err());
        answer
    }

    /// Sends commands in one go. Answers that are errors stay [`Value::ServerError`] in their place. The role of the
    /// server is asked as in [`send`](Self::send).
    pub(super) async fn send_all(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut wait = Wait::new(self);
        let answers = if self.state.role_is_due() {
            let mut handle = self.handle.clone();
            let ask = async move { handle.send_all(commands).await };
            Box::pin(self.ask_role_beside(ask)).await
        } else {
            self.handle.send_all(commands).await
        };
        wait.is_over(answers.as_ref().err());
        answers
    }

    /// Sends a question for the role of the server, and right behind it `ask`. The answer counts only if the
    /// server does not say that it is a replica.
    async fn ask_role_beside<T>(
        &self,
        ask: impl Future<Output = RedisResult<T>>,
    ) -> RedisResult<T> {
        let sent = Tick::now();
        let mut handle = self.handle.clone();
        let hello = cmd("HELLO");
        let hello = handle.send(&hello);
        let (hello, answer) = join(hello, ask).await;
        self.state.learn_role(hello, sent)?;
        answer
    }

    /// Takes the greeting's answer to `HELLO`, sent at `sent`.
    pub(super) fn greeted(&self, hello: &Value, sent: Tick) -> RedisResult<()> {
        self.state.learn_role(Ok(hello.clone()), sent)
    }

    /// Runs a script, and loads it first when the server has forgotten it.
    pub(super) async fn run(
        &mut self,
        script: Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> RedisResult<Value> {
        let run = self.command(script, keys, args);
        match self.send(&run).await {
            // It was not run, so sending it again is no repetition.
            Err(error) if is_noscript(&error) => {
                let answers =
                    self.send_all(pipe().add_command(script.load()).add_command(run)).await?;
                answers.into_iter().next_back().unwrap_or_default().extract_error()
            }
            answer => answer,
        }
    }

    /// Takes note of an error in the answer to one of several commands.
    pub(super) fn failed(&self, error: &RedisError) {
        self.state.failed(error);
    }

    /// The command that runs a script here.
    pub(super) fn command(&self, script: Script, keys: &[String], args: &[&[u8]]) -> Cmd {
        script.run(&self.hashes, keys, args)
    }
}

/// What can be sent as a whole, and sent again.
pub(super) trait Ask: Sync {
    type Answer: Send;

    fn send(
        &self,
        connection: &mut Connection,
    ) -> impl Future<Output = RedisResult<Self::Answer>> + Send;
}

impl Ask for Cmd {
    type Answer = Value;

    async fn send(&self, connection: &mut Connection) -> RedisResult<Value> {
        connection.send(self).await
    }
}

impl Ask for Pipeline {
    type Answer = Vec<Value>;

    async fn send(&self, connection: &mut Connection) -> RedisResult<Vec<Value>> {
        connection.send_all(self).await
    }
}

/// One wait for an answer. A wait that is given up late condemns the connection: when a host vanishes without a word,
/// nothing else would tell for a quarter of an hour. (Who gives up may also be the caller, by dropping the future.)
struct Wait {
    connection: Arc<Health>,
    since: Instant,
    late: Duration,
    over: bool,
}

impl Wait {
    fn new(connection: &Connection) -> Self {
        Self {
            connection: Arc::clone(&connection.state),
            since: Instant::now(),
            // A caller of less patience than the store would otherwise never be late.
            late: (connection.timeout / 2).min(limit::left() / 4 * 3),
            over: false,
        }
    }

    fn is_over(&mut self, error: Option<&RedisError>) {
        self.over = true;
        if let Some(error) = error {
            self.connection.failed(error);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.over && self.since.elapsed() >= self.late {
            self.connection.is_lost();
        }
    }
}
