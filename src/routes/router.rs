//! Builds the routers from the route table, each route behind its guard.

use std::mem;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;

use super::access::Access;
use super::context::Context;
use super::contract::ContractErrorsLayer;
use super::endpoints::{Endpoint, Group};
use super::error_response::Problem;
use super::input;
use super::response::seal as seal_headers;
use crate::error::ErrorCode;
use crate::middleware::guards::RequireRole;
use crate::middleware::layer::SessionAuthLayer;
use crate::session::SessionData;

/// Builds the router of one group. Each route is behind the layers that its access requires.
pub(super) fn router<D: SessionData>(group: Group, context: Context<D>) -> Router {
    let (mut open, mut session, mut admin) = (Router::new(), Router::new(), Router::new());
    for Endpoint { path, access, handler, .. } in group.endpoints::<D>(&context.delivery) {
        let router = match access {
            Access::Open | Access::Token | Access::Refresh => &mut open,
            Access::Session => &mut session,
            Access::Admin => &mut admin,
        };
        let mut grown = mem::take(router).route(path, handler.clone());
        // axum does not match an empty parameter, so a path with an empty parameter needs its own
        // route. That route answers without calling the handler. The application can nest the
        // routes below a parameter that has the same name. Without the extra route's answer, the
        // handler would read the application's parameter instead of the empty one.
        for (without, param) in with_an_empty_parameter(path) {
            let refuse = async move |_: Request, _: Next| input::empty(param).into_response();
            let refused = handler.clone().route_layer(middleware::from_fn(refuse));
            grown = grown.route(&without, refused);
        }
        *router = grown;
    }
    let layer = SessionAuthLayer::new(context.manager.clone());
    let layer = layer.token_source(context.delivery.source.clone());
    let role = RequireRole::any_of(context.admin_roles.iter().cloned()).data::<D>();
    let limit = context.timeout;
    let router = match group {
        // The layer is also around the fallback, so a client without a session cannot find out
        // which paths exist.
        Group::Session => {
            let admin = say_405(admin).route_layer(role);
            let router = say_405(session).merge(admin).fallback(not_found).layer(layer);
            same_origin(router, Access::Session, &context)
        }
        Group::Auth => {
            let open = same_origin(say_405(open), Access::Open, &context);
            let session = say_405(session).route_layer(layer);
            open.merge(same_origin(session, Access::Session, &context)).fallback(not_found)
        }
        Group::Health => say_405(open).fallback(not_found),
    };
    seal(router.with_state(context).layer(middleware::from_fn_with_state(limit, in_time)))
}

/// Returns one path for each parameter of `path`: the path with this parameter left empty, together
/// with the parameter's name.
fn with_an_empty_parameter(path: &'static str) -> impl Iterator<Item = (String, &'static str)> {
    path.match_indices('{').filter_map(move |(start, _)| {
        let (param, rest) = path.get(start + 1..)?.split_once('}')?;
        Some((format!("{}{rest}", path.get(..start)?), param))
    })
}

/// Adds the same-origin check to routes with this access, if the routes act on cookies.
fn same_origin<D: SessionData>(
    router: Router<Context<D>>,
    access: Access,
    context: &Context<D>,
) -> Router<Context<D>> {
    if context.delivery.acts_on_cookies(access) {
        router.route_layer(context.same_origin.clone())
    } else {
        router
    }
}

/// Adds what all routes have in common, wherever they are mounted.
pub(super) fn seal(router: Router) -> Router {
    router.layer(ContractErrorsLayer::new()).layer(middleware::map_response(sealed))
}

/// Answers 405 `method_not_allowed` to a method that a route does not have. axum adds `Allow`.
pub(super) fn say_405<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.method_not_allowed_fallback(async || Problem::from(ErrorCode::MethodNotAllowed))
}

async fn not_found() -> Problem {
    ErrorCode::NotFound.into()
}

/// Answers 408 to a request that takes longer than `limit`, and drops the handler's future.
async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let answer = timeout(limit, next.run(request)).await;
    answer.unwrap_or_else(|_| Problem::from(ErrorCode::RequestTimeout).into_response())
}

async fn sealed(mut response: Response) -> Response {
    seal_headers(response.headers_mut());
    response
}
