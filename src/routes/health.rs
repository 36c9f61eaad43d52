//! Handlers of health, readiness and liveness.

use axum::extract::State;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::context::Context;
use super::response::{self, Answer};
use super::responses::{Health, Liveness, Readiness};
use crate::session::SessionData;

/// Handles `GET /health`: 200 if the store is connected, else 503 with `Retry-After: 1`.
pub(super) async fn health<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let health = context.manager.health().await;
    if health.connected {
        return response::ok(&Health::from(health));
    }
    unavailable(&Health::from(health))
}

/// Handles `GET /health/ready`: 200 if the service can answer requests that need a session, else
/// 503 with `Retry-After: 1`.
pub(super) async fn ready<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let health = context.manager.health().await;
    if health.is_ready(context.readiness_policy) {
        response::ok(&Readiness::ready())
    } else {
        unavailable(&Readiness::unavailable())
    }
}

fn unavailable(body: &impl Serialize) -> Answer {
    let mut response = response::json(StatusCode::SERVICE_UNAVAILABLE, body)?;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    Ok(response)
}

/// Handles `GET /health/live`: always 200. The handler asks no other component.
pub(super) async fn live() -> Answer {
    response::ok(&Liveness::alive())
}
