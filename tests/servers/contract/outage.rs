//! Redis becomes unavailable, and returns.

use serde_json::json;

use crate::contract::World;
use crate::contract::bearer::protected;
use crate::contract::paths::cache;
use crate::contract::table::{Row, get, post};
use crate::contract::{Login, message};
use crate::support::redis::RedisServer;
use crate::support::server::until;

/// While the store is unavailable, the server returns 503 and never 401. Routes that need no store
/// answer as usual.
fn outage_rows(login: &Login) -> Vec<Row> {
    let mut rows = Vec::new();
    for route in protected() {
        rows.push(route.clone().token(&login.token).refused("store_unavailable"));
        rows.push(route.clone().refused("missing_token"));
        rows.push(route.token("x").refused("invalid_token"));
    }
    for auth in ["/api/auth", "/auth"] {
        let logout = post(format!("{auth}/logout")).token(&login.token);
        rows.push(logout.refused("store_unavailable"));
        for user in ["jeju", "nobody"] {
            let body = json!({"user_id": user, "password": "password123"});
            rows.push(post(format!("{auth}/login")).json(&body).refused("store_unavailable"));
        }
    }
    for path in ["/health", "/auth/health"] {
        let degraded = json!({
            "status": "degraded",
            "store": {
                "kind": "redis", "connected": false, "writable": false, "problem": "unavailable",
                "version": null, "latency_ms": null,
            },
            "cache": cache(false, "connecting"),
            "worker": "running",
        });
        rows.push(get(path).answers(503, degraded));
    }
    rows.push(get("/health/ready").answers(503, json!({"status": "unavailable"})));
    rows.push(get("/health/live").answers(200, json!({"status": "alive"})));
    rows.push(get("/api/openapi.json").answers(200, json!("<any>")));
    rows
}

pub(crate) async fn check(world: World, redis: &mut RedisServer) {
    let (jeju, admin) = (world.log_in("jeju").await, world.log_in("admin").await);
    let data = || get("/api/data").token(&jeju.token);

    // Redis hangs. The server answers each request, and no session is lost.
    redis.pause();
    // The near cache serves its entries until its lease ends.
    until(world.server, "/api/data", Some(&admin.token), 503).await;
    world.check(outage_rows(&admin)).await;
    redis.resume();
    until(world.server, "/health", None, 200).await;
    until(world.server, "/api/data", Some(&jeju.token), 200).await;
    until(world.server, "/api/session/all", Some(&admin.token), 200).await;
    let logout = post("/api/auth/logout").token(&jeju.token);
    world
        .check([logout.answers(200, message("Successfully logged out")), data().revoked("logout")])
        .await;

    // Redis is killed and restarts empty. All earlier sessions are invalid, and a new login
    // succeeds.
    redis.stop();
    until(world.server, "/api/data", Some(&admin.token), 503).await;
    world.check(outage_rows(&admin)).await;
    redis.restart().await;
    until(world.server, "/health", None, 200).await;
    let all = || get("/api/session/all").token(&admin.token);
    world.check([all().refused("session_expired"), data().refused("session_expired")]).await;
    let again = world.log_in("jeju").await;
    world.check([get("/api/data").token(&again.token).answers(200, json!("<any>"))]).await;
}
