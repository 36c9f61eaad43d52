//! A world has a real Redis server and a manager with a near cache. Its layers protect a service
//! that reports its caller.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_session_auth::auth_layer::Caller;
use tower_session_auth::manager::{NearCacheState, SessionManagerBuilder};
use tower_session_auth::worker::Background;
use tower_session_auth::{RedisStore, SessionAuthLayer, SessionManager};

use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{UNHURRIED, bearer, code, patient_builder, patient_store};

pub(crate) struct World {
    pub(crate) server: RedisServer,
    pub(crate) manager: SessionManager,
    pub(crate) background: Background,
}

/// A world with a coherent near cache. Its timeouts are long enough for a loaded machine.
pub(crate) async fn world() -> World {
    world_with(|builder| builder).await
}

pub(crate) async fn world_with(
    change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
) -> World {
    let server = RedisServer::start().await;
    let store = patient_store(&server.url());
    world_of(server, store, change).await
}

/// A world with the default lease.
pub(crate) async fn world_with_a_short_lease() -> World {
    let server = RedisServer::start().await;
    let store = RedisStore::builder(server.url()).timeout(UNHURRIED).build().unwrap();
    world_of(server, store, |builder| builder).await
}

async fn world_of(
    server: RedisServer,
    store: RedisStore,
    change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
) -> World {
    let (manager, worker) = change(patient_builder(store)).build().unwrap();
    let background = worker.start();
    let world = World { server, manager, background };
    world.coherent().await;
    world
}

impl World {
    pub(crate) async fn coherent(&self) {
        self.reaches(NearCacheState::Coherent).await;
    }

    pub(crate) async fn reaches(&self, state: NearCacheState) {
        until(&format!("{state:?}"), async || self.manager.near_cache().state == state).await;
    }

    /// Kills Redis and waits until the near cache has noticed this. Before that, the near cache
    /// still uses its entries, for at most the lease.
    pub(crate) async fn redis_is_gone(&mut self) {
        self.server.stop();
        self.reaches(NearCacheState::Connecting).await;
    }

    pub(crate) fn layer(&self) -> SessionAuthLayer {
        SessionAuthLayer::new(self.manager.clone())
    }
}

/// Returns what the handler behind a layer sees: `live`, `stale` or `token only`. If the layer
/// refuses the request, returns the error code that the client receives.
pub(crate) async fn sees(layer: &SessionAuthLayer, token: &str) -> String {
    let service = layer.layer(service_fn(describe_caller));
    let response = service.oneshot(bearer(token)).await.unwrap();
    if response.status().is_success() { response.into_body() } else { code(&response) }
}

async fn describe_caller(request: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(match Caller::<()>::of(request.extensions()) {
        Ok(Caller::Session(session)) if session.is_stale() => "stale".to_owned(),
        Ok(Caller::Session(_)) => "live".to_owned(),
        Ok(Caller::TokenOnly(token)) => format!("token only {}", token.claims().user().as_str()),
        Err(error) => format!("nobody: {error}"),
    }))
}
