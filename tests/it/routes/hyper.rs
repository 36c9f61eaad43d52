//! A plain hyper server that serves the routes through hyper's adapter for Tower services.

use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_session_auth::routes::{ContractErrorsLayer, Routes};

use crate::routes::desk::Desk;
use crate::routes::site::{request, send};
use crate::support::client::{get, post};
use crate::support::manager;

#[tokio::test]
async fn hyper_serves_the_routes_through_the_tower_adapter() {
    let (manager, worker) = manager(tower_session_auth::store::MemoryStore::new());
    let background = worker.start();
    let routes = Routes::builder(manager, Desk::new()).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let service =
        ServiceBuilder::new().layer(ContractErrorsLayer::new()).service(routes.standard());
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });

    let login = r#"{"user_id":"jeju","password":"password123"}"#;
    let reply = post(server, "/api/auth/login", None, login).await;
    assert_eq!(reply.status, 200);
    let token = reply.body["access_token"].as_str().unwrap().to_owned();
    let me = get(server, "/api/session/me", Some(&token)).await;
    assert_eq!((me.status, &me.body["user_id"]), (200, &"jeju".into()));
    assert_eq!(get(server, "/api/session/all", Some(&token)).await.status, 403);
    assert_eq!(
        get(server, "/api/session/all", None).await.header("www-authenticate"),
        Some("Bearer")
    );
    assert_eq!(get(server, "/nowhere", None).await.code(), "not_found");
    let too_large = "x".repeat(17 * 1024);
    assert_eq!(post(server, "/auth/login", None, &too_large).await.status, 413);
    assert_eq!(post(server, "/auth/logout", Some(&token), "").await.status, 200);
    assert_eq!(get(server, "/auth/me", Some(&token)).await.code(), "session_revoked");
    let health = get(server, "/health", None).await;
    assert_eq!((health.status, &health.body["status"]), (200, &"healthy".into()));
    background.stop().await.unwrap();
    // The routes still answer. The health route reports that the worker has stopped.
    let health = get(server, "/health", None).await;
    assert_eq!((health.status, &health.body["status"]), (200, &"degraded".into()));
    assert_eq!(health.body["worker"], "stopped");
    serving.abort();
}

#[tokio::test]
async fn health_is_degraded_before_the_worker_starts_and_after_it_is_dropped() {
    let (manager, worker) = manager(tower_session_auth::store::MemoryStore::new());
    let router = Routes::builder(manager, Desk::new()).build().unwrap().standard();
    let is_degraded = async |state: &str| {
        let reply = send(&router, request("GET", "/health", None, Body::empty())).await;
        assert_eq!((reply.status, &reply.body["status"]), (200, &"degraded".into()), "{state}");
        assert_eq!(reply.body["worker"], state);
    };
    is_degraded("not_started").await;
    drop(worker);
    is_degraded("lost").await;
}
