//! What a client sees while Redis is killed, stopped, full, read-only, locked or emptied under traffic.

#![cfg(feature = "redis")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};
use tower_session_auth::store::{
    NewRecord, RedisStore, SessionStore, StoreErrorKind, Touch, Touched,
};
use tower_session_auth::touch::{Background, Worker};
use tower_session_auth::{
    AuthError, AuthErrorKind, Login, NewSession, Session, SessionAuthLayer, SessionError,
    SessionId, SessionManager,
};

use crate::support::paused::{At, PausedStore, Verb};
use crate::support::redis::RedisServer;
use crate::support::{bearer, builder, ms, user};

/// No answer takes longer, on whatever machine: the store gets 250 ms.
const SANE: Duration = Duration::from_secs(1);
/// When to stop waiting for what should take a tenth of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the client of one request sees.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    status: u16,
    code: String,
    reason: Option<String>,
    retry_after: Option<String>,
    took: Duration,
    /// What an outer layer can log.
    why: String,
}

impl Answer {
    fn is(&self, status: u16, code: &str) -> bool {
        (self.status, &*self.code) == (status, code)
    }

    fn is_ok(&self) -> bool {
        self.is(200, "")
    }

    fn is_unavailable(&self) -> bool {
        self.is(503, "store_unavailable") && self.retry_after.as_deref() == Some("1")
    }

    fn is_expired(&self) -> bool {
        self.is(401, "session_expired")
    }
}

async fn whoami(request: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(request.extensions().get::<Session>().unwrap().user_id().to_string()))
}

/// One request through the layer.
async fn ask(manager: &SessionManager, login: &Login) -> Answer {
    let layer = SessionAuthLayer::new(manager.clone());
    let service = ServiceBuilder::new().layer(layer).service_fn(whoami);
    let asked = Instant::now();
    let response = service.oneshot(bearer(&login.access_token)).await.unwrap();
    let took = asked.elapsed();
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    if status == 200 {
        assert_eq!(response.body(), login.session.user_id().as_str(), "identities never mix");
        return Answer {
            status,
            code: String::new(),
            reason: None,
            retry_after: None,
            took,
            why: String::new(),
        };
    }
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("www-authenticate").is_some(), status == 401);
    let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let (code, reason) = (text("code").unwrap(), text("reason"));
    let mut why = String::new();
    let mut error: Option<&dyn Error> =
        response.extensions().get::<AuthError>().map(|error| error as _);
    while let Some(link) = error {
        why.push_str(&format!("{link}; "));
        error = link.source();
    }
    Answer { status, code, reason, retry_after: header("retry-after"), took, why }
}

async fn login(manager: &SessionManager, id: &str) -> Result<Login, SessionError> {
    manager.create(NewSession::new(user(id))).await
}

async fn logins(manager: &SessionManager, count: usize) -> Arc<[Login]> {
    let mut all = Vec::new();
    for i in 0..count {
        all.push(until_login(manager, &format!("u{i}")).await);
    }
    all.into()
}

/// With the time limits that an application has by default.
fn brisk(server: &RedisServer) -> (SessionManager, Worker, PausedStore<RedisStore>) {
    let store = PausedStore::new(RedisStore::new(&server.url()).unwrap());
    let (manager, worker) = builder().store(store.clone()).build().unwrap();
    (manager, worker, store)
}

/// With a patience that makes each 503 a store's refusal, and none a slow machine's.
fn patient(url: &str) -> (SessionManager, Worker, PausedStore<RedisStore>) {
    let limit = Duration::from_secs(5);
    let store = PausedStore::new(RedisStore::builder(url).timeout(limit).build().unwrap());
    let settings = builder().store(store.clone()).store_timeout(limit).touch_interval(ms(1));
    let (manager, worker) = settings.build().unwrap();
    (manager, worker, store)
}

/// Requests of several clients, one after the other each, until it is stopped (or 10 seconds have passed).
struct Traffic {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Vec<Answer>>,
}

impl Traffic {
    fn start(manager: &SessionManager, logins: &Arc<[Login]>) -> Self {
        let (stop, answered) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let mut clients = JoinSet::new();
        let give_up = Instant::now() + Duration::from_secs(10);
        for client in 0..logins.len() {
            let (manager, logins) = (manager.clone(), Arc::clone(logins));
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            clients.spawn(async move {
                let mut answers = Vec::new();
                while !stop.load(Ordering::Relaxed) && Instant::now() < give_up {
                    answers.push(ask(&manager, &logins[client]).await);
                    answered.fetch_add(1, Ordering::Relaxed);
                    sleep(ms(2)).await;
                }
                answers
            });
        }
        Self { stop, answered, clients }
    }

