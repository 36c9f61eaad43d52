//! One instance of an application, as far as the library is concerned: a manager with its worker,
//! and its layer.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::manager::{NearCacheState, NearCacheStats, SessionManagerBuilder};
use tower_session_auth::store::RedisStore;
use tower_session_auth::worker::Background;
use tower_session_auth::{Login, NewSession, Session, SessionAuthLayer, SessionManager};

use crate::support::wait::{PATIENCE, until};
use crate::support::{UNHURRIED, bearer, builder, code, ms, patient_builder, patient_store, user};

/// A service that takes a request and returns an answer.
pub(crate) type App = BoxCloneSyncService<Request<String>, Response<String>, Infallible>;

/// What the client of one request sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Admitted, as this user with this role.
    In(String),
    /// 401, with this error code.
    Out(String),
    /// 503: the store is unavailable.
    Unknown,
}

impl Answer {
    pub(crate) fn is_in(&self) -> bool {
        matches!(self, Self::In(_))
    }

    pub(crate) fn is_out(&self) -> bool {
        matches!(self, Self::Out(_))
    }
}

pub(crate) struct Instance {
    pub(crate) manager: SessionManager,
    app: App,
    _background: Option<Background>,
}

impl Instance {
    /// Starts an instance with all defaults.
    pub(crate) fn start(url: &str) -> Self {
        Self::start_with(builder().store(RedisStore::new(url).unwrap()))
    }

    /// Starts an instance with timeouts that a loaded machine does not exceed.
    pub(crate) fn patient(url: &str) -> Self {
        Self::start_with(patient(url))
    }

    pub(crate) fn start_with(settings: SessionManagerBuilder) -> Self {
        let (manager, worker) = settings.build().unwrap();
        let app = app(SessionAuthLayer::new(manager.clone()));
        Self { manager, app, _background: Some(worker.start()) }
    }

    /// Starts an instance without a near cache, which answers from the store only.
    pub(crate) fn truth(url: &str) -> Self {
        Self::start_with(patient(url).without_near_cache())
    }

    pub(crate) fn app(&self) -> App {
        self.app.clone()
    }

    pub(crate) fn near(&self) -> NearCacheStats {
        self.manager.near_cache()
    }

    pub(crate) fn is_coherent(&self) -> bool {
        self.near().state == NearCacheState::Coherent
    }

    /// Waits until the near cache is coherent.
    pub(crate) async fn coherent(&self) -> Duration {
        until("the near cache is coherent", async || self.is_coherent()).await
    }

    pub(crate) async fn ask(&self, token: &str) -> Answer {
        ask(&self.app, token).await
    }

    /// Sends requests until the answer comes from the near cache.
    pub(crate) async fn cached(&self, token: &str) {
        until("the token is served from the near cache", async || {
            let before = self.near().hits;
            self.ask(token).await.is_in() && self.near().hits > before
        })
        .await;
    }

    pub(crate) async fn login(&self, id: &str) -> Login {
        self.manager.create(NewSession::new(user(id)).role("v0")).await.unwrap()
    }

    /// Logs in, and repeats that until the store accepts it.
    pub(crate) async fn login_again(&self, id: &str) -> Login {
        let start = Instant::now();
        loop {
            match self.manager.create(NewSession::new(user(id)).role("v0")).await {
                Ok(login) => return login,
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error:?}"),
            }
            tokio::time::sleep(ms(5)).await;
        }
    }

    /// Logs out, and repeats that until the store has acknowledged it.
    pub(crate) async fn logout(&self, token: &str) {
        let start = Instant::now();
        while let Err(error) = self.manager.logout(token).await {
            assert!(error.kind().status() == 503 && start.elapsed() < PATIENCE, "{error:?}");
        }
    }
}

/// Settings with timeouts and a lease that a loaded machine does not exceed. For tests that count
/// events and measure no times.
pub(crate) fn unhurried(url: &str) -> SessionManagerBuilder {
    patient_builder(patient_store(url))
}

pub(crate) fn patient(url: &str) -> SessionManagerBuilder {
    patient_builder(RedisStore::builder(url).timeout(UNHURRIED).build().unwrap())
}

/// Puts the layer around a service that returns the user and the role of its caller.
pub(crate) fn app(layer: SessionAuthLayer) -> App {
    BoxCloneSyncService::new(ServiceBuilder::new().layer(layer).service_fn(whoami))
}

async fn whoami(request: Request<String>) -> Result<Response<String>, Infallible> {
    let session = request.extensions().get::<Session>().unwrap();
    let role = session.role().unwrap_or_default();
    Ok(Response::new(format!("{} {role}", session.user_id())))
}

pub(crate) async fn ask(app: &App, token: &str) -> Answer {
    let response = app.clone().oneshot(bearer(token)).await.unwrap();
    match response.status().as_u16() {
        200 => Answer::In(response.into_body()),
        401 => Answer::Out(code(&response)),
        503 => Answer::Unknown,
        other => panic!("{other}: {}", response.body()),
    }
}
