//! Connections: a small pool of multiplexed ones, checked out for as long as it takes to clone a handle.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bb8_redis::bb8;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value, cmd, pipe};

use super::connection::{Connection, Health};
use super::endpoint::{ConnectError, Endpoint, Target};
use super::era::Era;
use super::error::{fault, store_error};
use super::pool_state::{ConnectionError, NO_CREDENTIALS, Sink, State};
use super::scripts::{Hashes, Script};
use super::server::ServerInfo;
use super::time::{ServerClock, micros_of};
use crate::coherence::Tick;
use crate::store::{StoreError, StoreErrorKind};

/// The pool. Clones of one connection may outlive their check-out; the socket closes with the last.
pub(super) struct Pool {
    pool: bb8::Pool<Connector>,
    connector: Connector,
    state: Arc<State>,
    size: u32,
    is_reference: bool,
    /// What was handed out last. Whoever comes next has the same, without asking the pool, while it is of use.
    last: ArcSwapOption<Connection>,
}

impl Pool {
    /// A pool without a connection: the first one is made when it is needed.
    pub(super) fn new(
        endpoint: Arc<Endpoint>,
        clock: Arc<ServerClock>,
        eras: Arc<Era>,
        setting: PoolSetting,
    ) -> Self {
        let state = Arc::new(State::new(Arc::clone(&endpoint), eras));
        let connector =
            Connector { endpoint, timeout: setting.timeout, clock, state: Arc::clone(&state) };
        let pool = bb8::Pool::builder()
            .max_size(setting.size)
            .connection_timeout(setting.timeout)
            // The next caller tries again; a loop in the background would pile up behind a dead server.
            .retry_connection(false)
            // The same connection again, while it is there: requests at the same time go in one write.
            .queue_strategy(bb8::QueueStrategy::Lifo)
            // Costs one atomic load: see `is_valid`.
            .test_on_check_out(true)
            // Both would start a background task here, and a store may be made outside of a runtime.
            .max_lifetime(None)
            .idle_timeout(None)
            .error_sink(Box::new(Sink(Arc::clone(&state))))
            .build_unchecked(connector.clone());
        Self {
            pool,
            connector,
            state,
            size: setting.size,
            is_reference: setting.is_reference,
            last: ArcSwapOption::empty(),
        }
    }

    /// How many connections there are at most: a server that closes all of them leaves as many to be found dead.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Moves when a connection was lost, one was made, or all were given up: what was known about where they
    /// lead is to be looked at again.
    pub(super) fn changes(&self) -> u64 {
        self.state.changes.load(Ordering::Relaxed).wrapping_add(self.state.eras.number())
    }

    /// A handle on a connection that was not known to be dead a moment ago.
    pub(super) async fn connection(&self) -> Result<Connection, StoreError> {
        if let Some(last) = self.last() {
            return Ok(last);
        }
        // The slot goes back with the end of this statement. Boxed, for it is rare.
        let connection = Arc::new(Box::pin(self.proved()).await?.clone());
        if self.is_reference {
            self.state.eras.proofs().set_reference(&connection);
        }
        self.last.store(Some(Arc::clone(&connection)));
        Ok(Arc::unwrap_or_clone(connection))
    }

    /// The error of an operation that ran out of time.
    pub(super) fn late(&self) -> StoreError {
        let what = if self.last().is_none() && self.state.endpoint.is_waiting_for_credentials() {
            NO_CREDENTIALS
        } else {
            "no answer in time"
        };
        fault(StoreErrorKind::Unavailable, what)
    }

    fn last(&self) -> Option<Connection> {
        let last = self.last.load();
        let version = self.state.eras.proofs().version();
        last.as_deref().filter(|last| last.is_of_use() && last.has_proved(version)).cloned()
    }

    /// Such a connection for one caller alone, while it is kept. A wait on it that is cut short condemns it at
    /// once: the next one would have to wait behind.
    pub(super) async fn exclusive(&self) -> Result<Exclusive<'_>, StoreError> {
        let mut connection = self.proved().await?;
        connection.is_exclusive();
        Ok(connection)
    }

    /// A connection of the pool that leads where the others do, as far as that can be seen.
    async fn proved(&self) -> Result<Exclusive<'_>, StoreError> {
        let eras = &self.state.eras;
        // Those of before an era's end are of no more use, and one of a new era may be the first of it.
        let mut tries = self.size.saturating_add(1);
        loop {
            let mut connection = self.get().await?;
            if !connection.has_proved(eras.proofs().version()) {
                eras.compare(&mut connection).await;
            }
            if tries == 0 || connection.is_of_use() {
                return Ok(connection);
            }
            tries -= 1;
        }
    }

    /// A connection outside of the pool, made now in the same way and within `limit`, and when it was begun. It can run
    /// no script but the probe.
    pub(super) async fn fresh(&self, limit: Duration) -> Result<(Connection, Tick), StoreError> {
        let target = self.connector.endpoint.target().await?;
        let begun = Tick::now();
        let made = tokio::time::timeout(limit, self.connector.fresh(&target)).await;
        let late = |_| fault(StoreErrorKind::Unavailable, "no connection was made in time");
        Ok((made.map_err(late)??, begun))
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
    /// Whether requests are sent on it: what other connections are compared with.
    pub(super) is_reference: bool,
}

