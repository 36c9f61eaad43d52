//! Session store in Redis or Valkey.
//!
//! The records of all sessions of a user are fields of one hash, `<prefix>:{user}:live`. No
//! separate index can disagree with the records: revoking all sessions of a user is one atomic
//! step, and an operator logs a user out everywhere with `DEL session:{user}:live`. Scripts on the
//! server make every change of a session. They judge deadlines by the server's clock.
//!
//! Requires Redis 7.0 or Valkey 7.2, or later. The store never sends `KEYS`. It sends `SCAN` only
//! for pages of all sessions, for cleanup and for [`check`](RedisStore::check), on separate
//! connections. It sends `WAIT`, which blocks its connection, only with
//! [`wait_replicas`](RedisStoreBuilder::wait_replicas), also on separate connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{AsyncConnectionConfig, Value, cmd};

use self::connect::Endpoint;
use self::connect::pool::unexpected;
use self::diagnosis::Diagnosis;
use self::era::Era;
use self::error::fault;
use self::invalidation::InvalidationConnections;
use self::keys::Prefix;
use self::operations::replicas::ReplicaClient;
use self::pool_client::PoolClient;
use self::scan::Payloads;
use self::scripts::Script;
use self::sharing::Sharing;
use self::time::ServerClock;
use super::{
    Activity, Attempt, AttemptKey, AttemptRule, Cleaned, Created, FenceValue, Listed, NewRecord,
    Page, Record, Replacement, Revoke, Revoked, Rotate, Rotated, ScanCursor, SessionStore, Settle,
    StoreError, StoreErrorKind, StoreHealth, Touch, Touched, Tracking, Updated, UpdatedAll, span,
};
use crate::clock::{Timestamp, millis};
use crate::coherence::Tick;
use crate::error::ConfigError;
use crate::id::{SessionId, UserId, random_text};
use crate::reason::EndReason;

mod codec;
mod config;
mod connect;
mod diagnosis;
mod era;
mod error;
mod health;
mod invalidation;
mod keys;
mod operations;
mod pool_client;
mod proof;
#[cfg(test)]
mod properties;
mod rights;
mod scan;
mod scripts;
mod sharing;
mod time;

pub use self::config::RedisStoreBuilder;
pub use self::connect::address::Address;
pub use self::connect::credentials::{Credentials, CredentialsProvider};
pub use self::connect::server::ServerInfo;
pub use self::diagnosis::{Finding, TrackingRefusal};

/// Session store in Redis or Valkey. Clones share one store.
///
/// Each operation on sessions ends within the [`timeout`](RedisStoreBuilder::timeout). Exceptions:
/// a touch has one timeout for each 500 sessions, lists, pages and cleanup have the
/// [`scan_timeout`](RedisStoreBuilder::scan_timeout), and a revocation with
/// [`wait_replicas`](RedisStoreBuilder::wait_replicas) takes up to that wait and 150 ms in
/// addition.
///
/// Reads, touches, cleanup and health checks are sent again when their connection is closed. No
/// other write is repeated.
///
/// # Cancel safety
///
/// An operation may be dropped at any await point. Its command may then be carried out or not, its
/// answer is discarded, and the connection stays in use. The store replaces the connection if the
/// wait for the answer lasted at least half of the timeout, or three quarters of the caller's own
/// time limit if that is less.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// For requests.
    requests: PoolClient,
    /// For lists, pages and cleanup.
    scans: PoolClient,
    /// For revocations that wait for replicas.
    replicas: Option<ReplicaClient>,
    diagnosis: Diagnosis,
    sharing: Sharing,
    prefix: Prefix,
    clock: Arc<ServerClock>,
    /// Makes all connections.
    endpoint: Arc<Endpoint>,
    /// State that all connections of this store share.
    eras: Arc<Era>,
    /// How long cache entries stay valid after the last answered heartbeat was sent.
    lease: Duration,
    /// How often the store makes a connection to see where the address leads.
    address_check: Duration,
}

/// Number of touches in one pipeline. Limited because other clients of the server wait behind it.
const TOUCHES_AT_ONCE: usize = 500;

