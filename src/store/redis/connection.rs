//! One multiplexed connection, and what of its answers says that it is of no more use.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisError, RedisResult, Value, pipe};

use super::error::is_noscript;
use super::scripts::{Hashes, Script};
use crate::limit;

/// Moves when all connections that were made before are of no more use.
#[derive(Debug, Default)]
pub(super) struct Era(AtomicU64);

impl Era {
    pub(super) fn ends(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The era with this number ends, if it has not: bad news of an earlier one are no news.
    fn has_ended(&self, number: u64) {
        let next = number.wrapping_add(1);
        let _ = self.0.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether one connection is of use.
pub(super) struct Health {
    dead: AtomicBool,
    /// Which of the pool's it belongs to.
    era: u64,
    eras: Arc<Era>,
}

impl Health {
    /// Of a connection that is about to be made: whatever ends the era meanwhile ends this as well.
    pub(super) fn new(eras: &Arc<Era>) -> Self {
        Self { dead: AtomicBool::new(false), era: eras.number(), eras: Arc::clone(eras) }
    }

    fn is_of_use(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && self.era == self.eras.number()
    }

    pub(super) fn is_lost(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Takes note of an error in an answer.
    fn failed(&self, error: &RedisError) {
        if error.code() == Some("READONLY") {
            // After a failover behind one address: all connections of that time may lead to the demoted primary.
            self.eras.has_ended(self.era);
        } else if error.is_unrecoverable_error() {
            self.is_lost();
        }
    }
}

/// A handle on one connection.
#[derive(Clone)]
pub(super) struct Connection {
    handle: MultiplexedConnection,
    state: Arc<Health>,
    hashes: Arc<Hashes>,
    timeout: Duration,
}

impl Connection {
    pub(super) fn new(
        handle: MultiplexedConnection,
        state: Arc<Health>,
        timeout: Duration,
    ) -> Self {
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

    /// Sends one command. An answer that is an error is an `Err`.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut wait = Wait::new(self);
        let answer = self.handle.send_packed_command(command).await.and_then(Value::extract_error);
        wait.is_over(answer.as_ref().err());
        answer
    }

    /// Sends commands in one go. Answers that are errors stay [`Value::ServerError`] in their place.
    pub(super) async fn send_all(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut wait = Wait::new(self);
        let answers = self.handle.send_packed_commands(commands, 0, commands.len()).await;
        wait.is_over(answers.as_ref().err());
        answers
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
