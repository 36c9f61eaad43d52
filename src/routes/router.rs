//! The table as routers: which guard stands around which route.

use std::mem;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use tokio::time::timeout;

use super::code::Code;
use super::context::Context;
use super::contract::ContractErrorsLayer;
use super::input;
use super::problem::Problem;
use super::table::{Access, Endpoint, Group};
use crate::guards::RequireRole;
use crate::layer::SessionAuthLayer;
use crate::session::SessionData;

/// One group's routes, each behind what it needs.
pub(super) fn router<D: SessionData>(group: Group, context: Context<D>) -> Router {
    let (mut open, mut session, mut admin) = (Router::new(), Router::new(), Router::new());
    for Endpoint { path, access, handler, .. } in group.endpoints::<D>(&context.delivery) {
        let router = match access {
            Access::Open | Access::Token | Access::Refresh => &mut open,
            Access::Session => &mut session,
            Access::Admin => &mut admin,
        };
        let mut grown = mem::take(router).route(path, handler.clone());
        // axum takes no empty parameter. The handler is not asked: below a parameter of the application's own with the
        // same name it would find that one.
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
        // Nobody without a session learns which paths there are.
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

/// The path with each of its parameters left empty in turn, and that parameter's name.
fn with_an_empty_parameter(path: &'static str) -> impl Iterator<Item = (String, &'static str)> {
    path.match_indices('{').filter_map(move |(start, _)| {
        let (param, rest) = path.get(start + 1..)?.split_once('}')?;
        Some((format!("{}{rest}", path.get(..start)?), param))
    })
}

/// Routes of that access, out of reach for other sites if cookies count there.
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

/// What all routes have in common, whoever mounts them.
pub(super) fn seal(router: Router) -> Router {
    router.layer(ContractErrorsLayer::new()).layer(middleware::map_response(sealed))
}

/// axum adds `Allow`.
pub(super) fn say_405<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.method_not_allowed_fallback(async || Problem::from(Code::MethodNotAllowed))
}

async fn not_found() -> Problem {
    Code::NotFound.into()
}

async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let answer = timeout(limit, next.run(request)).await;
    answer.unwrap_or_else(|_| Problem::from(Code::RequestTimeout).into_response())
}

/// Nobody keeps these answers, and nobody guesses what they are.
async fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
