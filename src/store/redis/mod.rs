//! Sessions in Redis or Valkey.
//!
//! All sessions of one user lie in one hash, so nothing beside them can drift from them: a logout of everything is one
//! step, and an operator's `DEL session:{user}:live` logs that user out everywhere. What may use them, and when they
//! end, is decided by scripts on the server and by its clock.
//!
//! Redis 7.0 or Valkey 7.2 at least. The store never sends `KEYS`, `SCAN` or a command that blocks.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{Cmd, IntoConnectionInfo, Value, cmd, pipe};

use self::error::{fault, store_error, write_error};
use self::keys::Prefix;
use self::pool::{Ask, Pool, unexpected};
use self::scripts::Script;
use self::time::ServerClock;
use self::touches::Touches;
use super::{
    Activity, Cleaned, Created, Guard, Listed, NewRecord, Opened, Page, Position, Record,
    Replacement, SessionStore, StoreError, StoreErrorKind, StoreHealth, Touch, Touched, Updated,
    UpdatedAll, span,
};
use crate::clock::{Timestamp, millis};
use crate::error::ConfigError;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;

mod codec;
mod config;
mod error;
mod keys;
mod pool;
mod scripts;
mod server;
mod time;
mod touches;

pub use self::config::RedisStoreBuilder;
pub use self::server::ServerInfo;

/// Sessions in Redis or Valkey. Clones are the same store.
///
/// Each verb ends within the [`timeout`](RedisStoreBuilder::timeout), a touch of many sessions within one for each 500.
/// A read or a touch is sent again when its connection turns out to be closed; any other write never is.
///
/// # Cancel safety
///
/// A verb may be dropped at any await point. Its command may then be carried out or not, its answer is thrown away, and
/// the connection serves on; one that was waited for in vain for half of the timeout is replaced.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    prefix: Prefix,
    timeout: Duration,
    clock: Arc<ServerClock>,
}

/// How many touches go in one pipeline. Other clients wait for it.
const TOUCHES_AT_ONCE: usize = 500;

impl RedisStore {
    /// A store with default settings, at a URL such as `redis://user:password@host:6379/0`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the URL cannot work; its text never holds the URL. A server that is not there is no error
    /// here: see [`check`](Self::check).
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Self::builder(url).build()
    }

    /// A store with settings of your own. The address may be a URL, or anything else that the `redis` crate takes for
    /// one: `("host", 6379)`, or a `ConnectionInfo` with user and password in parts.
    pub fn builder(address: impl IntoConnectionInfo) -> RedisStoreBuilder {
        RedisStoreBuilder::new(address)
    }

    /// Looks whether the server is there and will do, with this user's rights on this prefix: to be called at start-up.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of kind [`Unavailable`](StoreErrorKind::Unavailable) when it cannot be reached or refuses the
    /// password, [`Unsupported`](StoreErrorKind::Unsupported) when it is too old or permissions are missing.
    pub async fn check(&self) -> Result<ServerInfo, StoreError> {
        let server = ServerInfo::from_hello(&self.limited(self.repeat(&cmd("HELLO"))).await?)?;
        // A touch of nobody's session writes nothing, and needs the right to run scripts on keys of this prefix.
        if let (Some(user), Some(id)) = (UserId::parse("-"), SessionId::parse("-")) {
            self.touch(&[Touch::new(user, id, Duration::ZERO, Duration::ZERO)]).await?;
        }
        Ok(server)
    }

    /// Runs what may run twice: again on other connections, while its own turns out to be closed.
    async fn repeat<A: Ask>(&self, ask: &A) -> Result<A::Answer, StoreError> {
        let mut tries = self.inner.pool.size();
        loop {
            match ask.send(&mut self.inner.pool.link().await?).await {
                Err(error) if tries > 0 && error.is_connection_dropped() => tries -= 1,
                answer => return answer.map_err(|error| store_error(&error)),
            }
        }
    }

    async fn hget(&self, key: &str, id: &SessionId) -> Result<Option<Vec<u8>>, StoreError> {
        bytes(self.repeat(&hget(key, id)).await?)
    }

    async fn hget_two(
        &self,
        keys: [&str; 2],
        id: &SessionId,
    ) -> Result<[Option<Vec<u8>>; 2], StoreError> {
        let mut both = pipe();
        for key in keys {
            both.add_command(hget(key, id));
        }
        let mut answers = self.repeat(&both).await?.into_iter();
        let mut next = || {
            let answer = answers.next().ok_or_else(unexpected)?.extract_error();
            bytes(answer.map_err(|error| store_error(&error))?)
        };
        Ok([next()?, next()?])
    }

    async fn run(
        &self,
        script: Script,
        user: &UserId,
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let keys = self.inner.prefix.all(user);
        self.limited(async {
            let mut link = self.inner.pool.link().await?;
            link.run(script, &keys, args).await.map_err(|error| write_error(&error))
        })
        .await
    }

    /// The one limit of a verb.
    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| Err(fault(StoreErrorKind::Unavailable, "no answer in time"));
        tokio::time::timeout(self.inner.timeout, work).await.unwrap_or_else(late)
    }

    async fn find(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        let (live, seen) = (self.inner.prefix.live(user), self.inner.prefix.seen(user));
        // Where the known bound has passed, the true deadline is needed: both come in one round trip.
        let passed = idle_bound.is_some_and(|bound| bound <= self.now());
        let (record, uses) = if passed {
            let [record, uses] = self.hget_two([&live, &seen], id).await?;
            (record, Some(uses))
        } else {
            (self.hget(&live, id).await?, None)
        };
        let Some(record) = record else { return Ok(None) };
        let mut record = codec::record(record).ok_or_else(unreadable)?;
        // This host's idea of the server's clock may lag, but not behind what the server wrote.
        let now = self.now().max(record.created);
        if record.absolute_deadline <= now {
            return Ok(None);
        }
        let bound = idle_bound.unwrap_or(record.idle_deadline).min(record.absolute_deadline);
        record.idle_deadline = record.idle_deadline.max(bound);
        if uses.is_none() && record.idle_deadline > now {
            return Ok(Some(record));
        }
        let uses = match uses {
            Some(uses) => uses,
            None => self.hget(&seen, id).await?,
        };
        let Some(uses) = uses else { return Ok(None) };
        let uses = codec::activity(&uses).ok_or_else(unreadable)?;
        record.idle_deadline = uses.idle_deadline.min(record.absolute_deadline);
        Ok((record.idle_deadline > now.max(uses.last_activity)).then_some(record))
    }
}

