//! A small pool of multiplexed connections. A caller checks out a connection only to clone its
//! handle, and then returns it.

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
use super::pool_state::{ConnectionError, NO_CREDENTIALS, Sink, State};
use super::same_server::SameServerChecks;
use super::server::ServerInfo;
use super::{ConnectError, Endpoint, Target};
use crate::coherence::Tick;
use crate::store::redis::error::{fault, store_error, unexpected};
use crate::store::redis::scripts::{Hashes, Script};
use crate::store::redis::time::{ServerClock, micros_of};
use crate::store::{StoreError, StoreErrorKind};

/// The connection pool. A clone of a connection can outlive the check-out. The socket closes when
/// the last clone is dropped.
pub(crate) struct Pool {
    pool: bb8::Pool<Connector>,
    connector: Connector,
    state: Arc<State>,
    size: u32,
    is_reference: bool,
    /// The connection that was returned last. While it is usable, the next caller gets it again
    /// without asking bb8.
    last: ArcSwapOption<Connection>,
}

impl Pool {
    /// Creates a pool without connections. The first connection is opened when it is needed.
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        clock: Arc<ServerClock>,
        same_server: Arc<SameServerChecks>,
        setting: PoolSetting,
    ) -> Self {
        let state = Arc::new(State::new(Arc::clone(&endpoint), same_server));
        let connector =
            Connector { endpoint, timeout: setting.timeout, clock, state: Arc::clone(&state) };
        let pool = bb8::Pool::builder()
            .max_size(setting.size)
            .connection_timeout(setting.timeout)
            // The next caller tries again. A retry loop in the background would pile up attempts
            // while a server is down.
            .retry_connection(false)
            // Prefers the connection that was used last, so that concurrent requests are sent in
            // one write.
            .queue_strategy(bb8::QueueStrategy::Lifo)
            // Costs one atomic load: see `is_valid`.
            .test_on_check_out(true)
            // Each of these options would start a background task here, but a store can be created
            // outside of a runtime.
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

    /// Returns the maximum number of connections. If a server closes all of them, a caller can find
    /// up to this many closed connections.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Returns a number that changes when the pool opens or loses a connection, and when the store
    /// gives up all connections. After a change, the caller must check again to which server the
    /// connections of the pool lead.
    pub(crate) fn changes(&self) -> u64 {
        self.state.changes.load(Ordering::Relaxed).wrapping_add(self.state.eras.number())
    }

    /// Returns a handle to a connection. The connection is usable as far as the store knows.
    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        if let Some(last) = self.last() {
            return Ok(last);
        }
        // The pool gets the connection back at the end of this statement. Boxed because it is rare.
        let connection = Arc::new(Box::pin(self.proved()).await?.clone());
        if self.is_reference {
            self.state.same_server.set_reference(&connection);
        }
        self.last.store(Some(Arc::clone(&connection)));
        Ok(Arc::unwrap_or_clone(connection))
    }

    /// Returns the error for an operation that ran out of time.
    pub(crate) fn late(&self) -> StoreError {
        let what = if self.last().is_none() && self.state.endpoint.is_waiting_for_credentials() {
            NO_CREDENTIALS
        } else {
            "no answer in time"
        };
        fault(StoreErrorKind::Unavailable, what)
    }

    fn last(&self) -> Option<Connection> {
        let last = self.last.load();
        let version = self.state.same_server.version();
        last.as_deref().filter(|last| last.is_of_use() && last.has_proved(version)).cloned()
    }

    /// Returns a connection that no other caller gets while this caller holds it. If the caller
    /// cancels a wait for an answer, the connection is marked as lost at once, because the next
    /// command would have to wait behind the canceled one.
    pub(crate) async fn exclusive(&self) -> Result<Exclusive<'_>, StoreError> {
        let mut connection = self.proved().await?;
        connection.make_exclusive();
        Ok(connection)
    }

    /// Returns a connection of the pool that leads to the same server as the other connections, as
    /// far as the store can check this.
    async fn proved(&self) -> Result<Exclusive<'_>, StoreError> {
        let same_server = &self.state.same_server;
        // After the store has given up all connections, the pool may still hold `size` unusable
        // connections. The loop takes all of them first. One more try then opens a new connection.
        let mut tries = self.size.saturating_add(1);
        loop {
            let mut connection = self.get().await?;
            if !connection.has_proved(same_server.version()) {
                same_server.compare(&mut connection).await;
            }
            if tries == 0 || connection.is_of_use() {
                return Ok(connection);
            }
            tries -= 1;
        }
    }

    /// Opens a connection outside of the pool, within `limit`. Returns the connection, and the time
    /// at which opening began. The connection can run only the probe script.
    pub(crate) async fn fresh(&self, limit: Duration) -> Result<(Connection, Tick), StoreError> {
        let target = self.connector.endpoint.target().await?;
        let begun = Tick::now();
        let made = tokio::time::timeout(limit, self.connector.fresh(&target)).await;
        let late = |_| fault(StoreErrorKind::Unavailable, "no connection was made in time");
        Ok((made.map_err(late)??, begun))
    }

    async fn get(&self) -> Result<Exclusive<'_>, StoreError> {
        // If a connection cannot be opened, bb8 does not notify the callers that wait for a
        // connection, even if the server refused at once. `failure` notifies these callers.
        // `failure` is created before the pool is asked for a connection, so that it misses no
        // failure.
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

