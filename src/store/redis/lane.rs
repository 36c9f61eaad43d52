//! A way to the server: some connections, and how long anything that takes this way may last.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, Value, pipe};

use super::connection::{Ask, Connection};
use super::endpoint::Endpoint;
use super::era::Era;
use super::error::{is_not_primary, store_error, write_error};
use super::pool::{Pool, PoolSetting, unexpected};
use super::scripts::Script;
use super::time::ServerClock;
use crate::coherence::Tick;
use crate::limit;
use crate::store::{StoreError, StoreErrorKind};

/// A way to the server. Requests and walks have one each, so that neither waits for the other's connections.
pub(super) struct Lane {
    pool: Pool,
    timeout: Duration,
    write_refused: AtomicBool,
}

impl Lane {
    pub(super) fn new(
        endpoint: Arc<Endpoint>,
        clock: Arc<ServerClock>,
        eras: Arc<Era>,
        setting: PoolSetting,
    ) -> Self {
        let pool = Pool::new(endpoint, clock, eras, setting);
        Self { pool, timeout: setting.timeout, write_refused: AtomicBool::new(false) }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// See [`Pool::changes`].
    pub(super) fn changes(&self) -> u64 {
        self.pool.changes()
    }

    /// See [`Pool::connection`].
    pub(super) async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.connection().await
    }

    /// See [`Pool::fresh`].
    pub(super) async fn fresh(&self, limit: Duration) -> Result<(Connection, Tick), StoreError> {
        self.pool.fresh(limit).await
    }

    /// The one limit of a verb.
    pub(super) fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        limit::within(self.timeout, work, || self.pool.late())
    }

    /// Runs a script that must not run twice, within the limit.
    pub(super) async fn run(
        &self,
        script: Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        self.limited(async {
            let mut connection = self.pool.connection().await?;
            let answer = connection.run(script, keys, args).await;
            let answer = answer.map_err(|error| write_error(&error));
            match &answer {
                Err(error) if error.kind() == StoreErrorKind::WriteRefused => {
                    self.write_refused.store(true, Ordering::Relaxed);
                }
                Ok(answer) if script.proves_writable(answer) => {
                    self.write_refused.store(false, Ordering::Relaxed);
                }
                // A logout, for one, which a full server takes.
                _ => {}
            }
            answer
        })
        .await
    }

    /// Whether the server refused a write of a script, and has taken none since that a full server
    /// refuses.
    pub(super) fn last_write_was_refused(&self) -> bool {
        self.write_refused.load(Ordering::Relaxed)
    }

    /// Sends what may run twice, within the limit.
    pub(super) async fn ask<A: Ask>(&self, ask: &A) -> Result<A::Answer, StoreError> {
        self.limited(self.repeat(ask)).await
    }

    /// Sends what may run twice: again on other connections, while its own turns out to be closed.
    pub(super) async fn repeat<A: Ask>(&self, ask: &A) -> Result<A::Answer, StoreError> {
        let mut tries = self.pool.size();
        loop {
            match ask.send(&mut self.pool.connection().await?).await {
                Err(error)
                    if tries > 0 && (error.is_connection_dropped() || is_not_primary(&error)) =>
                {
                    tries -= 1;
                }
                answer => return answer.map_err(|error| store_error(&error)),
            }
        }
    }

    pub(super) async fn hget(&self, key: &str, field: &str) -> Result<Option<Vec<u8>>, StoreError> {
        bytes(self.repeat(&hget(key, field)).await?)
    }

    pub(super) async fn hget_two(
        &self,
        keys: [&str; 2],
        field: &str,
    ) -> Result<[Option<Vec<u8>>; 2], StoreError> {
        let mut both = pipe();
        for key in keys {
            both.add_command(hget(key, field));
        }
        let mut answers = self.repeat(&both).await?.into_iter();
        let mut next = || {
            let answer = answers.next().ok_or_else(unexpected)?.extract_error();
            bytes(answer.map_err(|error| store_error(&error))?)
        };
        Ok([next()?, next()?])
    }
}

pub(super) fn hget(key: &str, field: &str) -> Cmd {
    const NAME: &str = "HGET";
    let mut hget = Cmd::with_capacity(3, NAME.len() + key.len() + field.len());
    hget.arg(NAME).arg(key).arg(field);
    hget
}

pub(super) fn bytes(answer: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}
