//! State of one store, which its clones and its invalidation connections share.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::connect::Endpoint;
use super::connect::pool_client::PoolClient;
use super::connect::replica_client::ReplicaClient;
use super::connect::same_server::SameServerChecks;
use super::diagnosis::Diagnostics;
use super::era::Era;
use super::keys::Prefix;
use super::scripts::Script;
use super::sharing::Sharing;
use super::time::ServerClock;
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::store::StoreError;

/// State of one store, which its clones and its invalidation connections share.
pub(super) struct Inner {
    /// The connections for requests.
    pub(super) requests: PoolClient,
    /// The connections for lists, pages and cleanup.
    pub(super) scans: PoolClient,
    /// The connections for revocations that wait for replicas.
    pub(super) replicas: Option<ReplicaClient>,
    pub(super) diagnostics: Diagnostics,
    pub(super) sharing: Sharing,
    pub(super) prefix: Prefix,
    pub(super) clock: Arc<ServerClock>,
    /// Makes all connections.
    pub(super) endpoint: Arc<Endpoint>,
    /// The era of all connections of this store.
    pub(super) eras: Arc<Era>,
    /// Compares each new connection of this store with the connections in use.
    pub(super) same_server: Arc<SameServerChecks>,
    /// How long cache entries stay valid after the last answered heartbeat was sent.
    pub(super) lease: Duration,
    /// The interval at which the store makes a connection to check where the address leads.
    pub(super) address_check: Duration,
}

impl Inner {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs the script of an operation on a user's three keys.
    pub(super) async fn run(
        &self,
        script: Script,
        user: &UserId,
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        self.requests.run(script, &self.prefix.all(user), args).await
    }
}
