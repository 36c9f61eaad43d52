//! Session store in Redis or Valkey.
//!
//! The records of all sessions of a user are fields of one hash, `<prefix>:{user}:live`. There is
//! no separate index that could disagree with the records. So revoking all sessions of a user is
//! one atomic step, and an operator can log a user out everywhere with `DEL session:{user}:live`.
//! Scripts on the server make every change of a session. They compare deadlines with the server's
//! clock.
//!
//! Requires Redis 7.0 or Valkey 7.2, or a later version. The store never sends `KEYS`. It sends
//! `SCAN` only for pages of all sessions, for cleanup and for [`diagnose`](RedisStore::diagnose).
//! It sends `WAIT`, which blocks its connection, only with
//! [`wait_replicas`](RedisStoreBuilder::wait_replicas). `SCAN` and `WAIT` use separate connections,
//! so no request waits behind them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::cmd;

use self::connect::replica_client::ReplicaClient;
use self::error::{fault, unexpected};
use self::inner::Inner;
use self::invalidation::InvalidationConnections;
use self::scan::Payloads;
use self::scripts::Script;
use super::{
    Activity, Attempt, AttemptKey, AttemptRule, Cleaned, CountAttempts, Created, FenceValue,
    Listed, MaintainStore, NewRecord, Page, Record, Replacement, Revoked, Rotate, Rotated,
    ScanCursor, ScanSessions, SessionStore, Settle, StoreError, StoreErrorKind, StoreHealth,
    Target, Touch, Touched, Tracking, Updated, UpdatedAll,
};
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;

mod builder;
mod codec;
mod connect;
mod diagnosis;
mod era;
mod error;
mod inner;
mod invalidation;
mod keys;
mod operations;
mod pool_address_check;
#[cfg(test)]
mod properties;
mod rights;
mod scan;
mod scripts;
mod sharing;
mod time;

pub use self::builder::RedisStoreBuilder;
pub use self::connect::address::Address;
pub use self::connect::credentials::{Credentials, CredentialsProvider};
pub use self::connect::server::ServerInfo;
pub use self::diagnosis::{Diagnosis, Finding, TrackingRefusal};

/// Session store in Redis or Valkey. Clones share one store.
///
/// Each operation on sessions ends within the [`timeout`](RedisStoreBuilder::timeout), with these
/// exceptions:
/// - A call of `touch` has one timeout for each 500 touches.
/// - Lists, pages and cleanup have the [`scan_timeout`](RedisStoreBuilder::scan_timeout) instead.
/// - A revocation with [`wait_replicas`](RedisStoreBuilder::wait_replicas) ends within the timeout
///   plus the configured wait plus 150 ms.
///
/// If a connection is closed before the answer arrives, the store sends a read, a touch, a cleanup
/// step or a health check again over another connection. The store never sends any other write
/// again.
///
/// # Cancel safety
///
/// The future of an operation can be dropped at any await point. After the drop, it is unknown
/// whether the server executes the command, and the store discards the answer. Normally, the store
/// keeps the connection. It replaces the connection in two cases:
/// - The operation had waited long for the answer: for at least half of the timeout, or for at
///   least three quarters of the time that the operation had left when it sent its command. The
///   shorter of these two limits applies.
/// - The operation is a revocation that waits for replicas. No other operation uses its connection.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

/// The number of touches in one pipeline. The number is limited because other clients of the server
/// wait while the pipeline runs.
const TOUCHES_AT_ONCE: usize = 500;

