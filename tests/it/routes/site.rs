//! A `Site` has the routes at their standard mounts, over a store that can fail. This module also
//! sends requests to sites.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_session_auth::SessionManager;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::routes::{Mounts, Routes, RoutesBuilder, document};
use tower_session_auth::store::{MemoryStore, WhenFull};
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::worker::Background;

use crate::routes::desk::Desk;
use crate::support::paused::PausedStore;
use crate::support::switch::SwitchStore;
use crate::support::{START, builder};

/// The client address of a request. A test sets it.
#[derive(Clone, Copy)]
pub(crate) struct From(pub IpAddr);

pub(crate) struct Site {
    pub manager: SessionManager,
    pub store: SwitchStore,
    /// The store that the manager uses. It wraps `store`, and a test can pause single calls in it.
    pub stops: PausedStore<SwitchStore>,
    pub desk: Desk,
    pub routes: Routes,
    pub router: Router,
    events: Arc<Mutex<Vec<Event>>>,
    background: Background,
}

/// A response with its complete body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status and the error code.
    pub(crate) fn said(&self) -> (u16, &str) {
        (self.status, self.code())
    }
}

pub(crate) fn site() -> Site {
    site_with(|builder, _| builder, |routes| routes)
}

/// A site on Tokio's clock. The test pauses this clock.
pub(crate) fn site_with(
    manager: impl FnOnce(SessionManagerBuilder, &Desk) -> SessionManagerBuilder,
    routes: impl FnOnce(RoutesBuilder) -> RoutesBuilder,
) -> Site {
    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock));
    let (desk, events) = (Desk::new(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&events);
    let stops = PausedStore::new(store.clone());
    let builder = builder().clock(clock).store(stops.clone());
    let builder = builder.event_sink(move |event: &Event| told.lock().unwrap().push(event.clone()));
    let (manager, worker) = manager(builder, &desk).build().unwrap();
    let builder = Routes::builder(manager.clone(), desk.clone());
    let builder = builder.client_address(|parts| parts.extensions.get::<From>().map(|from| from.0));
    let routes = routes(builder).build().unwrap();
    let openapi = routes.openapi(&Mounts::standard());
    let router = routes.standard().merge(document("/api/openapi.json", openapi).unwrap());
    Site { manager, store, stops, desk, routes, router, events, background: worker.start() }
}

pub(crate) fn limit(
    max: u32,
) -> impl FnOnce(SessionManagerBuilder, &Desk) -> SessionManagerBuilder {
    move |builder, _| builder.session_limit(max).when_full(WhenFull::Refuse)
}

impl Site {
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        send(&self.router, request).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, token: Option<&str>) -> Reply {
        self.send(request(method, path, token, Body::empty())).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, Some(token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str) -> Reply {
        self.call("POST", path, Some(token)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Reply {
        self.call("DELETE", path, Some(token)).await
    }

    pub(crate) async fn log_in(&self, user: &str, password: &str) -> Reply {
        let body = json!({"user_id": user, "password": password});
        self.log_in_with(body.to_string()).await
    }

    pub(crate) async fn log_in_with(&self, body: impl Into<Body>) -> Reply {
        let mut request = request("POST", "/api/auth/login", None, body.into());
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        self.send(request).await
    }

    /// Logs in and returns the access token.
    pub(crate) async fn token(&self, user: &str) -> String {
        let password = if user == "admin" { "admin123" } else { "password123" };
        let reply = self.log_in(user, password).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Logs in and returns the session id and the access token.
    pub(crate) async fn session(&self, user: &str) -> (String, String) {
        let token = self.token(user).await;
        let session = self.manager.authenticate(&token).await.unwrap();
        (session.id().to_string(), token)
    }

    /// The number of sessions of a user.
    pub(crate) async fn count(&self, user: &str) -> usize {
        self.manager.sessions(&crate::support::user(user)).await.unwrap().len()
    }

    /// Stops the worker. Returns all events that the sink has received.
    pub(crate) async fn told(self) -> Vec<Event> {
        self.background.stop().await.unwrap();
        self.events.lock().unwrap().clone()
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Reply {
    read(router.clone().oneshot(request).await.unwrap()).await
}

/// Reads a response with its complete body.
pub(crate) async fn read(response: Response<Body>) -> Reply {
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status: parts.status.as_u16(), headers: parts.headers, text, body }
}

pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: Body) -> Request<Body> {
    let method: Method = method.parse().unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(body).unwrap()
}
