//! Is it ready, and is it running.

use axum::extract::State;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::answer::{self, Answer};
use super::context::Context;
use super::shapes::{Liveness, Readiness};
use crate::session::SessionData;

/// `GET /health`.
pub(super) async fn ready<D: SessionData>(State(context): State<Context<D>>) -> Answer {
    let health = context.manager.health().await;
    if health.connected {
        return answer::ok(&Readiness::from(health));
    }
    let mut response = answer::json(StatusCode::SERVICE_UNAVAILABLE, &Readiness::from(health))?;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    Ok(response)
}

/// `GET /health/live`.
pub(super) async fn live() -> Answer {
    answer::ok(&Liveness::alive())
}
