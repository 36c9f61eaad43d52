//! The result of a revocation, both with enough acknowledgments of replicas and with too few.

use std::time::Instant;

use tower_session_auth::RevokeReason;
use tower_session_auth::store::{
    MemoryStore, RedisStore, Replicas, SessionStore, StoreErrorKind, Target,
};
use tower_session_auth::testing::store_contract;

use crate::replicas::{LONG, end, lives, login, primary, replica_of, revoked, store};
use crate::support::commands::Commands;
use crate::support::log::Log;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::{UNHURRIED, builder, ms, patient_builder, patient_store, usable, user};

#[tokio::test]
async fn revocation_reports_the_replicas_that_acknowledged_it() {
    let primary = primary().await;
    let replica = replica_of(&primary).await;
    let store = store(&primary, 1, LONG);
    let [one, kept, other] =
        [login(&store, "jeju").await, login(&store, "jeju").await, login(&store, "jeju").await];
    let fields = async || replica.number(&["HLEN", "session:{jeju}:live"]).await;

    assert_eq!(end(&store, "jeju", &one).await.unwrap(), revoked(&one, Replicas::Reached(1)));
    assert_eq!(
        fields().await,
        2,
        "the replica has the revocation before the caller has the answer"
    );
    let but = Target::AllExcept(kept.clone());
    let ended = store.revoke(&user("jeju"), &but, RevokeReason::Logout).await.unwrap();
    assert_eq!(ended, revoked(&other, Replicas::Reached(1)));
    assert_eq!(fields().await, 1);
    let ended = store.revoke(&user("jeju"), &Target::All, RevokeReason::Logout).await.unwrap();
    assert_eq!(ended, revoked(&kept, Replicas::Reached(1)));
    assert_eq!(fields().await, 0);

    // If the revocation is repeated, it succeeds and waits for replicas again.
    let again = end(&store, "jeju", &one).await.unwrap();
    assert_eq!((again.sessions.len(), again.replicas), (0, Replicas::Reached(1)));
}

#[tokio::test]
async fn repeated_revocation_writes_the_tombstone_again_so_that_it_can_wait_for_replicas() {
    let primary = primary().await;
    let store = patient_store(&primary.url());
    let one = login(&store, "jeju").await;
    let written = async || {
        let info = primary.text(&["INFO", "replication"]).await.unwrap();
        let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        offset.unwrap().trim().parse::<u64>().unwrap()
    };
    // The server counts the replication offset only if it has a replica.
    let _replica = replica_of(&primary).await;
    let stone = async || primary.text(&["HGET", "session:{jeju}:gone", one.as_str()]).await;
    end(&store, "jeju", &one).await.unwrap();
    let (before, buried) = (written().await, stone().await.unwrap());
    assert_eq!(end(&store, "jeju", &one).await.unwrap().sessions, []);
    // At intervals, the server also sends short messages to its replicas. Therefore the test checks
    // that the offset grows by at least the size of the command.
    let command = "HSET session:{jeju}:gone".len() + one.as_str().len() + buried.len();
    assert!(written().await >= before + command as u64, "the repeated revocation is written");
    assert_eq!(stone().await, Some(buried), "the tombstone is unchanged");
}

#[tokio::test]
async fn every_operation_that_revokes_sessions_waits_for_replicas() {
    let primary = primary().await;
    let replica = replica_of(&primary).await;
    let (manager, _worker) = patient_builder(store(&primary, 1, LONG)).build().unwrap();
    let fields = async || replica.number(&["HLEN", "session:{jeju}:live"]).await;
    let login = async || crate::support::login(&manager, "jeju").await;
    let jeju = user("jeju");

    let first = login().await;
    assert!(manager.logout(&first.access_token).await.unwrap());
    assert_eq!(fields().await, 0, "logout");
    let first = login().await;
    let one = manager.revoke(&jeju, first.session.id(), RevokeReason::Admin).await.unwrap();
    assert_eq!(one, revoked(first.session.id(), Replicas::Reached(1)));
    assert_eq!(fields().await, 0, "one");
    let (first, second) = (login().await, login().await);
    let others = Target::AllExcept(first.session.id().clone());
    let others = manager.revoke(&jeju, others, RevokeReason::Logout).await.unwrap();
    assert_eq!(others, revoked(second.session.id(), Replicas::Reached(1)));
    assert_eq!(fields().await, 1, "all except one");
    let all = manager.revoke(&jeju, Target::All, RevokeReason::LogoutAll).await.unwrap();
    assert_eq!(all, revoked(first.session.id(), Replicas::Reached(1)));
    assert_eq!(fields().await, 0, "all");
    login().await;
    assert_eq!(manager.suspend(&jeju).await.unwrap().len(), 1);
    assert_eq!(fields().await, 0, "suspend");
}