/// A connection that no other caller gets while this value is held.
pub(crate) type Exclusive<'a> = bb8::PooledConnection<'a, Connector>;

/// The size of a pool, and how long to wait for a connection.
#[derive(Clone, Copy)]
pub(crate) struct PoolSetting {
    pub(crate) size: u32,
    pub(crate) timeout: Duration,
    /// Whether requests are sent over this pool. Connections of other pools are compared with it.
    pub(crate) is_reference: bool,
}

impl Drop for Pool {
    fn drop(&mut self) {
        // The checks outlive this pool and must not keep its connection open.
        if self.is_reference {
            self.state.same_server.drop_reference();
        }
    }
}

/// Opens connections, and detects dead ones without sending a command.
#[derive(Clone)]
pub(crate) struct Connector {
    endpoint: Arc<Endpoint>,
    timeout: Duration,
    clock: Arc<ServerClock>,
    state: Arc<State>,
}

impl Connector {
    async fn open(&self, target: &Target) -> Result<Connection, StoreError> {
        let mut made = self.make(target).await;
        if made.as_ref().is_err_and(ConnectError::is_connection_dropped) {
            // The connection was closed during its greeting. This does not show that the server is
            // down, so try once more.
            made = self.make(target).await;
        }
        let (mut connection, answers, sent) = made?;
        let scripts = self.greeted(&connection, answers, sent)?;
        connection.set_scripts(scripts);
        Ok(connection)
    }

    /// Opens a connection and sends its greeting: version, time and scripts in one round trip.
    /// Returns the connection, the answers, and the time at which the greeting was sent.
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

    /// Opens a connection and sends only the login. `closed` is called when the other side closes
    /// the connection.
    async fn connect_with(
        &self,
        target: &Target,
        closed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Connection, ConnectError> {
        let state = Arc::new(Health::new(&self.state.eras));
        let told = Arc::clone(&state);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            // The store limits each operation as a whole, and `Wait` detects late answers.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(512);
        let hear = move |push: &PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.mark_lost();
                closed();
            }
        };
        let handle = target.connect(config, hear).await?;
        Ok(Connection::new(handle, state, self.timeout))
    }

    /// Opens a connection and asks its server for its role. The connection can run only the probe
    /// script.
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
        connection.set_scripts(Script::Probe.alone(&hash));
        Ok(connection)
    }

    /// Checks version and role, and stores the server's time and the hashes of the scripts.
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

    // Do not send a PING. It would cost a round trip, and it would not help if the connection is
    // lost between the PING and the command.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), ConnectionError> {
        if self.has_broken(connection) { Err(ConnectionError::Closed) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_of_use()
    }
}
