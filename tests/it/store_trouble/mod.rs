//! The responses that a client receives under traffic, while Redis is killed, paused, out of
//! memory, read-only, locked or emptied.

mod connections;
mod lost_data;
mod outages;
mod refusals;

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};
use tower_session_auth::error::SessionError;
use tower_session_auth::store::{RedisStore, StoreErrorKind};
use tower_session_auth::worker::Worker;
use tower_session_auth::{
    AuthError, AuthErrorKind, Login, NewSession, Session, SessionAuthLayer, SessionManager,
};

use crate::support::paused::PausedStore;
use crate::support::redis::RedisServer;
use crate::support::wait::PATIENCE;
use crate::support::{UNHURRIED, bearer, builder, ms, patient_builder, user};

/// What a client receives in the response to one request.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    status: u16,
    code: String,
    reason: Option<String>,
    retry_after: Option<String>,
    /// The error and its sources, in the form in which an outer layer can log them.
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

/// Sends one request through the layer.
async fn ask(manager: &SessionManager, login: &Login) -> Answer {
    let layer = SessionAuthLayer::new(manager.clone());
    let service = ServiceBuilder::new().layer(layer).service_fn(whoami);
    let response = service.oneshot(bearer(&login.access_token)).await.unwrap();
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    if status == 200 {
        assert_eq!(
            response.body(),
            login.session.user_id().as_str(),
            "the answer belongs to the user of the token"
        );
        return Answer {
            status,
            code: String::new(),
            reason: None,
            retry_after: None,
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
    Answer { status, code, reason, retry_after: header("retry-after"), why }
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

/// Returns a manager with the default timeouts.
fn brisk(server: &RedisServer) -> (SessionManager, Worker, PausedStore<RedisStore>) {
    let store = PausedStore::new(RedisStore::new(&server.url()).unwrap());
    let (manager, worker) = builder().store(store.clone()).build().unwrap();
    (manager, worker, store)
}

/// Returns a manager whose timeouts are long enough for a loaded machine. With it, each 503 means
/// that the store has failed.
fn patient(url: &str) -> (SessionManager, Worker, PausedStore<RedisStore>) {
    let store = PausedStore::new(RedisStore::builder(url).timeout(UNHURRIED).build().unwrap());
    let settings = patient_builder(store.clone()).touch_interval(ms(1));
    let (manager, worker) = settings.build().unwrap();
    (manager, worker, store)
}

/// Several clients. Each client sends one request after another until the traffic is stopped.
struct Traffic {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Vec<Answer>>,
}

impl Traffic {
    fn start(manager: &SessionManager, logins: &Arc<[Login]>) -> Self {
        let (stop, answered) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let mut clients = JoinSet::new();
        for client in 0..logins.len() {
            let (manager, logins) = (manager.clone(), Arc::clone(logins));
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            clients.spawn(async move {
                let mut answers = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    answers.push(ask(&manager, &logins[client]).await);
                    answered.fetch_add(1, Ordering::Relaxed);
                    sleep(ms(2)).await;
                }
                answers
            });
        }
        Self { stop, answered, clients }
    }

    /// Waits until this many further requests have been answered.
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

/// Sends requests until `wanted` accepts a response. Returns how long this took.
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
        assert!(Instant::now() < give_up, "no login succeeds");
        sleep(ms(5)).await;
    }
}

/// Asserts that each response has the status 200 or 503. Returns the number of responses with each
/// status.
fn only_ok_or_unavailable(answers: &[Answer]) -> (usize, usize) {
    for answer in answers {
        assert!(answer.is_ok() || answer.is_unavailable(), "{answer:?}");
    }
    let ok = answers.iter().filter(|answer| answer.is_ok()).count();
    (ok, answers.len() - ok)
}

fn login_error(login: Result<Login, SessionError>) -> StoreErrorKind {
    match login {
        Err(SessionError::Store(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// Asserts that a logout fails.
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