#[tokio::test]
async fn revocation_succeeds_and_logs_a_warning_when_no_replica_acknowledges_it() {
    let server = primary().await;
    // The wait for replicas is longer than the store timeout, which applies to all other
    // operations. The store timeout is long enough for a loaded machine.
    let (limit, wait) = (ms(3_000), ms(3_500));
    let store = RedisStore::builder(server.url().as_str()).timeout(limit);
    let store = store.wait_replicas(1, wait).build().unwrap();
    let (manager, _worker) = builder().store(store).store_timeout(limit).build().unwrap();
    let (first, second) = (
        crate::support::login(&manager, "jeju").await,
        crate::support::login(&manager, "jeju").await,
    );
    let log = Log::default();
    let capture = log.capture();

    let asked = Instant::now();
    let one = Target::One(first.session.id().clone());
    let ended = manager.revoke(&user("jeju"), one, RevokeReason::Admin).await.unwrap();
    let took = asked.elapsed();
    assert_eq!(ended, revoked(first.session.id(), Replicas::Missed(0)));
    assert!(took >= wait, "{took:?}");
    assert!(manager.authenticate(&first.access_token).await.is_err());
    assert!(
        manager.authenticate(&second.access_token).await.is_ok(),
        "the circuit breaker is closed"
    );
    let warnings = || log.text().matches("too few replicas confirmed a revocation").count();
    assert_eq!(warnings(), 1, "{}", log.text());
    assert!(manager.logout(&second.access_token).await.unwrap());
    assert_eq!(warnings(), 2, "{}", log.text());
    drop(capture);
    let text = log.text();
    assert!(!text.contains(first.session.id().as_str()) && !text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn revocation_reports_how_many_replicas_acknowledged_it_when_too_few_did() {
    let primary = primary().await;
    let first = replica_of(&primary).await;
    let two = store(&primary, 2, ms(5_000));
    let session = login(&two, "jeju").await;
    let ended = end(&two, "jeju", &session).await.unwrap();
    assert_eq!(ended, revoked(&session, Replicas::Missed(1)));

    let _second = replica_of(&primary).await;
    let one = store(&primary, 1, LONG);
    let both = store(&primary, 2, LONG);
    let session = login(&both, "jeju").await;
    assert_eq!(end(&both, "jeju", &session).await.unwrap().replicas, Replicas::Reached(2));
    // The replica is paused. It stays connected, but acknowledges nothing.
    first.pause();
    let session = login(&two, "jeju").await;
    assert_eq!(end(&two, "jeju", &session).await.unwrap(), revoked(&session, Replicas::Missed(1)));
    assert!(!lives(&two, "jeju", &session).await);
    let session = login(&one, "jeju").await;
    assert_eq!(end(&one, "jeju", &session).await.unwrap().replicas, Replicas::Reached(1));
    first.resume();
    let session = login(&both, "jeju").await;
    assert_eq!(end(&both, "jeju", &session).await.unwrap().replicas, Replicas::Reached(2));
}

#[tokio::test]
async fn store_that_waits_for_replicas_keeps_the_contract() {
    let primary = primary().await;
    let _replica = replica_of(&primary).await;
    store_contract(&store(&primary, 1, LONG), tokio::time::sleep).await;
}

#[tokio::test]
async fn revocation_reports_not_asked_when_no_replica_wait_is_configured() {
    let server = RedisServer::start().await;
    let plain = patient_builder(patient_store(&server.url()));
    for settings in [patient_builder(MemoryStore::new()), plain] {
        let (manager, _worker) = settings.build().unwrap();
        let login = crate::support::login(&manager, "jeju").await;
        let ended = manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
        assert_eq!(ended, revoked(login.session.id(), Replicas::NotAsked));
    }
    let commands = Commands::of(&server).await;
    assert_eq!(commands.calls("wait") + commands.rejected("wait"), 0, "{commands:?}");
}

#[tokio::test]
async fn revocation_loads_its_script_again_after_a_script_flush() {
    let primary = primary().await;
    let _replica = replica_of(&primary).await;
    let store = store(&primary, 1, LONG);
    for _ in 0..2 {
        let session = login(&store, "jeju").await;
        primary.command(&["SCRIPT", "FLUSH"]).await;
        let ended = end(&store, "jeju", &session).await.unwrap();
        assert_eq!(ended, revoked(&session, Replicas::Reached(1)));
    }
}

#[tokio::test]
async fn check_fails_without_permission_for_wait_but_revocation_succeeds() {
    let server = primary().await;
    let _replica = replica_of(&server).await;
    for (name, more) in [("bare", None), ("waits", Some("+wait"))] {
        let rule = ACL_RULE.split_whitespace().chain(more);
        let words: Vec<_> = ["ACL", "SETUSER", name, "on", ">p"].into_iter().chain(rule).collect();
        server.command(&words).await;
        let url = format!("redis://{name}:p@127.0.0.1:{}/", server.port());
        let builder = RedisStore::builder(url.as_str()).timeout(UNHURRIED);
        let store = builder.wait_replicas(1, LONG).build().unwrap();
        let session = login(&store, "jeju").await;
        let ended = end(&store, "jeju", &session).await.unwrap();
        assert!(!lives(&store, "jeju", &session).await);
        let checked = usable(&store).await;
        if more.is_some() {
            assert_eq!(ended, revoked(&session, Replicas::Reached(1)));
            assert_eq!(checked.unwrap().role, "master");
        } else {
            // The session was revoked, but the revocation did not wait.
            assert_eq!(ended, revoked(&session, Replicas::Missed(0)));
            assert_eq!(checked.unwrap_err().kind(), StoreErrorKind::Unsupported);
        }
    }
}
