//! The application: the library's routes are one service, its own route is another, and the path
//! decides which one gets a request.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt as _, service_fn};
use tower_session_auth::routes::document;
use tower_session_auth::{Session, SessionAuthLayer};

use crate::body::Body;
use crate::common::data::{Data, openapi};
use crate::common::demo::Demo;

type Requests = Request<Incoming>;

type App = BoxCloneSyncService<Requests, Response<Body>, Infallible>;

pub(crate) fn app(demo: &Demo) -> Result<App, BoxError> {
    // Only requests with a token of a live session reach `data`.
    let data = ServiceBuilder::new()
        .map_response(boxed)
        .layer(SessionAuthLayer::new(demo.manager.clone()))
        .service_fn(data);
    // These routes also answer 404 for unknown paths.
    let document = document("/api/openapi.json", openapi(&demo.routes))?;
    let routes = demo.routes.standard().merge(document);
    let routes = ServiceBuilder::new().map_response(boxed).service(routes);

    Ok(App::new(service_fn(move |request: Requests| {
        let (data, routes) = (data.clone(), routes.clone());
        async move {
            match request.uri().path() {
                "/api/data" => data.oneshot(request).await,
                _ => routes.oneshot(request).await,
            }
        }
    })))
}

/// Converts the bodies of all services to one type.
fn boxed<B>(response: Response<B>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(Body::new)
}

/// Answers with the session that the layer has put into the request.
async fn data(request: Requests) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    match (request.method(), request.extensions().get::<Session>()) {
        (&Method::GET | &Method::HEAD, Some(session)) => {
            let json = serde_json::to_vec(&Data::of(session)).unwrap_or_default();
            *response.body_mut() = json.into();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        (_, Some(_)) => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        // Happens only without the layer.
        (_, None) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    Ok(response)
}
