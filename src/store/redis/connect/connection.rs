//! One multiplexed connection, and the rules that decide whether it can still be used.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join;
use redis::{Cmd, Pipeline, RedisError, RedisResult, Value, cmd, pipe};
use tokio::time::Instant;

use super::handle::Handle;
use super::server::{Role, ServerInfo};
use crate::coherence::Tick;
use crate::store::redis::era::Era;
use crate::store::redis::error::{is_noscript, is_not_primary, is_readonly, not_primary};
use crate::store::redis::scripts::{Hashes, Script};
use crate::timer_elision;

/// How long an answer about the server's role counts. `REPLICAOF` closes no connection. So after
/// this time, the next command on a connection asks the server for its role again.
const ROLE_COUNTS: Duration = Duration::from_secs(1);

/// The state that decides whether one connection can still be used.
pub(crate) struct Health {
    dead: AtomicBool,
    /// Number of the [era](Era) in which the connection was made.
    era: u64,
    eras: Arc<Era>,
    /// The time, in nanoseconds, at which the latest successful role question was sent. A question
    /// is not successful if the server is a replica, or if the connection fails before the answer
    /// arrives.
    role_asked: AtomicU64,
    /// The version of the [same-server checks](super::same_server) that this connection passed; 0
    /// for none.
    proved: AtomicU64,
}

impl Health {
    /// Creates the state of a connection that is about to be made. If the current era ends before
    /// the connection is ready, the connection is not used.
    pub(crate) fn new(eras: &Arc<Era>) -> Self {
        Self {
            dead: AtomicBool::new(false),
            era: eras.number(),
            eras: Arc::clone(eras),
            // The greeting of a connection asks for the role.
            role_asked: AtomicU64::new(Tick::now().as_nanos()),
            proved: AtomicU64::new(0),
        }
    }

    fn is_of_use(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && self.era == self.eras.number()
    }

    /// Marks the connection as lost: it is not used again.
    pub(crate) fn mark_lost(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Evaluates an error in an answer. If the error shows that the server is a replica, this
    /// method ends the era. If the error is unrecoverable, this method marks this connection as
    /// lost.
    fn failed(&self, error: &RedisError) {
        if is_readonly(error) || is_not_primary(error) {
            // After a failover behind one address, all connections of this era may lead to the
            // demoted primary.
            self.eras.end_if_current(self.era);
        } else if error.is_unrecoverable_error() {
            self.mark_lost();
        }
    }

    fn role_is_due(&self) -> bool {
        let asked = Tick::from_nanos(self.role_asked.load(Ordering::Relaxed));
        Tick::now() >= asked.after(ROLE_COUNTS)
    }

    /// Evaluates the answer to a `HELLO` that asked for the server's role. The `HELLO` was sent at
    /// `sent`. If the server is a replica, the result is an error. If the answer contains no role,
    /// the server does not count as a replica, and the store logs a warning once.
    fn learn_role(&self, hello: RedisResult<Value>, sent: Tick) -> RedisResult<()> {
        let hello = match hello.and_then(Value::extract_error) {
            Ok(hello) => ServerInfo::of_any_age(&hello).map_or(Role::Unknown, |it| it.role()),
            // The connection failed before the answer arrived. The command that was sent together
            // with the role question fails as well.
            Err(error) if error.is_unrecoverable_error() => return Ok(()),
            Err(_) => Role::Unknown,
        };
        match hello {
            Role::Replica => return Err(not_primary()),
            Role::Unknown => self.eras.warn_of_unknown_role(),
            Role::Primary => {}
        }
        self.role_asked.fetch_max(sent.as_nanos(), Ordering::Relaxed);
        Ok(())
    }
}

/// A handle on one connection. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Connection {
    handle: Handle,
    state: Arc<Health>,
    hashes: Arc<Hashes>,
    timeout: Duration,
}

impl Connection {
    pub(crate) fn new(handle: Handle, state: Arc<Health>, timeout: Duration) -> Self {
        Self { handle, state, hashes: Arc::default(), timeout }
    }

    /// Sets the hashes by which the server knows the scripts.
    pub(crate) fn set_scripts(&mut self, scripts: Hashes) {
        self.hashes = Arc::new(scripts);
    }

    /// Marks the connection as used by only one caller. From then on, if the caller gives up a wait
    /// for an answer, the connection is marked as lost, however short the wait was.
    pub(crate) fn make_exclusive(&mut self) {
        self.timeout = Duration::ZERO;
    }

