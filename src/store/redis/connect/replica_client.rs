//! The connections for revocations that wait for replicas. Such a revocation sends a script and
//! `WAIT` in one pipeline.
//!
//! `WAIT` blocks all later commands on its connection. So each such revocation has a connection to
//! itself, from a pool that nothing else uses.

use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, Value, cmd, pipe};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Connection;
use super::pool::Pool;
use super::pool_client::PoolClient;
use crate::clock::millis;
use crate::store::redis::error::{fault, is_noscript, store_error, unexpected, write_error};
use crate::store::redis::scripts::Script;
use crate::store::{Replicas, StoreError, StoreErrorKind};
use crate::trace;

/// The maximum number of revocations that wait for replicas at the same time. With healthy
/// replicas, each of them waits for about one round trip.
pub(crate) const AT_ONCE: u32 = 8;

/// How long `WAIT` may still block after its timeout. Redis may check the timeouts of waiting
/// clients only ten times a second.
const TICK: Duration = Duration::from_millis(150);

/// Runs revocations that wait for replicas.
pub(crate) struct ReplicaClient {
    pool: Pool,
    free: Semaphore,
    wanted: u32,
    wait: Duration,
    timeout: Duration,
}

impl ReplicaClient {
    /// Creates a client. `wait` limits the sum of two waits of a revocation: first for a free
    /// connection, then until `wanted` replicas have received the revocation. `timeout` is the
    /// additional time for the rest of the operation. `pool` must have [`AT_ONCE`] connections.
    pub(crate) fn new(pool: Pool, wanted: u32, wait: Duration, timeout: Duration) -> Self {
        Self { pool, free: Semaphore::new(AT_ONCE as usize), wanted, wait, timeout }
    }

    /// Returns the time that a revocation may take in addition to the timeout. The result includes
    /// some slack, so that the time limit of [`run`](Self::run) ends before the caller's time
    /// limit.
    pub(crate) fn extra(&self) -> Duration {
        const SLACK: Duration = Duration::from_millis(50);
        self.wait + TICK + SLACK
    }

    /// Runs a script that must not run twice, and waits for replicas.
    ///
    /// If no replica connection is free in time, or none can be opened, the script runs over
    /// `plain` (the connections for requests) without waiting for replicas. So a problem with
    /// replicas never prevents a revocation.
    pub(crate) async fn run(
        &self,
        plain: &PoolClient,
        script: Script,
        keys: &[String; 3],
        args: &[&[u8]],
    ) -> Result<(Value, Replicas), StoreError> {
        let wait_until = Instant::now() + self.wait;
        let Ok(Ok(_free)) = timeout_at(wait_until, self.free.acquire()).await else {
            return Ok((plain.run(script, keys, args).await?, Replicas::Missed(0)));
        };
        let wait = wait_until.saturating_duration_since(Instant::now());
        let work = async {
            // Nothing was sent yet, so the script can run over `plain`. If the server is down,
            // `plain` fails too.
            let Ok(mut connection) = self.pool.exclusive().await else {
                return Ok((plain.run(script, keys, args).await?, Replicas::Missed(0)));
            };
            let run = connection.command(script, keys, args);
            let [done, replicas] = self.waited(&mut connection, script, run, wait).await?;
            let done = done.extract_error().map_err(|error| {
                connection.failed(&error);
                write_error(&error)
            })?;
            Ok((done, self.had_it(replicas)?))
        };
        // Only this connection did not answer in time, and no other operation uses this connection.
        // So the kind of the error is `Interrupted`, which does not mean that the store is
        // unavailable.
        let late = |_| Err(fault(StoreErrorKind::Interrupted, "no answer in time"));
        timeout(wait + TICK + self.timeout, work).await.unwrap_or_else(late)
    }

    /// Returns the answers to the script and to the `WAIT` that follows it.
    async fn waited(
        &self,
        connection: &mut Connection,
        script: Script,
        run: Cmd,
        wait: Duration,
    ) -> Result<[Value; 2], StoreError> {
        let sent = Instant::now();
        let answers =
            self.send(connection, run.clone(), wait).await.map_err(|e| write_error(&e))?;
        let [Value::ServerError(error), _] = &answers else { return Ok(answers) };
        if !is_noscript(&error.clone().into()) {
            return Ok(answers);
        }
        // The script did not run, so it is safe to send it again. The first `WAIT` ran
        // nevertheless, and may have used up some of the time.
        connection.send(&script.load()).await.map_err(|error| store_error(&error))?;
        let left = wait.saturating_sub(sent.elapsed());
        self.send(connection, run, left).await.map_err(|error| write_error(&error))
    }

    async fn send(
        &self,
        connection: &mut Connection,
        run: Cmd,
        wait: Duration,
    ) -> RedisResult<[Value; 2]> {
        let mut both = pipe();
        // `WAIT` with a timeout of 0 ms would wait forever.
        let wait = millis(wait).max(1);
        both.add_command(run).add_command(wait_for(self.wanted, wait));
        let answers = connection.send_all(&both).await?;
        let wrong = |_| RedisError::from((redis::ErrorKind::UnexpectedReturnType, "two answers"));
        <[Value; 2]>::try_from(answers).map_err(wrong)
    }

    fn had_it(&self, answer: Value) -> Result<Replicas, StoreError> {
        let count = match answer {
            Value::Int(count) => u32::try_from(count).map_err(|_| unexpected())?,
            Value::ServerError(error) => {
                // The sessions are revoked on the primary, so the revocation has succeeded.
                let error = store_error(&error.into());
                trace::warn!(
                    "redis refused WAIT: whether replicas have the revocation is unknown",
                    error = trace::Chain(&error)
                );
                0
            }
            _ => return Err(unexpected()),
        };
        let enough = count >= self.wanted;
        Ok(if enough { Replicas::Reached(count) } else { Replicas::Missed(count) })
    }

    /// Checks whether the Redis user may call `WAIT`.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        let work = async {
            let mut connection = self.pool.exclusive().await?;
            // With zero replicas, `WAIT` returns at once.
            connection.send(&wait_for(0, 1)).await.map_err(|error| store_error(&error))?;
            Ok(())
        };
        let late = |_| Err(fault(StoreErrorKind::Unavailable, "no answer in time"));
        timeout(self.timeout, work).await.unwrap_or_else(late)
    }
}

fn wait_for(replicas: u32, millis: i64) -> Cmd {
    let mut wait = cmd("WAIT");
    wait.arg(replicas).arg(millis);
    wait
}