impl RedisStore {
    /// Creates a store with default settings at a URL such as `redis://user:password@host:6379/0`.
    /// Special characters in a password must be percent-encoded (see [`Address`]).
    ///
    /// # Errors
    ///
    /// As for [`RedisStoreBuilder::build`]. The error text never contains the URL. An unreachable
    /// server is not an error here: use [`check`](Self::check).
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Self::builder(url).build()
    }

    /// Returns a builder for a store with custom settings. The address may be a URL, `("host",
    /// 6379)`, or a `ConnectionInfo` of the `redis` crate, which takes user name and password
    /// separately (see [`Address`]).
    pub fn builder(address: impl Into<Address>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(address.into())
    }

    /// Runs the script of an operation on the three keys of a user.
    async fn run(
        &self,
        script: Script,
        user: &UserId,
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        self.inner.requests.run(script, &self.inner.prefix.all(user), args).await
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.clock.now()
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
        let args = operations::create::args(id, new);
        let args: [&[u8]; 10] = args.each_ref().map(AsRef::as_ref);
        operations::create::answered(self.run(Script::Create, user, &args).await?)
    }

    async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        let Inner { requests, prefix, .. } = &*self.inner;
        // Expiry of the login fence is not checked here: `create.lua` checks it when the login
        // ends.
        let mut both = cmd("HMGET");
        both.arg(prefix.gone(user)).arg("#").arg("@");
        let Value::Array(both) = requests.ask(&both).await? else { return Err(unexpected()) };
        let mut both = both.into_iter().map(pool_client::bytes);
        let mut next = || {
            let bytes = both.next().ok_or_else(unexpected)??;
            bytes.map(String::from_utf8).transpose().map_err(|_| unreadable())
        };
        let (login_fence, epoch) = (next()?, next()?);
        Ok(FenceValue::new(login_fence.as_deref()).with_password_epoch(epoch.as_deref()))
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        self.inner.requests.limited(self.inner.find(user, id, idle_bound)).await
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        self.inner.requests.limited(self.inner.activity(user, id)).await
    }

    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        let mut touched = Vec::with_capacity(touches.len());
        for some in touches.chunks(TOUCHES_AT_ONCE) {
            let batch = operations::touch::batch(&self.inner.prefix, some);
            let answers = self.inner.requests.ask(&batch).await?;
            touched.append(&mut operations::touch::answered(some, answers)?);
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
        self.replace(user, id, expected, &payload).await
    }

    async fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        self.replace_all(user, replacements).await
    }

    async fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        self.exchange(user, id, rotate).await
    }

    async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        Ok(!self.end(user, &Revoke::One(id.clone()), reason).await?.sessions.is_empty())
    }

    async fn delete_all(
        &self,
        user: &UserId,
        keep: Option<&SessionId>,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, StoreError> {
        let what = keep.map_or(Revoke::All, |keep| Revoke::AllBut(keep.clone()));
        Ok(self.end(user, &what, reason).await?.sessions)
    }

    async fn revoke(
        &self,
        user: &UserId,
        what: &Revoke,
        reason: EndReason,
    ) -> Result<Revoked, StoreError> {
        self.end(user, what, reason).await
    }

    fn revoke_wait(&self) -> Duration {
        self.inner.replicas.as_ref().map(ReplicaClient::extra).unwrap_or_default()
    }

    async fn list(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.sessions_of(user, Payloads::Whole).await
    }

    async fn list_heads(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.sessions_of(user, Payloads::Heads).await
    }

    async fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.page_from(from, limit, Payloads::Whole).await
    }

    async fn scan_heads(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.page_from(from, limit, Payloads::Heads).await
    }

    async fn cleanup(&self, from: Option<&ScanCursor>) -> Result<Option<Cleaned>, StoreError> {
        match from.map_or(Some(0), scan::cursor::parse_cleanup) {
            Some(cursor) => self.cleaned(cursor).await.map(Some),
            None => Ok(None),
        }
    }

    async fn ended(&self, user: &UserId, id: &SessionId) -> Result<Option<EndReason>, StoreError> {
        let Inner { requests, prefix, .. } = &*self.inner;
        let stone = requests.limited(requests.hget(&prefix.gone(user), id.as_str())).await?;
        let stone = stone.and_then(|stone| codec::tombstone(&stone));
        Ok(stone.filter(|(_, until)| *until > self.now()).map(|(reason, _)| reason))
    }

    async fn attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> Result<Option<Attempt>, StoreError> {
        self.count_attempt(key, rule).await.map(Some)
    }

    async fn settle(&self, key: &AttemptKey, settle: Settle) -> Result<(), StoreError> {
        self.settle_attempt(key, settle).await
    }

    async fn upkeep(&self) -> Result<(), StoreError> {
        let sent = Tick::now();
        let time = self.inner.requests.ask(&cmd("TIME")).await?;
        self.inner.clock.learn(time::micros_of(&time).ok_or_else(unexpected)?, sent);
        self.inner.follow_address().await;
        self.mark_again().await;
        Ok(())
    }

    async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.inner.diagnosis.news(self.diagnose().await?))
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.state().await
    }

    fn tracking(&self) -> Option<Tracking> {
        Some(Tracking(Arc::new(InvalidationConnections::new(Arc::clone(&self.inner)))))
    }

    fn used_by(&self, issuer: &str) {
        self.inner.sharing.add(issuer);
    }

    fn kind(&self) -> &'static str {
        "redis"
    }
}

// `Debug` shows neither the address nor the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

/// Driver settings of a short-lived connection. The caller limits the wait for answers.
fn plain_config(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(None)
}

/// Formats a duration as whole milliseconds, for a script.
fn text(duration: Duration) -> String {
    millis(span(duration)).to_string()
}

/// The error for a record that this version cannot read. The record is left unchanged.
fn unreadable() -> StoreError {
    fault(
        StoreErrorKind::Unreadable,
        "the record has an unknown version, or another application wrote it",
    )
}

/// Returns a new random login fence (18 random bytes).
fn next_fence() -> Result<String, StoreError> {
    random_text::<18>().map_err(|error| StoreError::with_source(StoreErrorKind::Unavailable, error))
}