impl Drop for Pool {
    fn drop(&mut self) {
        // It holds what all connections share, which holds it.
        if self.is_reference {
            self.state.eras.proofs().drop_reference();
        }
    }
}

/// Makes connections, and tells dead ones without asking them.
#[derive(Clone)]
pub(super) struct Connector {
    endpoint: Arc<Endpoint>,
    timeout: Duration,
    clock: Arc<ServerClock>,
    state: Arc<State>,
}

impl Connector {
    async fn open(&self, target: &Target) -> Result<Connection, StoreError> {
        let mut made = self.make(target).await;
        if made.as_ref().is_err_and(ConnectError::is_connection_dropped) {
            // Closed in the middle of its greeting: that says nothing about the server.
            made = self.make(target).await;
        }
        let (mut connection, answers, sent) = made?;
        let scripts = self.greeted(&connection, answers, sent)?;
        connection.knows(scripts);
        Ok(connection)
    }

    /// A connection with the answers to its greeting, and when that was sent: version, time and scripts in one round
    /// trip.
    async fn make(&self, target: &Target) -> Result<(Connection, Vec<Value>, Tick), ConnectError> {
        let changed = Arc::clone(&self.state.changes);
        let closed = move || {
            changed.fetch_add(1, Ordering::Relaxed);
        };
        let mut connection = self.connect_with(target, closed).await?;
        let mut greeting = pipe();
        greeting.add_command(cmd("HELLO")).add_command(cmd("TIME"));
        Script::load_all(&mut greeting);
        let sent = Tick::now();
        let answers = connection.send_all(&greeting).await?;
        Ok((connection, answers, sent))
    }

    /// A connection that has said nothing but who it is. `closed` is called when the other side closes it.
    async fn connect_with(
        &self,
        target: &Target,
        closed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Connection, ConnectError> {
        let state = Arc::new(Health::new(&self.state.eras));
        let told = Arc::clone(&state);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            // The store limits each verb as a whole, and `Wait` sees who was late.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(512);
        let hear = move |push: &PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.is_lost();
                closed();
            }
        };
        let handle = target.connect(config, hear).await?;
        Ok(Connection::new(handle, state, self.timeout))
    }

    /// A connection that has asked for the role of its server, and that can run no script but the probe.
    async fn fresh(&self, target: &Target) -> Result<Connection, ConnectError> {
        let mut connection = self.connect_with(target, || {}).await?;
        let mut greeting = pipe();
        greeting.add_command(cmd("HELLO")).add_command(Script::Probe.load());
        let sent = Tick::now();
        let answers = connection.send_all(&greeting).await?;
        let [hello, hash] = <[Value; 2]>::try_from(answers).map_err(|_| unexpected())?;
        connection.greeted(&hello.extract_error()?, sent)?;
        let hash: String =
            redis::from_redis_value(hash.extract_error()?).map_err(|_| unexpected())?;
        connection.knows(Script::Probe.alone(&hash));
        Ok(connection)
    }

    /// Looks at version and role, and takes in the time and the scripts' names.
    fn greeted(
        &self,
        connection: &Connection,
        answers: Vec<Value>,
        sent: Tick,
    ) -> Result<Hashes, StoreError> {
        let mut answers = answers
            .into_iter()
            .map(|answer| answer.extract_error().map_err(|error| store_error(&error)));
        let mut next = || answers.next().unwrap_or_else(|| Err(unexpected()));
        let hello = next()?;
        ServerInfo::from_hello(&hello)?;
        connection.greeted(&hello, sent).map_err(|error| store_error(&error))?;
        self.clock.learn(micros_of(&next()?).ok_or_else(unexpected)?, sent);
        Script::ALL
            .iter()
            .map(|_| redis::from_redis_value(next()?).map_err(|_| unexpected()))
            .collect()
    }
}

impl bb8::ManageConnection for Connector {
    type Connection = Connection;
    type Error = ConnectionError;

    async fn connect(&self) -> Result<Connection, ConnectionError> {
        let target = self.endpoint.target().await.map_err(ConnectionError::Failed)?;
        let connection = tokio::time::timeout(self.timeout, self.open(&target)).await;
        let connection = connection.unwrap_or_else(|_| {
            Err(fault(StoreErrorKind::Unavailable, "no connection was made in time"))
        });
        let connection = connection.map_err(ConnectionError::Failed)?;
        self.state.changes.fetch_add(1, Ordering::Relaxed);
        self.state.connected();
        Ok(connection)
    }

    // No PING: it costs a round trip, and a connection that dies between it and the command is no better off.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), ConnectionError> {
        if self.has_broken(connection) { Err(ConnectionError::Closed) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_of_use()
    }
}

/// An answer that no server of a supported version gives.
pub(super) fn unexpected() -> StoreError {
    fault(StoreErrorKind::Unsupported, "the server's answer has an unexpected form")
}
