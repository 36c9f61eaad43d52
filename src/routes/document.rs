//! The OpenAPI 3.1 document. It is made from the same table as the router.

use std::borrow::Cow;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem, Paths};
use utoipa::openapi::schema::{Components, Schema, SchemaType, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, ObjectBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::access::Access;
use super::delivery::Delivery;
use super::endpoints::Endpoint;
use super::openapi::{About, add_bearer_scheme, add_cookie_schemes, add_schema, operation};
use super::router::{say_405, seal};
use crate::error::ErrorBody;
use crate::error::ErrorCode;

/// Returns a document without routes. It contains the bearer scheme, the schema of error answers,
/// and the tags.
pub(super) fn empty() -> OpenApi {
    let mut components = Components::new();
    add_bearer_scheme(&mut components);
    add_schema::<ErrorBody<'_>>(&mut components);
    let tags = [
        ("Auth", "Login, logout, and the caller's own sessions."),
        (
            "Session Management",
            "The session of the request, and the sessions of all users for administrators.",
        ),
        ("Health", "Readiness and liveness of the service."),
    ];
    let tags =
        tags.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    let mut info = Info::new("Sessions", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Every error answer has a `detail` for people and a stable `code` for programs. Every \
         answer has `Cache-Control: no-store`. A 503 does not mean that the session is over: keep \
         the token, and try again after `Retry-After` seconds."
            .to_owned(),
    );
    OpenApiBuilder::new().info(info).components(Some(components)).tags(Some(tags)).build()
}

/// Adds the endpoints of one mount point.
pub(super) fn add<D>(
    document: &mut OpenApi,
    prefix: &str,
    delivery: &Delivery,
    endpoints: Vec<Endpoint<D>>,
) {
    add_cookie_schemes(document.components.get_or_insert_default(), delivery);
    for mut endpoint in endpoints {
        let changes = endpoint.method != HttpMethod::Get;
        if changes && delivery.acts_on_cookies(endpoint.access) {
            endpoint.about = endpoint.about.problems(&[ErrorCode::CrossSite]);
        }
        let operation = operation(&endpoint.about, endpoint.access, prefix, delivery);
        add_operation(
            &mut document.paths,
            endpoint.path_below(prefix),
            endpoint.method.clone(),
            operation,
        );
        endpoint.about.add_schemas(document.components.get_or_insert_default());
    }
}

fn add_operation(paths: &mut Paths, path: String, method: HttpMethod, mut operation: Operation) {
    // Different prefixes, for example `/a-b` and `/a_b`, can result in the same operation id. In
    // that case, an added number makes the id unique.
    let id = operation.operation_id.clone().unwrap_or_default();
    let mut number = 1;
    while has_operation(paths, &operation) {
        number += 1;
        operation.operation_id = Some(format!("{id}_{number}"));
    }
    paths.paths.entry(path).or_default().merge_operations(PathItem::new(method, operation));
}

/// Returns whether an operation in `paths` has the same id as `operation`.
fn has_operation(paths: &Paths, operation: &Operation) -> bool {
    let id = &operation.operation_id;
    paths.paths.values().any(|item| {
        let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
        operations.into_iter().flatten().any(|other| other.operation_id == *id)
    })
}

/// The schema of the answer that is an OpenAPI document.
enum Document {}

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::new(kind));
        let document = of(Type::Object)
            .description(Some("An OpenAPI document."))
            .property("openapi", of(Type::String))
            .property("info", of(Type::Object))
            .property("paths", of(Type::Object))
            .required("openapi")
            .required("info")
            .required("paths");
        RefOr::T(document.into())
    }
}

impl ToSchema for Document {
    fn name() -> Cow<'static, str> {
        "OpenApiDocument".into()
    }
}

/// Returns a router with one route, which serves an OpenAPI document at `path`. Merge it into your
/// own router. The function also adds this route to the document.
///
/// # Errors
///
/// The error of `serde_json`, if an extension in the document cannot be written as JSON.
///
/// # Panics
///
/// If `path` is not a valid path for axum, as `Router::route` does.
pub fn document(path: &str, mut openapi: OpenApi) -> Result<Router, serde_json::Error> {
    let about = About::new("Health", "openapi", "Get this document", "OpenAPI 3.1 as JSON.");
    let example = json!({"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}});
    let about = about.answers::<Document>(200, "The document.", example);
    let nothing = Delivery::widest();
    let operation = operation(&about, Access::Open, path, &nothing);
    add_schema::<Document>(openapi.components.get_or_insert_default());
    add_operation(&mut openapi.paths, path.to_owned(), HttpMethod::Get, operation);
    let json = Bytes::from(openapi.to_json()?);
    let answer = async move || ([(CONTENT_TYPE, "application/json")], json.clone());
    let router = say_405(Router::new().route(path, get(answer)));
    Ok(seal(router))
}
