//! Revocations that wait until replicas have them: script and `WAIT` in one pipeline.
//!
//! `WAIT` holds up all that is behind it on its connection, so each of these has one to itself meanwhile, of a pool that
//! nothing else uses.

use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, Value, cmd, pipe};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Connection;
use super::error::{fault, is_noscript, store_error, write_error};
use super::lane::Lane;
use super::pool::{Pool, unexpected};
use super::scripts::Script;
use super::{RedisStore, next_guard};
use crate::clock::millis;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::store::{Replicas, Revoke, Revoked, StoreError, StoreErrorKind};
use crate::trace;

/// How many revocations wait at once. While replicas are well, each does for about a round trip.
pub(super) const AT_ONCE: u32 = 8;

/// Redis looks at the time of those that wait as rarely as ten times a second.
const TICK: Duration = Duration::from_millis(150);

/// The way to the server for revocations, where those wait for replicas.
pub(super) struct ReplicaLane {
    pool: Pool,
    free: Semaphore,
    wanted: u32,
    wait: Duration,
    timeout: Duration,
}

impl ReplicaLane {
    /// Waits `wait` until `wanted` replicas have it, on top of `timeout` for all else. `pool` has [`AT_ONCE`] connections.
    pub(super) fn new(pool: Pool, wanted: u32, wait: Duration, timeout: Duration) -> Self {
        Self { pool, free: Semaphore::new(AT_ONCE as usize), wanted, wait, timeout }
    }

    /// How much longer than other verbs a revocation may take; whoever asks waits a little longer than this does.
    pub(super) fn extra(&self) -> Duration {
        const SLACK: Duration = Duration::from_millis(50);
        self.wait + TICK + SLACK
    }

    /// Runs a script that must not run twice, and waits for replicas.
    ///
    /// Where it gets no connection, as others wait on all of them for as long as it might wait itself, or no more can be
    /// made, it goes over `plain`: no revocation is left undone because of replicas.
    async fn run(
        &self,
        plain: &Lane,
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
            // Nothing was sent yet. If it is the server that is away, the other way fails as well.
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
        // Of this connection, which nothing else uses: no verdict on the store.
        let late = |_| Err(fault(StoreErrorKind::Interrupted, "no answer in time"));
        timeout(wait + TICK + self.timeout, work).await.unwrap_or_else(late)
    }

    /// The answers to the script and to the `WAIT` behind it.
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
        // It was not run, so sending it again is no repetition. The `WAIT` behind it may have taken its time.
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
        // For 0 ms it would wait for ever.
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
                // The sessions have ended, and that is what was asked for.
                let error = store_error(&error.into());
                trace::warn!("redis refuses WAIT", error = trace::Chain(&error));
                0
            }
            _ => return Err(unexpected()),
        };
        let enough = count >= self.wanted;
        Ok(if enough { Replicas::Reached(count) } else { Replicas::Missed(count) })
    }

    /// Looks whether this user may wait for replicas.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let work = async {
            let mut connection = self.pool.exclusive().await?;
            // For no replica it does not wait.
            connection.send(&wait_for(0, 1)).await.map_err(|error| store_error(&error))?;
            Ok(())
        };
        let late = |_| Err(fault(StoreErrorKind::Unavailable, "no answer in time"));
        timeout(self.timeout, work).await.unwrap_or_else(late)
    }
}

impl RedisStore {
    /// Ends sessions, and waits for replicas where that was asked for.
    pub(super) async fn end(
        &self,
        user: &UserId,
        what: &Revoke,
        reason: EndReason,
    ) -> Result<Revoked, StoreError> {
        let keep = match what {
            Revoke::One(id) => {
                let args = [id.as_str().as_bytes(), reason.as_str().as_bytes()];
                let (answer, replicas) = self.run_and_wait(Script::Delete, user, &args).await?;
                let Value::Int(lived) = answer else { return Err(unexpected()) };
                let sessions = if lived == 1 { vec![id.clone()] } else { Vec::new() };
                return Ok(Revoked::new(sessions, replicas));
            }
            Revoke::All => "",
            Revoke::AllBut(keep) => keep.as_str(),
        };
        let guard = next_guard()?;
        let args = [reason.as_str(), &guard, keep].map(str::as_bytes);
        let (answer, replicas) = self.run_and_wait(Script::DeleteAll, user, &args).await?;
        let ids: Vec<String> = redis::from_redis_value(answer).map_err(|_| unexpected())?;
        // A field that is no session id was put there by somebody else; it is gone as well, and nobody's session.
        let sessions = ids.iter().filter_map(|id| SessionId::parse(id)).collect();
        Ok(Revoked::new(sessions, replicas))
    }

    async fn run_and_wait(
        &self,
        script: Script,
        user: &UserId,
        args: &[&[u8]],
    ) -> Result<(Value, Replicas), StoreError> {
        let (plain, keys) = (&self.inner.requests, self.inner.prefix.all(user));
        match &self.inner.replicas {
            Some(replicas) => replicas.run(plain, script, &keys, args).await,
            None => Ok((plain.run(script, &keys, args).await?, Replicas::NotAsked)),
        }
    }
}

fn wait_for(replicas: u32, millis: i64) -> Cmd {
    let mut wait = cmd("WAIT");
    wait.arg(replicas).arg(millis);
    wait
}
