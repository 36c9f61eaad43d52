//! Guards on single routes of an axum application, and in a plain hyper server.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::{delete, get};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::guards::{RequireAcr, RequireFresh, RequireRole};
use tower_session_auth::{NewSession, Session, SessionAuthLayer, SessionManager};

use crate::guards::{Cart, Facts, MINUTE, cart, manager_of};
use crate::support::user;

async fn ask(app: &Router, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let request = Request::builder().method(method).uri(path);
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let code = serde_json::from_str::<Value>(&body)
        .ok()
        .and_then(|body| body.get("code").and_then(Value::as_str).map(str::to_owned));
    (status, code.unwrap_or(body))
}

fn app(manager: SessionManager) -> Router {
    let admin = RequireRole::any_of(["admin", "super_admin"]);
    let users = Router::new()
        .route("/users", get(async || "users").delete(async || "deleted"))
        .route_layer(admin.clone());
    Router::new()
        .route("/hello", get(async |session: Session| session.user_id().to_string()))
        .route("/stats", get(async || "stats").layer(admin))
        .route(
            "/password",
            delete(async || "gone").route_layer(RequireFresh::new(MINUTE)).get(async || "hint"),
        )
        .merge(users)
        .layer(SessionAuthLayer::new(manager).optional())
}

#[tokio::test(start_paused = true)]
async fn guard_protects_only_its_own_route() {
    let (manager, _worker) = manager_of::<()>();
    let app = app(manager.clone());
    let login = async |role| Facts { role, ..Facts::default() }.login(&manager, ()).await;
    let tokens = [login(Some("user")).await.access_token, login(Some("admin")).await.access_token];
    let scope = "insufficient_scope";
    let missing = "missing_token";
    for (method, path, [nobody, user, admin]) in [
        ("GET", "/hello", [(401, missing), (200, "jeju"), (200, "jeju")]),
        ("GET", "/stats", [(401, missing), (403, scope), (200, "stats")]),
        ("GET", "/users", [(401, missing), (403, scope), (200, "users")]),
        ("DELETE", "/users", [(401, missing), (403, scope), (200, "deleted")]),
        ("GET", "/password", [(200, "hint"), (200, "hint"), (200, "hint")]),
        ("DELETE", "/password", [(401, missing), (200, "gone"), (200, "gone")]),
        // A guard does not answer requests to paths without a route.
        ("GET", "/nowhere", [(404, ""), (404, ""), (404, "")]),
    ] {
        let callers = [(None, nobody), (Some(&*tokens[0]), user), (Some(&*tokens[1]), admin)];
        for (token, (status, text)) in callers {
            let seen = ask(&app, method, path, token).await;
            assert_eq!(seen, (status, text.to_owned()), "{method} {path} {:?}", token.is_some());
        }
    }
    tokio::time::advance(2 * MINUTE).await;
    let late = ask(&app, "DELETE", "/password", Some(&tokens[1])).await;
    assert_eq!(late, (401, "insufficient_user_authentication".to_owned()));
    assert_eq!(ask(&app, "GET", "/password", Some(&tokens[1])).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn handler_behind_a_guard_gets_the_session_with_its_data() {
    let (manager, _worker) = manager_of::<Cart>();
    let token = Facts { role: Some("admin"), ..Facts::default() }.login(&manager, cart()).await;
    let handler = async |session: Session<Cart>| format!("{:?}", session.data().items);
    let app = Router::new()
        .route("/", get(handler))
        .layer(RequireRole::new("admin").data::<Cart>())
        .layer(SessionAuthLayer::new(manager));
    assert_eq!(ask(&app, "GET", "/", Some(&token.access_token)).await, (200, "[7]".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn guard_outside_of_the_layer_rejects_all_requests() {
    let (manager, _worker) = manager_of::<()>();
    let token = Facts { role: Some("admin"), ..Facts::default() }.login(&manager, ()).await;
    // In axum, the layer that is added last is the outermost one. Here the guard is added last.
    let wrong = Router::new()
        .route("/", get(async || "opened"))
        .layer(SessionAuthLayer::new(manager))
        .layer(RequireRole::new("admin"));
    for token in [None, Some(&*token.access_token)] {
        assert_eq!(ask(&wrong, "GET", "/", token).await, (500, "internal".to_owned()));
    }
}

/// Serves one request with hyper over a connection in memory, and returns the response.
async fn over_hyper(manager: SessionManager, token: &str) -> String {
    async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        Ok(Response::new("let in".into()))
    }
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(manager))
        .layer(RequireRole::new("admin"))
        .layer(RequireAcr::any_of(["loa3", "loa2"]).unwrap())
        .service_fn(hello);
    let (mut client, server) = tokio::io::duplex(4096);
    let serve = http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(service));
    let request = format!(
        "GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let exchange = async {
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (served, answer) = tokio::join!(serve, exchange);
    served.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn hyper_sends_the_challenge_as_one_header_line() {
    let (manager, _worker) = manager_of::<()>();
    let new = |role: &str, acr: &str| NewSession::new(user("jeju")).role(role).acr(acr);
    for (new, status, challenge) in [
        (new("admin", "loa2"), "200 OK", None),
        (
            new("user", "loa3"),
            "403 Forbidden",
            Some(r#"www-authenticate: Bearer error="insufficient_scope""#),
        ),
        (
            new("admin", "loa1"),
            "401 Unauthorized",
            Some(
                r#"www-authenticate: Bearer error="insufficient_user_authentication", acr_values="loa3 loa2""#,
            ),
        ),
    ] {
        let token = manager.create(new).await.unwrap().access_token;
        let answer = over_hyper(manager.clone(), &token).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        let lines = answer.lines().filter(|line| line.starts_with("www-authenticate"));
        assert_eq!(lines.collect::<Vec<_>>(), Vec::from_iter(challenge), "{answer}");
    }
}
