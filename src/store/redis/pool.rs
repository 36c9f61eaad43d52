//! Connections: a small pool of multiplexed ones, checked out for as long as it takes to clone a handle.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use bb8_redis::bb8;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, PushInfo, PushKind, RedisError,
    RedisResult, Value, cmd, pipe,
};
use tokio::sync::Notify;

use super::error::{fault, is_noscript, store_error};
use super::scripts::{Hashes, Script};
use super::server::ServerInfo;
use super::time::{ServerClock, micros_of};
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

/// The pool. Clones of one connection may outlive their check-out; the socket closes with the last.
pub(super) struct Pool {
    pool: bb8::Pool<Connector>,
    state: Arc<State>,
    size: u32,
}

impl Pool {
    /// A pool without a connection: the first one is made when it is needed.
    pub(super) fn new(
        info: ConnectionInfo,
        clock: Arc<ServerClock>,
        setting: PoolSetting,
    ) -> Result<Self, RedisError> {
        let state = Arc::new(State::default());
        let connector = Connector {
            client: Client::open(info)?,
            timeout: setting.timeout,
            clock,
            state: Arc::clone(&state),
        };
        let pool = bb8::Pool::builder()
            .max_size(setting.size)
            .connection_timeout(setting.timeout)
            // The next caller tries again; a loop in the background would pile up behind a dead server.
            .retry_connection(false)
            // Costs one atomic load: see `is_valid`.
            .test_on_check_out(true)
            // Both would start a background task here, and a store may be made outside of a runtime.
            .max_lifetime(None)
            .idle_timeout(None)
            .error_sink(Box::new(Sink(Arc::clone(&state))))
            .build_unchecked(connector);
        Ok(Self { pool, state, size: setting.size })
    }

    /// How many connections there are at most: a server that closes all of them leaves as many to be found dead.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// A handle on a connection that was not known to be dead a moment ago.
    pub(super) async fn link(&self) -> Result<Link, StoreError> {
        // The slot goes back with the end of this statement.
        Ok(self.get().await?.clone())
    }

    /// Such a connection for one caller alone, while it is kept. A wait on it that is cut short condemns it at once: the
    /// next one would have to wait behind.
    pub(super) async fn exclusive(&self) -> Result<Exclusive<'_>, StoreError> {
        let mut link = self.get().await?;
        link.timeout = Duration::ZERO;
        Ok(link)
    }

    async fn get(&self) -> Result<Exclusive<'_>, StoreError> {
        // The pool's waiters never hear of a connection that could not be made, not even of one that was refused at
        // once. Created before the pool is asked, so that no failure in between is missed.
        let mut failure = pin!(self.state.failure.notified());
        let mut get = pin!(self.pool.get());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(got) = get.as_mut().poll(cx) {
                return Poll::Ready(got.map_err(|_| self.state.reason()));
            }
            failure.as_mut().poll(cx).map(|()| Err(self.state.reason()))
        })
        .await
    }
}

/// A connection that nobody else is given meanwhile.
pub(super) type Exclusive<'a> = bb8::PooledConnection<'a, Connector>;

/// How many connections, and how long to wait for one.
#[derive(Clone, Copy)]
pub(super) struct PoolSetting {
    pub(super) size: u32,
    pub(super) timeout: Duration,
}

/// A handle on one connection.
#[derive(Clone)]
pub(super) struct Link {
    handle: MultiplexedConnection,
    dead: Arc<AtomicBool>,
    hashes: Arc<Hashes>,
    timeout: Duration,
}

impl Link {
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
        keys: &[String; 3],
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
        if condemns(error) {
            self.dead.store(true, Ordering::Relaxed);
        }
    }

    /// The command that runs a script here.
    pub(super) fn command(&self, script: Script, keys: &[String; 3], args: &[&[u8]]) -> Cmd {
        script.run(&self.hashes, keys, args)
    }
}

/// What can be sent as a whole, and sent again.
pub(super) trait Ask: Sync {
    type Answer: Send;

    fn send(&self, link: &mut Link) -> impl Future<Output = RedisResult<Self::Answer>> + Send;
}

impl Ask for Cmd {
    type Answer = Value;

    async fn send(&self, link: &mut Link) -> RedisResult<Value> {
        link.send(self).await
    }
}

impl Ask for Pipeline {
    type Answer = Vec<Value>;

    async fn send(&self, link: &mut Link) -> RedisResult<Vec<Value>> {
        link.send_all(self).await
    }
}

/// One wait for an answer. A wait that is given up late condemns the connection: when a host vanishes without a word,
/// nothing else would tell for a quarter of an hour. (Who gives up may also be the caller, by dropping the future.)
struct Wait {
    dead: Arc<AtomicBool>,
    since: Instant,
    late: Duration,
    over: bool,
}

impl Wait {
    fn new(link: &Link) -> Self {
        Self {
            dead: Arc::clone(&link.dead),
            since: Instant::now(),
            late: link.timeout / 2,
            over: false,
        }
    }

