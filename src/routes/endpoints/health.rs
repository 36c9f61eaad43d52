//! The health routes.

use axum::routing::get;
use serde_json::{Value, json};
use utoipa::openapi::path::HttpMethod;

use super::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::routes::access::Access;
use crate::routes::health;
use crate::routes::openapi::About;
use crate::routes::responses::{Health, Liveness, Readiness};
use crate::session::SessionData;

const TAG: &str = "Health";

pub(super) fn all<D: SessionData>() -> Vec<Endpoint<D>> {
    vec![
        health("/"),
        Endpoint {
            method: HttpMethod::Get,
            path: "/ready",
            access: Access::Open,
            handler: get(health::ready::<D>),
            about: About::new(
                TAG,
                "ready",
                "Check whether the service can answer requests that need a session",
                "Asks the session store at each request. The body holds one word, without details \
                 of the store.",
            )
            .answers::<Readiness>(
                200,
                "The session store answers, or the service's failure policy can answer without it.",
                json!({"status": "ready"}),
            )
            .answers::<Readiness>(
                503,
                "The session store does not answer, or its server is not the primary. The \
                 service's failure policy cannot answer without it.",
                json!({"status": "unavailable"}),
            )
            .problems(&[ErrorCode::RequestTimeout, ErrorCode::Internal]),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: "/live",
            access: Access::Open,
            handler: get(health::live),
            about: About::new(
                TAG,
                "live",
                "Check whether the service runs",
                "Always 200. The route does not ask the session store.",
            )
            .answers::<Liveness>(200, "The service runs.", json!({"status": "alive"})),
        },
    ]
}

/// Returns an example of the state of the near cache.
fn cache(coherent: bool, state: &str) -> Value {
    json!({
        "coherent": coherent, "state": state, "since_seconds": 61.5, "entries": 1200,
        "hits": 98300, "misses": 1700, "fills": 1650, "invalidations": 400, "lost_links": 0,
        "stale_served": 0, "lag_ms": 0.2,
    })
}

pub(super) fn health<D: SessionData>(path: &'static str) -> Endpoint<D> {
    let about = About::new(
        TAG,
        "health",
        "Return the state of the service",
        "Asks the session store at each request.",
    );
    let about = about
        .answers::<Health>(
            200,
            "The session store answers. The status is `degraded` if the store accepts no writes or \
             if the background worker does not run.",
            json!({
                "status": "healthy",
                "store": {
                    "kind": "redis", "connected": true, "writable": true, "problem": null,
                    "version": "7.0.15", "latency_ms": 0.2,
                },
                "cache": cache(true, "coherent"),
                "worker": "running",
            }),
        )
        .answers::<Health>(
            503,
            "The session store does not answer, or its server is not the primary.",
            json!({
                "status": "degraded",
                "store": {
                    "kind": "redis", "connected": false, "writable": false,
                    "problem": "unavailable", "version": null, "latency_ms": null,
                },
                "cache": cache(false, "connecting"),
                "worker": "running",
            }),
        )
        .problems(&[ErrorCode::RequestTimeout, ErrorCode::Internal]);
    Endpoint {
        method: HttpMethod::Get,
        path,
        access: Access::Open,
        handler: get(health::health::<D>),
        about,
    }
}
