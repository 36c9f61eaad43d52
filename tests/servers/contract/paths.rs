//! Paths and methods: health routes, unknown paths, methods that are not allowed, and the OpenAPI
//! document.

use serde_json::{Value, json};

use crate::contract::World;
use crate::contract::table::{Row, get, matches, post, send};

/// The near cache section of `/health`.
pub(crate) fn cache(coherent: bool, state: &str) -> Value {
    json!({
        "coherent": coherent, "state": state, "since_seconds": "<number>", "entries": "<number>",
        "hits": "<number>", "misses": "<number>", "fills": "<number>",
        "invalidations": "<number>", "lost_links": "<number>", "stale_served": 0,
        "lag_ms": if state == "off" { Value::Null } else { json!("<number>") },
    })
}

fn health(world: World) -> Vec<Row> {
    let version = if world.store == "redis" { json!("<with .>") } else { json!(null) };
    let healthy = json!({
        "status": "healthy",
        "store": {
            "kind": world.store, "connected": true, "writable": true, "problem": null,
            "version": version, "latency_ms": "<number>",
        },
        "cache": cache(true, if world.store == "redis" { "coherent" } else { "off" }),
        "worker": "running",
    });
    let mut rows = Vec::new();
    for path in ["/health", "/api/auth/health", "/auth/health"] {
        rows.push(get(path).answers(200, healthy.clone()));
        rows.push(send("HEAD", path).answers(200, json!(null)));
        rows.push(get(path).token("x").answers(200, healthy.clone()).note("with an invalid token"));
        rows.push(post(path).not_allowed("GET, HEAD"));
    }
    rows.push(get("/health/ready").answers(200, json!({"status": "ready"})));
    rows.push(send("POST", "/health/ready").not_allowed("GET, HEAD"));
    rows.push(get("/health/live").answers(200, json!({"status": "alive"})));
    rows.push(send("HEAD", "/health/live").answers(200, json!(null)));
    rows.push(send("DELETE", "/health/live").not_allowed("GET, HEAD"));
    rows
}

fn unknown_paths(token: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in [
        "/nowhere",
        "/api",
        "/api/",
        "/api/auth",
        "/api/auth/",
        "/api/auth/nowhere",
        "/auth/me/",
        "/auth//me",
        "/API/DATA",
        "/api/session/",
        "/api/data/",
        "/api/data/more",
        "/health/",
        "/health/live/more",
        "/%2e%2e/etc/passwd",
        "/api/auth/../data",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let row = send(method, path).token(token).refused("not_found");
            rows.push(row);
        }
        rows.push(send("HEAD", path).token(token).refused("not_found"));
    }
    // Behind the layer, a request without a session does not learn which paths exist.
    for path in ["/api/session", "/api/session/nowhere", "/api/session/user"] {
        rows.push(get(path).token(token).refused("not_found"));
        rows.push(get(path).refused("missing_token"));
        rows.push(get(path).token("x").refused("invalid_token"));
    }
    rows
}

fn methods(token: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for auth in ["/api/auth", "/auth"] {
        for (path, allow) in [
            ("/login", "POST"),
            ("/logout", "POST"),
            ("/logout-all", "POST"),
            ("/me", "GET, HEAD"),
            ("/sessions", "GET, HEAD"),
            ("/sessions/x", "DELETE"),
            ("/sessions/", "DELETE"),
        ] {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
                if !allow.contains(method) {
                    rows.push(
                        send(method, format!("{auth}{path}")).token(token).not_allowed(allow),
                    );
                }
            }
        }
    }
    for (path, allow) in [
        ("/api/data", "GET, HEAD"),
        ("/api/session/me", "GET, HEAD"),
        ("/api/session/refresh", "POST"),
        ("/api/session/all", "GET, HEAD"),
        ("/api/session/stats", "GET, HEAD"),
        ("/api/session/user/jeju", "GET, HEAD, DELETE"),
        ("/api/session/cleanup", "POST"),
    ] {
        for method in ["PUT", "PATCH"] {
            rows.push(send(method, path).token(token).not_allowed(allow));
            rows.push(send(method, path).refused("missing_token").note("without a token"));
        }
    }
    rows
}

fn heads(token: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in
        ["/api/data", "/api/auth/me", "/auth/sessions", "/api/session/me", "/api/session/all"]
    {
        rows.push(send("HEAD", path).token(token).answers(200, json!(null)));
        rows.push(send("HEAD", path).refused("missing_token"));
    }
    rows.push(send("HEAD", "/api/openapi.json").answers(200, json!(null)));
    rows
}

async fn document(world: World) {
    let reply = get("/api/openapi.json").patiently_to(world.server).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let document = &reply.body;
    matches(&json!("<with 3.1>"), &document["openapi"], "openapi").unwrap();
    for path in [
        "/api/auth/login",
        "/auth/login",
        "/api/auth/logout",
        "/api/auth/logout-all",
        "/auth/me",
        "/auth/sessions",
        "/api/auth/sessions/{session_id}",
        "/api/auth/health",
        "/api/session/me",
        "/api/session/refresh",
        "/api/session/all",
        "/api/session/stats",
        "/api/session/user/{user_id}",
        "/api/session/cleanup",
        "/health",
        "/health/live",
        "/health/ready",
        "/api/data",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path} is not in the document");
    }
}

pub(crate) async fn check(world: World) {
    let admin = world.log_in("admin").await;
    world.check(health(world)).await;
    world.check(unknown_paths(&admin.token)).await;
    world.check(methods(&admin.token)).await;
    world.check(heads(&admin.token)).await;
    world.check([post("/api/openapi.json").not_allowed("GET, HEAD")]).await;
    document(world).await;
}
