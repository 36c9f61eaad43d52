//! The inner service answers with a body that has no `From<String>`.

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_session_auth::{SessionAuthLayer, SessionManager};

struct Frames;

fn serve<S: Service<Request<String>>>(_: S) {}

pub fn main(manager: SessionManager) {
    let inner = service_fn(async |_: Request<String>| Ok::<_, ()>(Response::new(Frames)));
    serve(SessionAuthLayer::new(manager).layer(inner));
}
