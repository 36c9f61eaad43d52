//! Handlers of readiness and liveness.

use axum::extract::State;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::context::Context;
use super::response::{self, Answer};
use super::responses::{Liveness, Readiness};
use crate::session::SessionData;

/// Handles `GET /health`: 200 if the store is connected, else 503 with `Retry-After: 1`.
pub(super) async fn ready<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let health = context.manager.health().await;
    if health.connected {
        return response::ok(&Readiness::from(health));
    }
    let mut response = response::json(StatusCode::SERVICE_UNAVAILABLE, &Readiness::from(health))?;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    Ok(response)
}

/// Handles `GET /health/live`: always 200. The handler asks no other component.
pub(super) async fn live() -> Answer {
    response::ok(&Liveness::alive())
}