impl RedisStore {
    /// Checks whether the store can use the server, and looks for problems in the setup of a server
    /// that otherwise works. Call this at startup.
    ///
    /// [`Diagnosis::usable`] shows whether the server is supported and is the primary, and whether
    /// the Redis user has the necessary rights on this prefix. To check the rights, this method
    /// tries each command that the store and its scripts use, on keys that belong to no user. So a
    /// missing right is found at startup and not at the first login.
    ///
    /// [`Diagnosis::findings`] lists problems that an operator should fix. Without this method,
    /// these problems would become visible only later. A started [`Worker`](crate::worker::Worker)
    /// logs one warning for each kind of finding. It warns about tracking only if the near cache is
    /// used.
    ///
    /// This method opens two connections, and closes them. It also marks this application's token
    /// issuers under the key prefix, over one of the connections for requests. This method has up
    /// to six steps. Four of these steps take at most one [`timeout`](RedisStoreBuilder::timeout)
    /// each. The other two take at most one [`scan_timeout`](RedisStoreBuilder::scan_timeout) each.
    ///
    /// The finding about the eviction policy needs the right to send `INFO`. If the Redis user
    /// lacks this right, this method skips that finding. This method never sends `CONFIG`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the kind [`Unavailable`](StoreErrorKind::Unavailable) when the server
    /// cannot be reached, refuses the password, or does not answer in time.
    pub async fn diagnose(&self) -> Result<Diagnosis, StoreError> {
        let usable = match self.check().await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => return Err(error),
            usable => usable,
        };
        let findings = match self.findings().await {
            Ok(findings) => findings,
            // A server that cannot be used may also refuse the commands of the diagnosis.
            Err(_) if usable.is_err() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Diagnosis { usable, findings })
    }

    /// Returns an error if the store cannot use the server.
    async fn check(&self) -> Result<ServerInfo, StoreError> {
        self.inner.check_rights().await?;
        let server = ServerInfo::from_hello(&self.inner.requests.ask(&cmd("HELLO")).await?)?;
        // A touch of a session that does not exist writes nothing, but it needs the right to run
        // scripts on keys of this prefix.
        if let (Ok(user), Ok(id)) = (UserId::parse("-"), SessionId::parse("-")) {
            self.touch(&[Touch::new(user, id, Duration::ZERO, Duration::ZERO)]).await?;
        }
        self.inner.may_scan().await?;
        if let Some(replicas) = &self.inner.replicas {
            replicas.check().await?;
        }
        Ok(server)
    }

    /// Returns the problems of a server that otherwise works.
    async fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        let Inner { diagnostics, endpoint, .. } = &*self.inner;
        let late = |_| Err(fault(StoreErrorKind::Unavailable, "no answer in time"));
        let work = async {
            let mut findings = diagnostics.findings(endpoint).await?;
            findings.extend(self.inner.is_shared().await.then_some(Finding::SharedPrefix));
            Ok(findings)
        };
        tokio::time::timeout(diagnostics.timeout, work).await.unwrap_or_else(late)
    }
}

impl SessionStore for RedisStore {
    fn revoke_wait(&self) -> Duration {
        self.inner.replicas.as_ref().map(ReplicaClient::extra).unwrap_or_default()
    }

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
        operations::create::answered(self.inner.run(Script::Create, user, &args).await?)
    }

    async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        self.inner.login_fence(user).await
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
        self.inner.replace(user, id, expected, &payload).await
    }

    async fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        self.inner.replace_all(user, replacements).await
    }

    async fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        self.inner.exchange(user, id, rotate).await
    }

    async fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Result<Revoked, StoreError> {
        self.inner.end(user, target, reason).await
    }

    async fn list(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.inner.sessions_of(user, Payloads::Whole).await
    }

    async fn list_heads(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        self.inner.sessions_of(user, Payloads::Heads).await
    }

    async fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<RevokeReason>, StoreError> {
        let Inner { requests, prefix, .. } = &*self.inner;
        let stone = requests.limited(requests.hget(&prefix.gone(user), id.as_str())).await?;
        let stone = stone.and_then(|stone| codec::tombstone(&stone));
        Ok(stone.filter(|(_, until)| *until > self.now()).map(|(reason, _)| reason))
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.inner.state().await
    }

    fn kind(&self) -> &'static str {
        "redis"
    }
}

impl ScanSessions for RedisStore {
    async fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.inner.page_from(from, limit, Payloads::Whole).await
    }

    async fn scan_heads(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        self.inner.page_from(from, limit, Payloads::Heads).await
    }

    async fn cleanup(&self, from: Option<&ScanCursor>) -> Result<Option<Cleaned>, StoreError> {
        match from.map_or(Some(0), scan::cursor::parse_cleanup) {
            Some(cursor) => self.inner.cleaned(cursor).await.map(Some),
            None => Ok(None),
        }
    }
}

impl CountAttempts for RedisStore {
    async fn attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> Result<Option<Attempt>, StoreError> {
        self.inner.count_attempt(key, rule).await.map(Some)
    }

    async fn settle(&self, key: &AttemptKey, settle: Settle) -> Result<(), StoreError> {
        self.inner.settle_attempt(key, settle).await
    }
}

impl MaintainStore for RedisStore {
    async fn upkeep(&self) -> Result<(), StoreError> {
        let sent = Tick::now();
        let time = self.inner.requests.ask(&cmd("TIME")).await?;
        self.inner.clock.learn(time::micros_of(&time).ok_or_else(unexpected)?, sent);
        self.inner.follow_address().await;
        self.inner.mark_again().await;
        Ok(())
    }

    async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.inner.diagnostics.news(self.findings().await?))
    }

    fn tracking(&self) -> Option<Tracking> {
        Some(Tracking(Arc::new(InvalidationConnections::new(Arc::clone(&self.inner)))))
    }

    fn used_by(&self, issuer: &str) {
        self.inner.sharing.add(issuer);
    }
}

// `Debug` shows neither the address nor the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}