    /// Waits until this many further requests were answered.
    async fn answers(&self, count: usize) {
        let (from, give_up) = (self.answered.load(Ordering::Relaxed), Instant::now() + PATIENCE);
        while self.answered.load(Ordering::Relaxed) < from + count {
            assert!(Instant::now() < give_up, "requests are not answered");
            sleep(ms(1)).await;
        }
    }

    async fn stop(self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await.concat()
    }
}

/// Asks until this is the answer, and tells how long that took.
async fn until(
    manager: &SessionManager,
    login: &Login,
    wanted: impl Fn(&Answer) -> bool,
) -> Duration {
    let start = Instant::now();
    loop {
        let answer = ask(manager, login).await;
        if wanted(&answer) {
            return start.elapsed();
        }
        assert!(answer.is_ok() || answer.is_unavailable(), "{answer:?}");
        assert!(start.elapsed() < PATIENCE, "{answer:?}");
        sleep(ms(5)).await;
    }
}

async fn until_login(manager: &SessionManager, id: &str) -> Login {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match login(manager, id).await {
            Ok(login) => return login,
            Err(SessionError::Store(error)) if error.kind() == StoreErrorKind::Unavailable => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(Instant::now() < give_up, "no login");
        sleep(ms(5)).await;
    }
}

/// Each is 200 or 503, none is slow. Tells how many were which, and the slowest of the refusals.
fn only_ok_or_unavailable(answers: &[Answer]) -> (usize, usize, Duration) {
    for answer in answers {
        assert!(answer.is_ok() || answer.is_unavailable(), "{answer:?}");
        assert!(answer.took < SANE, "{answer:?}");
    }
    let ok = answers.iter().filter(|answer| answer.is_ok()).count();
    let refusals = answers.iter().filter(|answer| !answer.is_ok());
    let slowest = refusals.map(|answer| answer.took).max().unwrap_or_default();
    (ok, answers.len() - ok, slowest)
}

