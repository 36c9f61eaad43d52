//! Credentials that change while the application is running, and providers that fail.

use std::error::Error;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_session_auth::manager::NearCacheState;
use tower_session_auth::store::redis::{Credentials, CredentialsProvider};
use tower_session_auth::store::{
    RedisStore, ScanSessions, SessionStore, StoreError, StoreErrorKind,
};
use tower_session_auth::{RevokeReason, SessionId, Target};

use crate::redis_store::{HOUR, jeju, lives, login};
use crate::support::log::Log;
use crate::support::patient_builder;
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::wait::until;

/// What the provider does next.
#[derive(Clone)]
enum Answer {
    User(&'static str, &'static str),
    Password(&'static str),
    Fails,
    Hangs,
    Panics,
}

/// A provider that gives the answer that a test sets. All clones share the answer.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Answer>>);

impl Scripted {
    fn new(answer: Answer) -> Self {
        Self(Arc::new(Mutex::new(answer)))
    }

    fn answers(&self, answer: Answer) {
        *self.0.lock().unwrap() = answer;
    }
}

impl CredentialsProvider for Scripted {
    async fn credentials(&self) -> Result<Credentials, Box<dyn Error + Send + Sync>> {
        let answer = self.0.lock().unwrap().clone();
        match answer {
            Answer::User(user, password) => Ok(Credentials::user(user, password)),
            Answer::Password(password) => Ok(Credentials::password(password)),
            Answer::Fails => Err("the vault is sealed".into()),
            Answer::Hangs => pending().await,
            Answer::Panics => panic!("planted by the test"),
        }
    }
}

fn store(server: &RedisServer, provider: &Scripted) -> RedisStore {
    // Redis would refuse the credentials in this address.
    store_at("another:of-the-address@", server, provider)
}

/// Returns a store. `login` is the part of its address before the host.
fn store_at(login: &str, server: &RedisServer, provider: &Scripted) -> RedisStore {
    RedisStore::builder(format!("redis://{login}127.0.0.1:{}/", server.port()))
        .timeout(Duration::from_secs(3))
        .wait_replicas(1, Duration::from_millis(1))
        .credentials_provider(provider.clone())
        .build()
        .unwrap()
}

/// Makes this the only password of the user, and closes the user's connections.
async fn set_password(server: &RedisServer, password: &str) {
    let password = format!(">{password}");
    let rule = ["ACL", "SETUSER", "app", "on", "resetpass", &password, "+wait"];
    let rule: Vec<_> = rule.into_iter().chain(ACL_RULE.split_whitespace()).collect();
    server.command(&rule).await;
    server.command(&["CLIENT", "KILL", "USER", "app"]).await;
}

/// Returns the error of a read, and a text with the error and its causes.
async fn refusal(store: &RedisStore) -> (StoreError, String) {
    let id = SessionId::parse("none").unwrap();
    let error = store.load(&jeju(), &id, None).await.unwrap_err();
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    (error, text)
}

#[tokio::test]
async fn changed_password_is_used_by_all_connections_without_a_restart() {
    let server = RedisServer::start().await;
    set_password(&server, "first").await;
    let provider = Scripted::new(Answer::User("app", "first"));
    let store = store(&server, &provider);
    let (manager, worker) = patient_builder(store.clone()).build().unwrap();
    let background = worker.start();
    for password in ["first", "second", "third"] {
        provider.answers(Answer::User("app", password));
        set_password(&server, password).await;
        // The following operations use each kind of connection: for requests, lists, replicas, the
        // diagnosis and invalidations.
        let id = login(&store, HOUR, HOUR).await;
        assert!(lives(&store, &id).await, "{password}");
        assert_eq!(store.scan(None, 10).await.unwrap().unwrap().sessions.len(), 1, "{password}");
        let revoked = store.revoke(&jeju(), &Target::All, RevokeReason::Logout).await.unwrap();
        assert_eq!(revoked.sessions, [id], "{password}");
        assert_eq!(store.diagnose().await.unwrap().findings, [], "{password}");
        until("the near cache is coherent", async || {
            manager.near_cache().state == NearCacheState::Coherent
        })
        .await;
        let clients = server.text(&["CLIENT", "LIST"]).await.unwrap();
        let logged_in = |user: &str| clients.lines().filter(|line| line.contains(user)).count();
        assert!(logged_in("user=app") >= 4, "{clients}");
        assert_eq!(logged_in("user=default"), 1, "only the test's own connection: {clients}");
    }
    background.stop().await.unwrap();
}

#[tokio::test]
async fn password_without_a_user_name_applies_to_the_user_of_the_address() {
    let server = RedisServer::start_with(&["--requirepass", "right-too"]).await;
    set_password(&server, "right").await;
    for (address, password, user) in
        [("app:of-the-address@", "right", "user=app"), ("", "right-too", "user=default")]
    {
        let store = store_at(address, &server, &Scripted::new(Answer::Password(password)));
        let clients = async || server.text(&["CLIENT", "LIST"]).await.unwrap();
        let before = clients().await.matches(user).count();
        login(&store, HOUR, HOUR).await;
        let clients = clients().await;
        assert!(clients.matches(user).count() > before, "{user}: {clients}");
    }
}

#[tokio::test]
async fn provider_failure_is_reported_to_callers_and_logged() {
    let server = RedisServer::start().await;
    set_password(&server, "right").await;
    for (answer, expected) in [
        (Answer::Fails, "the credentials provider failed: the vault is sealed"),
        (Answer::Panics, "the credentials provider panicked"),
    ] {
        let provider = Scripted::new(answer);
        let store = store(&server, &provider);
        let log = Log::default();
        let capture = log.capture();
        // Makes more calls than the pool has connections. Each failed connect must free its slot in
        // the pool.
        for _ in 0..10 {
            let (error, text) = refusal(&store).await;
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{text}");
            assert!(text.ends_with(expected), "{text}");
        }
        let told = log.text();
        assert!(told.contains("ERROR") && told.contains(expected), "{told}");
        provider.answers(Answer::User("app", "right"));
        login(&store, HOUR, HOUR).await;
        drop(capture);
    }
}

#[tokio::test]
async fn wrong_password_of_the_provider_appears_in_no_error_or_log() {
    let server = RedisServer::start().await;
    let provider = Scripted::new(Answer::User("app", "hunter2"));
    let log = Log::default();
    let capture = log.capture();
    let store = store(&server, &provider);
    let (error, text) = refusal(&store).await;
    drop(capture);
    let credentials = Credentials::user("app", "hunter2");
    let shown = format!("{text} {error:?} {store:?} {credentials:?} {}", log.text());
    assert!(text.contains("WRONGPASS"), "{text}");
    assert!(!shown.contains("hunter2") && !shown.contains("of-the-address"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn hanging_provider_is_reported_to_each_caller_and_times_out_after_10_seconds() {
    let provider = Scripted::new(Answer::Hangs);
    // No server is listening here, because the store asks the provider before it connects.
    let store = RedisStore::builder("redis://127.0.0.1:1/")
        .timeout(Duration::from_secs(3))
        .pool_size(1)
        .credentials_provider(provider.clone())
        .build()
        .unwrap();
    for _ in 0..3 {
        let (error, text) = refusal(&store).await;
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{text}");
        assert!(text.ends_with("the credentials provider did not answer in time"), "{text}");
    }
    let (_, text) = refusal(&store).await;
    assert!(text.ends_with("the credentials provider did not answer in 10 s"), "{text}");
}
