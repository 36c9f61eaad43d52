//! `/health` (is it ready) and `/health/live` (is it running).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::app::App;

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    store: Store,
    cache: Cache,
}

#[derive(Serialize)]
struct Store {
    kind: &'static str,
    connected: bool,
    version: Option<String>,
    latency_ms: Option<f64>,
}

/// Every request asks the store itself, so what is answered is what the store says.
#[derive(Serialize)]
struct Cache {
    coherent: bool,
}

pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = app.manager.health().await;
    let (status, word) = if health.connected {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    let store = Store {
        kind: health.kind,
        connected: health.connected,
        version: health.version,
        latency_ms: health.latency.map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3),
    };
    (status, Json(Health { status: word, store, cache: Cache { coherent: health.connected } }))
}

pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "alive"}))
}