fn login_error(login: Result<Login, SessionError>) -> StoreErrorKind {
    match login {
        Err(SessionError::Store(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// A logout that was not done says so.
async fn logout_fails(manager: &SessionManager, login: &Login) {
    let failed = manager.logout(&login.access_token).await.unwrap_err();
    assert_eq!(failed.kind(), AuthErrorKind::StoreUnavailable);
}

async fn logout_works(manager: &SessionManager, login: &Login) {
    assert!(manager.logout(&login.access_token).await.unwrap());
    let answer = ask(manager, login).await;
    assert!(answer.is(401, "session_revoked"), "{answer:?}");
    assert_eq!(answer.reason.as_deref(), Some("logout"));
}

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

#[tokio::test]
async fn killed_under_traffic_is_503_and_an_emptied_server_is_401_and_takes_logins() {
    let mut server = RedisServer::start().await;
    let (manager, _worker, _) = brisk(&server);
    let old = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &old);
    traffic.answers(40).await;
    server.stop();
    let killed = Instant::now();
    let first = until(&manager, &old[0], Answer::is_unavailable).await;
    traffic.answers(80).await;
    let (ok, unavailable, slowest) = only_ok_or_unavailable(&traffic.stop().await);
    println!(
        "killed: {ok} x 200, {unavailable} x 503, first 503 after {first:?} (within {:?}), slowest {slowest:?}",
        killed.elapsed()
    );
    assert!(ok >= 40 && unavailable >= 40);
    logout_fails(&manager, &old[0]).await;
    assert_eq!(login_error(login(&manager, "late").await), StoreErrorKind::Unavailable);

    server.restart().await;
    let back = until(&manager, &old[0], Answer::is_expired).await;
    println!("restarted empty: answers again after {back:?}");
    for old in &*old {
        assert!(ask(&manager, old).await.is_expired());
    }
    let new = login(&manager, "u0").await.unwrap();
    assert!(ask(&manager, &new).await.is_ok());
    logout_works(&manager, &new).await;
}

#[tokio::test]
async fn killed_and_restarted_with_its_data_loses_no_session() {
    let mut server = RedisServer::start_with(&DURABLE).await;
    let (manager, worker, _) = brisk(&server);
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(40).await;
    server.stop();
    until(&manager, &logins[0], Answer::is_unavailable).await;
    traffic.answers(20).await;
    server.restart().await;
    let back = until(&manager, &logins[0], Answer::is_ok).await;
    println!("restarted with data: 200 after {back:?}");
    traffic.answers(40).await;
    let (ok, unavailable, slowest) = only_ok_or_unavailable(&traffic.stop().await);
    println!("restarted with data: {ok} x 200, {unavailable} x 503, slowest 503 {slowest:?}");
    for login in &*logins {
        assert!(ask(&manager, login).await.is_ok());
        logout_works(&manager, login).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_503_and_then_the_same_session_again() {
    let server = RedisServer::start().await;
    let (manager, _worker, _) = brisk(&server);
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(40).await;
    server.pause();
    let first = until(&manager, &logins[0], Answer::is_unavailable).await;
    traffic.answers(40).await;
    logout_fails(&manager, &logins[0]).await;
    server.resume();
    let back = until(&manager, &logins[0], Answer::is_ok).await;
    traffic.answers(40).await;
    let (ok, unavailable, slowest) = only_ok_or_unavailable(&traffic.stop().await);
    println!(
        "hanging: first 503 after {first:?}, slowest {slowest:?}, 200 after {back:?}; {ok} x 200, {unavailable} x 503"
    );
    assert!(unavailable >= 40);
    for login in &*logins {
        assert!(ask(&manager, login).await.is_ok());
    }
}

#[tokio::test]
async fn while_the_breaker_is_open_requests_do_not_reach_the_store() {
    let mut server = RedisServer::start().await;
    // Not started: its upkeep would be counted.
    let (manager, _worker, store) = brisk(&server);
    let login = until_login(&manager, "jeju").await;
    for trouble in ["hangs", "refuses"] {
        if trouble == "hangs" {
            server.pause();
        } else {
            server.stop();
        }
        until(&manager, &login, Answer::is_unavailable).await;
        let (start, before) = (Instant::now(), store.calls());
        let mut answers = Vec::new();
        while start.elapsed() < ms(600) {
            // One of eight may be the probe, and wait.
            let mut at_once = JoinSet::new();
            for _ in 0..8 {
                let (manager, login) = (manager.clone(), login.access_token.clone());
                at_once.spawn(async move {
                    let asked = Instant::now();
                    let refused = manager.authenticate(&login).await.unwrap_err();
                    assert_eq!(refused.kind(), AuthErrorKind::StoreUnavailable);
                    asked.elapsed()
                });
            }
            answers.extend(at_once.join_all().await);
            sleep(ms(1)).await;
        }
        let (probes, span) = (store.calls() - before, start.elapsed());
        // Probes start 100 ms apart: one more for the one that was due at the start.
        let most = usize::try_from(span.as_millis()).unwrap() / 100 + 1;
        assert!((1..=most).contains(&probes), "{trouble}: {probes} probes in {span:?}");
        let slow = answers.iter().filter(|took| **took > ms(100)).count();
        println!("{trouble}: {} refused, {probes} asked the store, {slow} slow", answers.len());
        assert!(slow * 10 < answers.len(), "{trouble}: only a probe waits, {slow} waited");
        if trouble == "hangs" {
            server.resume();
            until(&manager, &login, Answer::is_ok).await;
        }
    }
}

#[tokio::test]
async fn read_only_lets_sessions_in_and_refuses_logins_and_logouts() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(20).await;
    // A primary that is not there: this server keeps its data and takes no writes.
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    for _ in 0..3 {
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::WriteRefused);
        logout_fails(&manager, &logins[0]).await;
        assert!(ask(&manager, &logins[0]).await.is_ok(), "not ended, and nobody said so");
        traffic.answers(20).await;
    }
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    traffic.answers(20).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
    logout_works(&manager, &logins[0]).await;
    login(&manager, "new").await.unwrap();
}

#[tokio::test]
async fn out_of_memory_lets_sessions_in_and_out_and_refuses_logins() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]).await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let leaving = login(&manager, "leaving").await.unwrap();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(20).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for _ in 0..3 {
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::WriteRefused);
        traffic.answers(20).await;
    }
    logout_works(&manager, &leaving).await;
    traffic.answers(20).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
    login(&manager, "new").await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_503_until_the_server_takes_it() {
    for repair in [
        &["CONFIG", "SET", "requirepass", ""][..],
        &["ACL", "SETUSER", "default", ">wrong"],
        &["CONFIG", "SET", "requirepass", "wrong"],
    ] {
        let server = RedisServer::start_with(&["--requirepass", "right"]).await;
        let url = format!("redis://:wrong@127.0.0.1:{}/", server.port());
        let (right, _worker, _) = patient(&server.url());
        let (manager, _worker, _) = patient(&url);
        let session = login(&right, "jeju").await.unwrap();
        for _ in 0..3 {
            let answer = ask(&manager, &session).await;
            assert!(answer.is_unavailable() && answer.took < SANE, "{answer:?}");
            assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::Unavailable);
            logout_fails(&manager, &session).await;
        }
        server.command(repair).await;
        let back = until(&manager, &session, Answer::is_ok).await;
        println!("{repair:?}: 200 after {back:?}");
        assert!(ask(&right, &session).await.is_ok());
        logout_works(&manager, &session).await;
    }
}

