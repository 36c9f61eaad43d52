//! Opening an invalidation connection.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use redis::{AsyncConnectionConfig, RedisError, RedisResult, Value, cmd, pipe};
use tokio::time::timeout;

use super::InvalidationConnections;
use super::connection::InvalidationConnection;
use super::probe::{Probes, Proof, Route, is_refused};
use super::push_handler::PushHandler;
use crate::coherence::{Lease, Tick};
use crate::id::random_text;
use crate::store::redis::connect::Target;
use crate::store::redis::connect::connection::Connection;
use crate::store::redis::connect::error::ConnectError;
use crate::store::redis::connect::server::{Role, ServerInfo};
use crate::store::redis::error::{fault, not_primary, store_error};
use crate::store::{StoreError, StoreErrorKind};

/// Why no invalidation connection was opened.
pub(super) enum NotOpened {
    /// The server does not support tracking, or does not permit it to this user.
    Refused(StoreError),
    /// No server can be reached at present, or the server must not be trusted.
    Away(StoreError),
}

impl From<RedisError> for NotOpened {
    fn from(error: RedisError) -> Self {
        let error = store_error(&error);
        match error.kind() {
            StoreErrorKind::Unsupported => Self::Refused(error),
            _ => Self::Away(error),
        }
    }
}

impl From<ConnectError> for NotOpened {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Driver(error) => error.into(),
            ConnectError::Other(error) => error.into(),
        }
    }
}

// An error of this library becomes `Away`, even if it means that the server can never be used. For
// such a permanent error, the pool gets the same error and reports it.
impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        Self::Away(error)
    }
}

impl InvalidationConnections {
    /// Opens an invalidation connection, and checks with a probe that it receives the invalidations
    /// of the pool's writes. Also returns the connection of the pool over which the probe wrote.
    pub(super) async fn open(&self) -> Result<(InvalidationConnection, Connection), NotOpened> {
        let late = |_| away("the invalidation connection was not opened in time");
        let target = self.store.endpoint.target().await?;
        let begun = Tick::now();
        let link = timeout(self.lease, self.connect(&target)).await.map_err(late)??;
        // The connection is new, so it leads where the address leads.
        link.mark_address_proved(begun);
        let late = |_| Err(fault(StoreErrorKind::Unavailable, "no pool connection in time"));
        let connection = timeout(self.lease, self.store.requests.connection()).await;
        let mut connection = connection.unwrap_or_else(late)?;
        match link.prove(&mut connection, Route::Requests, self.lease / 4).await? {
            Proof::Same(lag) => self.counters.record_lag(lag),
            Proof::Other => {
                // The invalidation connection is new, so it leads where the address leads now. The
                // connection of the pool leads to another server, so the store gives up its
                // connections.
                self.store.eras.end();
                return Err(away("no invalidation arrived for a write over the pool"));
            }
            Proof::Unknown(error) if is_refused(&error) => return Err(refused(&error)),
            Proof::Unknown(error) => return Err(store_error(&error).into()),
        }
        let sent = Tick::now();
        self.ask(&link).await.map_err(|_| away("no primary answered the first heartbeat"))?;
        link.lease.renew(sent);
        Ok((link, connection))
    }

    /// Connects, turns tracking on, and checks that the server is not a replica.
    async fn connect(&self, target: &Target) -> Result<InvalidationConnection, NotOpened> {
        let name = random_text::<9>()
            .map_err(|error| StoreError::with_source(StoreErrorKind::Unavailable, error))?;
        let lease = Arc::new(Lease::new(Arc::clone(&self.generations)));
        let probes = Arc::new(Probes::new(&self.store.prefix.probe_key(&name)));
        let push_handler = PushHandler {
            lease: Arc::clone(&lease),
            probes: Arc::clone(&probes),
            counters: Arc::clone(&self.counters),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.lease))
            // Each step has its own time limit.
            .set_response_timeout(None)
            // After a loss, many reads are sent together. A heartbeat must not wait behind them.
            .set_pipeline_buffer_size(1024);
        let mut connection = target.connect(config, move |push| push_handler.hear(push)).await?;
        let mut greeting = pipe();
        let mut tracking = cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON");
        greeting.add_command(cmd("HELLO")).add_command(tracking);
        let answers = connection.send_all(&greeting).await?;
        let answers: RedisResult<Vec<_>> = answers.into_iter().map(Value::extract_error).collect();
        let [hello, _tracking] = <[Value; 2]>::try_from(answers.map_err(|error| refused(&error))?)
            .map_err(|_| away("the server's greeting has an unexpected form"))?;
        match ServerInfo::from_hello(&hello)?.role() {
            Role::Primary => {}
            Role::Replica => return Err(NotOpened::Away(store_error(&not_primary()))),
            Role::Unknown => self.store.eras.warn_of_unknown_role(),
        }
        let address_proved = AtomicU64::new(0);
        Ok(InvalidationConnection {
            connection,
            lease,
            probes,
            patience: self.lease,
            address_proved,
        })
    }
}

/// Classifies an error answer. It is a refusal, unless the server reports that it is not ready.
fn refused(error: &RedisError) -> NotOpened {
    let error = store_error(error);
    match error.kind() {
        StoreErrorKind::Unavailable => NotOpened::Away(error),
        _ => NotOpened::Refused(error),
    }
}

fn away(what: &'static str) -> NotOpened {
    NotOpened::Away(fault(StoreErrorKind::Unavailable, what))
}
