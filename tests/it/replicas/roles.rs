//! The store does not read from a server that is a replica or that was demoted to a replica.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, ServiceExt as _, service_fn};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{
    AttemptKey, AttemptRule, CountAttempts, NewRecord, RedisStore, Replacement, Rotate, Rotated,
    Salt, ScanSessions, SessionStore, Settle, StoreError, StoreErrorKind, Updated, UpdatedAll,
};
use tower_session_auth::{
    AuthErrorKind, FailurePolicy, Login, RevokeReason, SessionAuthLayer, SessionId, SessionManager,
    Target,
};

use crate::replicas::{LONG, primary, replica_of};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, bearer, ms, patient_builder, user};

/// An old primary, and the replica that replaces it as the primary.
struct Failover {
    old: RedisServer,
    new: RedisServer,
    /// Another primary, which needs a long time to send its data to a replica.
    slow: RedisServer,
}

/// How the old primary is demoted.
#[derive(Clone, Copy, Debug)]
enum Demoted {
    /// Its new primary cannot be reached.
    LinkDown,
    /// Its new primary requires a password, which the old primary does not have.
    WithoutMasterauth,
    /// Its first synchronization with another primary is in progress.
    FirstSync,
}

impl Failover {
    async fn start() -> Self {
        let old = primary().await;
        let new = replica_of(&old).await;
        let delays = ["--repl-diskless-sync-delay", "0", "--rdb-key-save-delay", "20000000"];
        let slow = RedisServer::start_with(&delays).await;
        slow.command(&["SET", "one", "key"]).await;
        Self { old, new, slow }
    }

    async fn take_over(&self, demoted: Demoted) {
        let port = self.new.port().to_string();
        self.new.command(&["REPLICAOF", "NO", "ONE"]).await;
        match demoted {
            Demoted::LinkDown => {
                self.old.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
            }
            Demoted::WithoutMasterauth => {
                self.new.command(&["ACL", "SETUSER", "default", "resetpass", ">new"]).await;
                self.old.command(&["REPLICAOF", "127.0.0.1", &port]).await;
            }
            Demoted::FirstSync => {
                let port = self.slow.port().to_string();
                self.old.command(&["REPLICAOF", "127.0.0.1", &port]).await;
                until("the first sync has begun", async || {
                    let info = self.old.text(&["INFO", "replication"]).await.unwrap();
                    info.contains("master_sync_in_progress:1")
                })
                .await;
            }
        }
        let info = self.old.text(&["INFO", "replication"]).await.unwrap();
        assert!(info.contains("role:slave") && info.contains("master_link_status:down"), "{info}");
    }

    async fn logout_at_new(&self, login: &Login) {
        self.new.number(&["HDEL", "session:{jeju}:live", login.session.id().as_str()]).await;
    }
}

fn settings(server: &RedisServer) -> SessionManagerBuilder {
    let store = RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(3));
    patient_builder(store.build().unwrap())
}

/// Waits slightly longer than an answer about the role of the server stays valid.
async fn wait_until_the_role_is_checked_again() {
    tokio::time::sleep(ms(1_100)).await; // no event marks this time
}

async fn assert_all_reads_are_refused(manager: &SessionManager, login: &Login) {
    for _ in 0..3 {
        let refused = manager.authenticate(&login.access_token).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable, "{refused:?}");
        let health = manager.health().await;
        assert!(!health.connected && !health.writable, "{health:?}");
        assert!(manager.sessions(&user("jeju")).await.is_err(), "lists are refused too");
        assert!(manager.all_sessions(None, 10).await.is_err(), "scans are refused too");
    }
    until("health reports the reason", async || {
        manager.health().await.problem == Some(StoreErrorKind::NotPrimary)
    })
    .await;
}