#[tokio::test]
async fn absent_at_the_start_is_503_until_it_comes() {
    let mut server = RedisServer::start().await;
    server.stop();
    let (manager, worker, _) = brisk(&server);
    let _background = worker.start();
    // A token of an instance that had its Redis: same keys, same issuer.
    let (elsewhere, _worker) = support::manager(tower_session_auth::MemoryStore::new());
    let foreign = login(&elsewhere, "jeju").await.unwrap();
    for _ in 0..20 {
        let answer = ask(&manager, &foreign).await;
        assert!(answer.is_unavailable() && answer.took < SANE, "{answer:?}");
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::Unavailable);
    }
    assert!(!manager.health().await.connected);
    server.restart().await;
    let back = until(&manager, &foreign, Answer::is_expired).await;
    println!("absent at the start: answers {back:?} after the server came");
    let new = until_login(&manager, "jeju").await;
    assert!(ask(&manager, &new).await.is_ok());
    assert!(manager.health().await.connected);
}

#[tokio::test]
async fn killed_connections_cost_no_request_an_answer() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    let mut operator = server.connection().await;
    let mut killed = 0;
    for _ in 0..25 {
        traffic.answers(12).await;
        let mut kill = redis::cmd("CLIENT");
        kill.arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]);
        killed += kill.query_async::<i64>(&mut operator).await.unwrap();
    }
    traffic.answers(12).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    println!("{killed} connections killed, {} of {} not 200", not_ok.len(), answers.len());
    assert!(killed >= 20, "{killed}");
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
}

/// Kills all connections without giving this thread's runtime a chance to notice.
fn kill_unnoticed(server: &RedisServer) {
    let mut operator = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    operator.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
    let mut answer = [0; 16];
    let read = operator.read(&mut answer).unwrap();
    assert!(answer.starts_with(b":") && answer[..read] != *b":0\r\n", "none was there");
}

#[tokio::test]
async fn a_read_or_a_touch_on_a_killed_connection_is_sent_again() {
    let server = RedisServer::start().await;
    let limit = Duration::from_secs(5);
    let store = RedisStore::builder(server.url().as_str()).timeout(limit).build().unwrap();
    let (owner, id) = (user("jeju"), SessionId::random().unwrap());
    let hour = Duration::from_secs(3600);
    store.create(&owner, &id, &NewRecord::new(hour, hour, Bytes::new())).await.unwrap();
    for _ in 0..20 {
        // Several connections, so that the second try may find a dead one as well.
        let mut loads = JoinSet::new();
        for _ in 0..16 {
            let (store, owner, id) = (store.clone(), owner.clone(), id.clone());
            loads.spawn(async move { store.load(&owner, &id, None).await.is_ok() });
        }
        assert!(loads.join_all().await.into_iter().all(|answered| answered));
        kill_unnoticed(&server);
        assert!(store.load(&owner, &id, None).await.unwrap().is_some());
        kill_unnoticed(&server);
        let touch = Touch::new(owner.clone(), id.clone(), Duration::ZERO, Duration::MAX);
        // Refused, it would open the breaker, and all requests would be 503 for a while.
        assert!(matches!(store.touch(&[touch]).await.unwrap()[..], [Touched::Lives(_)]));
    }
}

