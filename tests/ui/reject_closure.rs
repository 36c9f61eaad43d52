//! The closure of `on_reject` answers with another body than the inner service.

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_session_auth::auth_layer::Head;
use tower_session_auth::{AuthError, SessionAuthLayer, SessionManager};

struct Frames;

fn serve<S: Service<Request<String>>>(_: S) {}

fn refuse(error: &AuthError, _: Head<'_>) -> Response<String> {
    error.to_response()
}

pub fn main(manager: SessionManager) {
    let inner = service_fn(async |_: Request<String>| Ok::<_, ()>(Response::new(Frames)));
    serve(SessionAuthLayer::new(manager).on_reject(refuse).layer(inner));
}