#[tokio::test]
async fn demoted_primary_is_refused_after_a_second_without_a_near_cache() {
    for demoted in [Demoted::LinkDown, Demoted::WithoutMasterauth, Demoted::FirstSync] {
        let servers = Failover::start().await;
        let (manager, _worker) = settings(&servers.old).without_near_cache().build().unwrap();
        let login = crate::support::login(&manager, "jeju").await;
        manager.all_sessions(None, 10).await.unwrap();
        until("the new server has the session", async || {
            servers.new.number(&["EXISTS", "session:{jeju}:live"]).await == 1
        })
        .await;
        assert!(manager.authenticate(&login.access_token).await.is_ok());
        servers.take_over(demoted).await;
        if !matches!(demoted, Demoted::WithoutMasterauth) {
            servers.logout_at_new(&login).await;
        }
        wait_until_the_role_is_checked_again().await;
        assert_all_reads_are_refused(&manager, &login).await;
        // The server has become a primary again, and still has its data.
        servers.old.command(&["REPLICAOF", "NO", "ONE"]).await;
        until("the session is accepted", async || {
            manager.authenticate(&login.access_token).await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn scan_is_refused_on_a_demoted_primary_when_no_other_operation_used_it() {
    let server = primary().await;
    let store = RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(3));
    let store = store.build().unwrap();
    store.scan(None, 10).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    wait_until_the_role_is_checked_again().await;
    let refused = store.scan(None, 10).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotPrimary);
}

#[tokio::test]
async fn demoted_primary_is_refused_with_a_near_cache() {
    let servers = Failover::start().await;
    let (manager, worker) = settings(&servers.old).build().unwrap();
    let background = worker.start();
    let login = crate::support::login(&manager, "jeju").await;
    until("a cache hit", async || {
        let before = manager.near_cache().hits;
        manager.authenticate(&login.access_token).await.is_ok()
            && manager.near_cache().hits > before
    })
    .await;
    servers.take_over(Demoted::LinkDown).await;
    servers.logout_at_new(&login).await;
    until("the request is refused", async || {
        manager.authenticate(&login.access_token).await.is_err()
    })
    .await;
    assert_all_reads_are_refused(&manager, &login).await;
    background.stop().await.unwrap();
}

#[tokio::test]
async fn layer_applies_its_failure_policy_when_the_primary_was_demoted() {
    let server = primary().await;
    let (manager, _worker) = settings(&server).without_near_cache().build().unwrap();
    let login = crate::support::login(&manager, "jeju").await;
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    wait_until_the_role_is_checked_again().await;
    for (policy, status) in [(FailurePolicy::TokenOnly, 200), (FailurePolicy::Refuse, 503)] {
        let layer = SessionAuthLayer::new(manager.clone()).failure_policy(policy);
        let service = layer.layer(service_fn(async |_: Request<String>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
        let response = service.oneshot(bearer(&login.access_token)).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{policy:?}");
    }
}

#[tokio::test]
async fn health_reports_when_a_primary_refuses_writes_and_when_it_accepts_them_again() {
    let server = RedisServer::start_with(&["--save", "3600 1"]).await;
    let (manager, _worker) = settings(&server).without_near_cache().build().unwrap();
    let login = crate::support::login(&manager, "jeju").await;
    let writable = async || {
        let health = manager.health().await;
        assert!(health.connected, "{health:?}");
        let expected = (!health.writable).then_some(StoreErrorKind::WriteRefused);
        assert_eq!(health.problem, expected);
        assert!(manager.authenticate(&login.access_token).await.is_ok(), "reads are served");
        health.writable
    };
    assert!(writable().await);
    for setting in ["maxmemory", "min-replicas-to-write"] {
        server.command(&["CONFIG", "SET", setting, "1"]).await;
        assert!(!writable().await, "{setting}");
        server.command(&["CONFIG", "SET", setting, "0"]).await;
        assert!(writable().await, "{setting}");
    }
    // After its folder was removed, the server cannot save its data. It therefore refuses writes
    // (MISCONF).
    std::fs::remove_dir_all(server.folder()).unwrap();
    server.command(&["BGSAVE"]).await;
    until("the save has failed", async || {
        let info = server.text(&["INFO", "persistence"]).await.unwrap();
        info.contains("rdb_last_bgsave_status:err")
    })
    .await;
    assert!(!writable().await, "MISCONF");
}

/// Returns a store whose Redis user is not allowed to call `SET`. Therefore the health check cannot
/// write its Redis key.
async fn without_set(server: &RedisServer) -> RedisStore {
    let rule = "ACL SETUSER plain on >p ~session:* +@all -set";
    server.command(&rule.split(' ').collect::<Vec<_>>()).await;
    let url = format!("redis://plain:p@127.0.0.1:{}/", server.port());
    RedisStore::builder(url).timeout(UNHURRIED).build().unwrap()
}

#[tokio::test]
async fn health_without_permission_for_set_reports_the_result_of_the_latest_login() {
    let server = primary().await;
    let (manager, _worker) = patient_builder(without_set(&server).await).build().unwrap();
    let login = crate::support::login(&manager, "jeju").await;
    assert!(manager.health().await.writable);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let new = tower_session_auth::NewSession::new(user("jeju"));
    assert!(manager.create(new).await.is_err());
    assert!(!manager.health().await.writable);
    // A server that is out of memory accepts a logout.
    manager.logout(&login.access_token).await.unwrap();
    assert!(manager.authenticate(&login.access_token).await.is_err());
    assert!(!manager.health().await.writable, "logins still fail");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    crate::support::login(&manager, "jeju").await;
    assert!(manager.health().await.writable);
}

/// A session of user `jeju`. Its methods are the writes that a server without free memory refuses.
struct Writes {
    store: RedisStore,
    id: SessionId,
    rotated: u64,
}

const WRITES: [&str; 5] = ["create", "update", "update_all", "rotate", "attempt"];

impl Writes {
    async fn create(&self, name: &str, id: &SessionId) -> Result<(), StoreError> {
        let mut new = NewRecord::new(60 * LONG, 60 * LONG, Bytes::from_static(b"{}"));
        new.salt = Salt::parse("salt");
        self.store.create(&user(name), id, &new).await.map(drop)
    }

    /// Sends an update of the session with this number as its expected revision.
    async fn update(&self, revision: u64) -> Result<Updated, StoreError> {
        self.store.update(&user("jeju"), &self.id, revision, Bytes::from_static(b"[]")).await
    }

    async fn write(&mut self, what: &str) -> Result<(), StoreError> {
        let (store, jeju) = (&self.store, user("jeju"));
        let revision = store.load(&jeju, &self.id, None).await?.unwrap().revision;
        match what {
            "create" => self.create("another", &SessionId::random().unwrap()).await?,
            "update" => assert_eq!(self.update(revision).await?, Updated::Written(revision + 1)),
            "update_all" => {
                let new = Replacement::new(self.id.clone(), revision, Bytes::from_static(b"{}"));
                assert_eq!(store.update_all(&jeju, &[new]).await?, UpdatedAll::Written);
            }
            "rotate" => {
                let rotate = Rotate::new(Salt::parse("salt").unwrap(), self.rotated, LONG);
                let rotated = store.rotate(&jeju, &self.id, &rotate).await?;
                assert!(matches!(rotated, Rotated::Next(..)), "{rotated:?}");
                self.rotated += 1;
            }
            _ => {
                let rule = AttemptRule::new(NonZeroU32::MAX, LONG);
                store.attempt(&AttemptKey::parse("name").unwrap(), &rule).await?;
            }
        }
        Ok(())
    }

    /// Runs the operations that succeed on a server without free memory, and revokes `session`,
    /// which belongs to another user. After each operation, checks that health still reports that
    /// the server is not writable.
    async fn assert_health_stays_unwritable(&self, session: &SessionId) {
        let store = &self.store;
        let is_refused = async |after: &str| {
            assert!(!store.health().await.unwrap().writable, "after {after}");
        };
        is_refused("a refused write").await;
        assert_eq!(self.update(1_000).await.unwrap(), Updated::Conflict);
        is_refused("a conflict").await;
        store.settle(&AttemptKey::parse("another").unwrap(), Settle::Clear).await.unwrap();
        is_refused("clearing counted attempts").await;
        let revoked = store
            .revoke(&user("another"), &Target::from(session), RevokeReason::Logout)
            .await
            .unwrap();
        assert!(revoked.was_live());
        is_refused("a logout").await;
        // The diagnosis writes the mark of the issuer, or at least tries to write it.
        assert_eq!(store.diagnose().await.unwrap().findings, []);
        is_refused("a diagnosis").await;
    }
}

#[tokio::test]
async fn health_is_writable_again_only_after_a_write_that_a_full_server_refuses() {
    let server = primary().await;
    let store = without_set(&server).await;
    // The diagnosis marks the issuer of this manager.
    let (_manager, _worker) = patient_builder(store.clone()).build().unwrap();
    let mut writes = Writes { store, id: SessionId::random().unwrap(), rotated: 0 };
    writes.create("jeju", &writes.id).await.unwrap();
    for what in WRITES {
        let other = SessionId::random().unwrap();
        writes.create("another", &other).await.unwrap();
        assert!(writes.store.health().await.unwrap().writable, "{what}");
        server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
        let refused = writes.write(what).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::WriteRefused, "{what}");
        writes.assert_health_stays_unwritable(&other).await;
        server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
        writes.write(what).await.unwrap();
        assert!(writes.store.health().await.unwrap().writable, "{what}");
    }
}