    fn is_over(&mut self, error: Option<&RedisError>) {
        self.over = true;
        if error.is_some_and(condemns) {
            self.dead.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.over && self.since.elapsed() >= self.late {
            self.dead.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether a connection with such an error is of no more use. After a failover behind one address, a demoted primary may
/// keep its connections.
fn condemns(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.code() == Some("READONLY")
}

/// Makes connections, and tells dead ones without asking them.
pub(super) struct Connector {
    client: Client,
    timeout: Duration,
    clock: Arc<ServerClock>,
    state: Arc<State>,
}

impl Connector {
    async fn open(&self) -> Result<Link, StoreError> {
        let mut made = self.make().await;
        if made.as_ref().is_err_and(RedisError::is_connection_dropped) {
            // Closed in the middle of its greeting: that says nothing about the server.
            made = self.make().await;
        }
        let (mut link, answers, sent) = made.map_err(|error| store_error(&error))?;
        link.hashes = Arc::new(self.greeted(answers, sent)?);
        Ok(link)
    }

    /// A connection with the answers to its greeting, and when that was sent: version, time and scripts in one round
    /// trip.
    async fn make(&self) -> RedisResult<(Link, Vec<Value>, Instant)> {
        let dead = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&dead);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            // The store limits each verb as a whole, and `Wait` sees who was late.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(512)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    flag.store(true, Ordering::Relaxed);
                }
                Ok::<_, SendError>(())
            });
        let handle = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut link = Link { handle, dead, hashes: Arc::default(), timeout: self.timeout };
        let mut greeting = pipe();
        greeting.add_command(cmd("HELLO")).add_command(cmd("TIME"));
        Script::load_all(&mut greeting);
        let sent = Instant::now();
        let answers = link.send_all(&greeting).await?;
        Ok((link, answers, sent))
    }

    /// Looks at the version, and takes in the time and the scripts' names.
    fn greeted(&self, answers: Vec<Value>, sent: Instant) -> Result<Hashes, StoreError> {
        let mut answers = answers
            .into_iter()
            .map(|answer| answer.extract_error().map_err(|error| store_error(&error)));
        let mut next = || answers.next().unwrap_or_else(|| Err(unexpected()));
        ServerInfo::from_hello(&next()?)?;
        self.clock.learn(micros_of(&next()?).ok_or_else(unexpected)?, sent);
        Script::ALL
            .iter()
            .map(|_| redis::from_redis_value(next()?).map_err(|_| unexpected()))
            .collect()
    }
}

impl bb8::ManageConnection for Connector {
    type Connection = Link;
    type Error = ConnectionError;

    async fn connect(&self) -> Result<Link, ConnectionError> {
        let link = tokio::time::timeout(self.timeout, self.open()).await;
        let link = link.unwrap_or_else(|_| {
            Err(fault(StoreErrorKind::Unavailable, "no connection was made in time"))
        });
        let link = link.map_err(ConnectionError::Failed)?;
        self.state.connected();
        Ok(link)
    }

    // No PING: it costs a round trip, and a connection that dies between it and the command is no better off.
    async fn is_valid(&self, link: &mut Link) -> Result<(), ConnectionError> {
        if self.has_broken(link) { Err(ConnectionError::Closed) } else { Ok(()) }
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.dead.load(Ordering::Relaxed)
    }
}

/// What the pool hears from its connections.
#[derive(Debug)]
pub(super) enum ConnectionError {
    /// One could not be made.
    Failed(StoreError),
    /// One was found closed at check-out; the pool makes another.
    Closed,
}

/// Whether connections can be made, and why not.
#[derive(Debug, Default)]
struct State {
    last: Mutex<Option<StoreError>>,
    failure: Notify,
}

impl State {
    fn failed(&self, error: &StoreError) {
        let first = self.swap(Some(error.clone())).is_none();
        if first {
            let cause = std::error::Error::source(error);
            trace::error!(
                "no connection to redis",
                kind = error.kind().as_str(),
                cause = cause.map(ToString::to_string).unwrap_or_default()
            );
        }
        self.failure.notify_waiters();
    }

    fn connected(&self) {
        if self.swap(None).is_some() {
            trace::info!("connected to redis again");
        }
    }

    fn swap(&self, new: Option<StoreError>) -> Option<StoreError> {
        std::mem::replace(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner), new)
    }

    /// Why there is no connection.
    fn reason(&self) -> StoreError {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.unwrap_or_else(|| fault(StoreErrorKind::Unavailable, "no connection was free in time"))
    }
}

#[derive(Debug)]
struct Sink(Arc<State>);

impl bb8::ErrorSink<ConnectionError> for Sink {
    fn sink(&self, error: ConnectionError) {
        if let ConnectionError::Failed(error) = error {
            self.0.failed(&error);
        }
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectionError>> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

/// An answer that no server of a supported version gives.
pub(super) fn unexpected() -> StoreError {
    fault(StoreErrorKind::Unsupported, "the server's answer has an unexpected form")
}