impl SessionStore for RedisStore {
    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    async fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> Result<Created, StoreError> {
        let (idle_ttl, lifetime) = (text(new.idle_ttl), text(new.lifetime));
        let args = [id.as_str().as_bytes(), idle_ttl.as_bytes(), lifetime.as_bytes(), &new.payload];
        match self.run(Script::Create, user, &args).await? {
            Value::Int(0) => Ok(Created::AlreadyExists),
            Value::Int(now) => Ok(Created::Created(Opened::new(Timestamp::from_millis(now)))),
            _ => Err(unexpected()),
        }
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        self.limited(self.find(user, id, idle_bound)).await
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        let (live, seen) = (self.inner.prefix.live(user), self.inner.prefix.seen(user));
        let both = self.limited(self.hget_two([&live, &seen], id)).await?;
        let [Some(record), Some(uses)] = both else {
            return Ok(None);
        };
        let (Some(record), Some(uses)) = (codec::record(record), codec::activity(&uses)) else {
            return Err(unreadable());
        };
        let ends = uses.idle_deadline.min(record.absolute_deadline);
        let now = self.now().max(record.created).max(uses.last_activity);
        Ok((ends > now).then_some(uses))
    }

    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        let mut touched = Vec::with_capacity(touches.len());
        for some in touches.chunks(TOUCHES_AT_ONCE) {
            let touches = Touches::new(&self.inner.prefix, some);
            touched.append(
                &mut self.limited(async { touches.answered(self.repeat(&touches).await?) }).await?,
            );
        }
        Ok(touched)
    }

    async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Result<Updated, StoreError> {
        let expected = expected.to_string();
        let args = [id.as_str().as_bytes(), expected.as_bytes(), &payload];
        match self.run(Script::Update, user, &args).await? {
            Value::Int(-2) => Err(unreadable()),
            Value::Int(-1) => Ok(Updated::Gone),
            Value::Int(0) => Ok(Updated::Conflict),
            Value::Int(revision) => {
                u64::try_from(revision).map(Updated::Written).map_err(|_| unexpected())
            }
            _ => Err(unexpected()),
        }
    }

    async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        let args = [id.as_str().as_bytes(), reason.as_str().as_bytes()];
        match self.run(Script::Delete, user, &args).await? {
            Value::Int(lived) => Ok(lived == 1),
            _ => Err(unexpected()),
        }
    }

    async fn delete_all(
        &self,
        user: &UserId,
        _keep: Option<&SessionId>,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, StoreError> {
        let answer = self.run(Script::DeleteAll, user, &[reason.as_str().as_bytes()]).await?;
        let ids: Vec<String> = redis::from_redis_value(answer).map_err(|_| unexpected())?;
        // A field that is no session id was put there by somebody else; it is gone as well, and nobody's session.
        Ok(ids.iter().filter_map(|id| SessionId::parse(id)).collect())
    }

    async fn guard(&self, _user: &UserId) -> Result<Guard, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    async fn update_all(
        &self,
        _user: &UserId,
        _replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    async fn list(&self, _user: &UserId) -> Result<Vec<Listed>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    async fn scan(
        &self,
        _from: Option<&Position>,
        _limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    async fn cleanup(&self, _from: Option<&Position>) -> Result<Option<Cleaned>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported))
    }

    async fn ended(&self, user: &UserId, id: &SessionId) -> Result<Option<EndReason>, StoreError> {
        let stone = self.limited(self.hget(&self.inner.prefix.gone(user), id)).await?;
        let stone = stone.and_then(|stone| codec::tombstone(&stone));
        Ok(stone.filter(|(_, until)| *until > self.now()).map(|(reason, _)| reason))
    }

    async fn upkeep(&self) -> Result<(), StoreError> {
        let sent = Instant::now();
        let time = self.limited(self.repeat(&cmd("TIME"))).await?;
        self.inner.clock.learn(time::micros_of(&time).ok_or_else(unexpected)?, sent);
        Ok(())
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        let hello = self.limited(self.repeat(&cmd("HELLO"))).await?;
        Ok(StoreHealth::new(Some(ServerInfo::from_hello(&hello)?.version)))
    }

    fn kind(&self) -> &'static str {
        "redis"
    }
}

// Neither address nor password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

fn hget(key: &str, id: &SessionId) -> Cmd {
    let mut hget = cmd("HGET");
    hget.arg(key).arg(id.as_str());
    hget
}

fn bytes(answer: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}

/// Whole milliseconds for a script.
fn text(duration: Duration) -> String {
    millis(span(duration)).to_string()
}

/// A record is there, and nothing that this version can read: refused, and left as it is.
fn unreadable() -> StoreError {
    fault(StoreErrorKind::Unreadable, "a record of another version, or none of ours")
}
