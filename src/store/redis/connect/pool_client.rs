//! A connection pool with a time limit for each operation.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, Value, pipe};

use super::connection::{Ask, Connection};
use super::pool::Pool;
use crate::coherence::Tick;
use crate::store::redis::error::{is_not_primary, store_error, unexpected, write_error};
use crate::store::redis::scripts::Script;
use crate::store::{StoreError, StoreErrorKind};
use crate::timer_elision;

/// A connection pool with a time limit for each operation. Requests and scans have separate pools,
/// so that they never wait for each other's connections.
pub(crate) struct PoolClient {
    pool: Pool,
    timeout: Duration,
    write_refused: AtomicBool,
}

impl PoolClient {
    pub(crate) fn new(pool: Pool, timeout: Duration) -> Self {
        Self { pool, timeout, write_refused: AtomicBool::new(false) }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// See [`Pool::changes`].
    pub(crate) fn changes(&self) -> u64 {
        self.pool.changes()
    }

    /// See [`Pool::connection`].
    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.connection().await
    }

    /// See [`Pool::fresh`].
    pub(crate) async fn fresh(&self, limit: Duration) -> Result<(Connection, Tick), StoreError> {
        self.pool.fresh(limit).await
    }

    /// Limits a whole operation to the timeout.
    pub(crate) fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        timer_elision::timeout(self.timeout, work, || self.pool.late())
    }

    /// Runs a script that must not run twice, within the timeout.
    pub(crate) async fn run(
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
                // This answer does not show whether the server accepts writes. A logout, for
                // example, also succeeds on a server that is out of memory.
                _ => {}
            }
            answer
        })
        .await
    }

    /// Returns whether the server refuses writes, as far as the latest scripts have shown this. A
    /// `WriteRefused` error shows that the server refuses writes. An answer shows that the server
    /// accepts writes only if [`Script::proves_writable`] returns `true`. All other results are
    /// ignored.
    pub(crate) fn last_write_was_refused(&self) -> bool {
        self.write_refused.load(Ordering::Relaxed)
    }

    /// Sends commands that are allowed to run twice, within the timeout.
    pub(crate) async fn ask<A: Ask>(&self, ask: &A) -> Result<A::Answer, StoreError> {
        self.limited(self.repeat(ask)).await
    }

    /// Sends commands that are allowed to run twice. If the connection is closed, or if the server
    /// is a replica, this method sends the commands again over another connection. The number of
    /// repeats is at most the size of the pool.
    pub(crate) async fn repeat<A: Ask>(&self, ask: &A) -> Result<A::Answer, StoreError> {
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

    /// Reads a field of a hash. The caller limits the time.
    pub(crate) async fn hget(&self, key: &str, field: &str) -> Result<Option<Vec<u8>>, StoreError> {
        bytes(self.repeat(&hget(key, field)).await?)
    }

    /// Reads the same field of two hashes in one round trip. The caller limits the time.
    pub(crate) async fn hget_two(
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

pub(crate) fn hget(key: &str, field: &str) -> Cmd {
    const NAME: &str = "HGET";
    let mut hget = Cmd::with_capacity(3, NAME.len() + key.len() + field.len());
    hget.arg(NAME).arg(key).arg(field);
    hget
}

pub(crate) fn bytes(answer: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}
