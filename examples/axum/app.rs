//! The application: the library's routes, and one route of its own that needs a session.

use axum::routing::get;
use axum::{BoxError, Json, Router};
use tower_session_auth::routes::document;
use tower_session_auth::{Session, SessionAuthLayer};

use crate::common::data::{Data, openapi};
use crate::common::demo::Demo;
use crate::{docs, page};

pub(crate) fn app(demo: &Demo) -> Result<Router, BoxError> {
    // The layer protects only the routes of this router: each request needs a token and a session.
    let protected = Router::new()
        .route("/api/data", get(data))
        .layer(SessionAuthLayer::new(demo.manager.clone()));

    Ok(demo
        .routes
        .standard()
        .merge(protected)
        .merge(document("/api/openapi.json", openapi(&demo.routes))?)
        .merge(docs::swagger_ui())
        .merge(page::router()))
}

/// Takes the session as an argument: the layer lets only requests with a live session through.
async fn data(session: Session) -> Json<Data> {
    Json(Data::of(&session))
}