    pub(crate) fn is_of_use(&self) -> bool {
        self.state.is_of_use()
    }

    /// Whether the connection passed this version of the [same-server checks](super::same_server).
    pub(crate) fn has_proved(&self, version: u64) -> bool {
        self.state.proved.load(Ordering::Relaxed) == version
    }

    pub(crate) fn set_proved(&self, version: u64) {
        self.state.proved.store(version, Ordering::Relaxed);
    }

    /// Whether `self` and `other` are handles on the same connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Sends one command. Returns an error answer as `Err`. If the latest role question is at least
    /// a second old, this method also asks the server for its role. If the server then reports that
    /// it is a replica, the result is `Err`, even if the command itself succeeded.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut wait = Wait::new(self);
        let answer = if self.state.role_is_due() {
            // Boxed because it is rare.
            let mut handle = self.handle.clone();
            let ask = async move { handle.send(command).await };
            Box::pin(self.ask_role_beside(ask)).await
        } else {
            self.handle.send(command).await
        };
        let answer = answer.and_then(Value::extract_error);
        wait.finish(answer.as_ref().err());
        answer
    }

    /// Sends commands in one pipeline. An answer that is an error stays in its place as
    /// [`Value::ServerError`]. If the latest role question is at least a second old, this method
    /// also asks the server for its role, as [`send`](Self::send) does.
    pub(crate) async fn send_all(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut wait = Wait::new(self);
        let answers = if self.state.role_is_due() {
            let mut handle = self.handle.clone();
            let ask = async move { handle.send_all(commands).await };
            Box::pin(self.ask_role_beside(ask)).await
        } else {
            self.handle.send_all(commands).await
        };
        wait.finish(answers.as_ref().err());
        answers
    }

    /// Sends a role question and, directly after it, the commands of `ask`. If the server reports
    /// that it is a replica, the result is an error. Otherwise, the result is the answer to `ask`.
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

    /// Evaluates the answer to the `HELLO` of the greeting. The greeting was sent at `sent`.
    pub(crate) fn greeted(&self, hello: &Value, sent: Tick) -> RedisResult<()> {
        self.state.learn_role(Ok(hello.clone()), sent)
    }

    /// Runs a script. Loads it first if the server does not know it.
    pub(crate) async fn run(
        &mut self,
        script: Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> RedisResult<Value> {
        let run = self.command(script, keys, args);
        match self.send(&run).await {
            // The script did not run, so it is safe to send it again.
            Err(error) if is_noscript(&error) => {
                let answers =
                    self.send_all(pipe().add_command(script.load()).add_command(run)).await?;
                answers.into_iter().next_back().unwrap_or_default().extract_error()
            }
            answer => answer,
        }
    }

    /// Records an error in the answer to one of several commands.
    pub(crate) fn failed(&self, error: &RedisError) {
        self.state.failed(error);
    }

    /// Returns the command that runs a script on the server of this connection.
    pub(crate) fn command(&self, script: Script, keys: &[String], args: &[&[u8]]) -> Cmd {
        script.run(&self.hashes, keys, args)
    }
}

/// Commands that are sent together, and that the store is allowed to send again.
pub(crate) trait Ask: Sync {
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

/// One wait for an answer. The caller gives up the wait when it drops the future, for example at a
/// timeout. If the wait has lasted for at least `late` by then, the connection is marked as lost.
/// The reason: a host can disappear without closing the connection, and TCP may report this only
/// after about a quarter of an hour.
struct Wait {
    connection: Arc<Health>,
    since: Instant,
    /// If the wait is given up after this time or later, the connection is marked as lost.
    late: Duration,
    over: bool,
}

impl Wait {
    fn new(connection: &Connection) -> Self {
        Self {
            connection: Arc::clone(&connection.state),
            since: Instant::now(),
            // `late` is the shorter of two limits: half of the store's timeout, and three quarters
            // of the time that the caller has left. The second limit is for a caller that has less
            // time left than half of the store's timeout. With the first limit alone, no wait of
            // that caller would be late.
            late: (connection.timeout / 2).min(timer_elision::remaining() / 4 * 3),
            over: false,
        }
    }

    fn finish(&mut self, error: Option<&RedisError>) {
        self.over = true;
        if let Some(error) = error {
            self.connection.failed(error);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.over && self.since.elapsed() >= self.late {
            self.connection.mark_lost();
        }
    }
}