#[tokio::test]
async fn flushed_under_traffic_is_401_and_new_logins_work() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let old = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &old);
    traffic.answers(40).await;
    server.command(&["FLUSHALL"]).await;
    traffic.answers(40).await;
    for (i, old) in old.iter().enumerate() {
        let new = login(&manager, &format!("u{i}")).await.unwrap();
        assert!(ask(&manager, &new).await.is_ok());
        assert!(ask(&manager, old).await.is_expired());
    }
    traffic.answers(40).await;
    let answers = traffic.stop().await;
    for answer in &answers {
        assert!(answer.is_ok() || answer.is_expired(), "{answer:?}");
    }
    assert!(answers.iter().filter(|answer| answer.is_expired()).count() >= 72);
}

#[tokio::test]
async fn what_is_no_session_is_401_and_other_users_notice_nothing() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let others = logins(&manager, 3).await;
    let traffic = Traffic::start(&manager, &others);
    let header = "1 1 1700000000000 3600000 9999999999999";
    let payload = format!("{header}\n{{\"data\":");
    let newer = format!("2{}\n{{}}", &header[1..]);
    for garbage in ["", "garbage", "\n\n", &newer, &payload] {
        let bad = login(&manager, "jeju").await.unwrap();
        let good = login(&manager, "jeju").await.unwrap();
        let sid = bad.session.id().as_str();
        server.command(&["HSET", "session:{jeju}:live", sid, garbage]).await;
        for _ in 0..3 {
            let answer = ask(&manager, &bad).await;
            assert!(answer.is_expired(), "{garbage:?}: {answer:?}");
            assert!(ask(&manager, &good).await.is_ok(), "{garbage:?}: the same user's other one");
        }
    }
    for key in ["session:{jeju}:live", "session:{jeju}:seen", "session:{jeju}:gone"] {
        server.command(&["DEL", key]).await;
        let bad = login(&manager, "jeju").await.unwrap();
        server.command(&["DEL", "session:{jeju}:live"]).await;
        server.command(&["SET", key, "text"]).await;
        for _ in 0..3 {
            let answer = ask(&manager, &bad).await;
            assert!(answer.is_expired(), "{key}: {answer:?}");
        }
        server.command(&["DEL", key]).await;
        let again = login(&manager, "jeju").await.unwrap();
        assert!(ask(&manager, &again).await.is_ok(), "{key}");
    }
    traffic.answers(30).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
}

#[tokio::test]
async fn uses_during_an_outage_arrive_with_their_own_time() {
    let mut server = RedisServer::start_with(&DURABLE).await;
    let (manager, worker, store) = patient(&server.url());
    let background: Background = worker.start();
    let login = login(&manager, "jeju").await.unwrap();
    let (user, id) = (login.session.user_id(), login.session.id());
    sleep(ms(20)).await;
    let mut touch = store.stop(Verb::Touch, At::Before);
    let before = store.now();
    assert!(ask(&manager, &login).await.is_ok());
    let after = store.now();
    touch.reached().await;
    server.stop();
    touch.go();
    // Long against the doubt about the time below.
    sleep(ms(700)).await;
    server.restart().await;
    let restarted = Instant::now();
    let activity = loop {
        assert!(restarted.elapsed() < PATIENCE, "the use does not arrive");
        // Straight from the store: a request would be a use.
        match store.activity(user, id).await {
            Ok(Some(activity)) if activity.last_activity > login_time(&login) => break activity,
            Ok(Some(_)) => {}
            Ok(None) => panic!("the session is lost"),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
        }
        sleep(ms(5)).await;
    };
    println!("the use arrived {:?} after the restart", restarted.elapsed());
    let doubt = ms(200);
    assert!(activity.last_activity.saturating_add(doubt) >= before, "not before it was made");
    assert!(
        activity.last_activity <= after.saturating_add(doubt),
        "an outage is no activity: {} ms late",
        activity.last_activity.saturating_since(after).as_millis()
    );
    let report = background.stop().await.unwrap();
    assert_eq!((report.written, report.lost), (1, 0));
}

fn login_time(login: &Login) -> tower_session_auth::clock::Timestamp {
    tower_session_auth::clock::Timestamp::from_millis(login.session.created().timestamp_millis())
}
