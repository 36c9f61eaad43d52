//! Makes an OpenAPI operation from the description of a route.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Header, ObjectBuilder, Ref, Required};

use super::super::access::Access;
use super::super::delivery::Delivery;
use super::about::{About, Shape};
use super::security::schemes;
use crate::error::ErrorCode;
use crate::reason::RevokeReason;

const JSON: &str = "application/json";

/// Name of the schema of error answers in the document.
const PROBLEM: &str = "Problem";

/// Returns the operation of a route that is mounted under `prefix`.
pub(in crate::routes) fn operation(
    about: &About,
    access: Access,
    prefix: &str,
    delivery: &Delivery,
) -> Operation {
    let mut operation = OperationBuilder::new()
        .tag(about.tag)
        .summary(Some(about.summary))
        .description(Some(about.description))
        .operation_id(Some(operation_id(prefix, about.name)));
    for parameter in &about.parameters {
        operation = operation.parameter(parameter.clone());
    }
    if let Some(body) = &about.body {
        let required = if about.body_required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().required(Some(required)).content(JSON, content(body));
        operation = operation.request_body(Some(body.build()));
    }
    for scheme in schemes(access, delivery) {
        operation = operation.security(SecurityRequirement::new(scheme, Vec::<String>::new()));
    }
    for (status, response) in responses(about, access) {
        operation = operation.response(status.to_string(), response);
    }
    operation.build()
}

/// Returns the id of an operation: `api_auth_logout_all` for `/api/auth` and `logout_all`.
fn operation_id(prefix: &str, name: &str) -> String {
    let words = prefix.split(|c: char| !c.is_ascii_alphanumeric()).chain([name]);
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn content(shape: &Shape) -> Content {
    let schema = Ref::from_schema_name(shape.schema.clone());
    ContentBuilder::new().schema(Some(schema)).example(Some(shape.example.clone())).build()
}

/// Returns the responses by status: the answers of the route, its problems, and the problems of its
/// guards.
fn responses(about: &About, access: Access) -> BTreeMap<u16, Response> {
    let mut problems: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for &code in
        about.problems.iter().chain(access.problems()).chain(&[ErrorCode::MethodNotAllowed])
    {
        let codes = problems.entry(code.status().as_u16()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let problems = problems.into_iter().map(|(status, codes)| (status, problem(&codes)));
    let own = about.answers.iter().map(|(status, description, shape)| {
        let response =
            ResponseBuilder::new().description(*description).content(JSON, content(shape));
        let response = match about.cookies {
            Some(cookies) => response.header("Set-Cookie", header(cookies, Type::String)),
            None => response,
        };
        (*status, response)
    });
    let with_header = |(status, response)| (status, with_header(response, status, access).build());
    problems.chain(own).map(with_header).collect()
}

/// Returns one response for all codes of a status.
fn problem(codes: &[ErrorCode]) -> ResponseBuilder {
    let names: Vec<_> = codes.iter().map(|code| word(*code)).collect();
    let mut narrowed = ObjectBuilder::new().property(
        "code",
        ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(names)),
    );
    if codes.contains(&ErrorCode::Internal) {
        narrowed = narrowed.required("request_id");
    }
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(narrowed);
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new().value(Some(example(*code)));
        (word(*code), example.build())
    });
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples);
    let description = codes.iter().map(|code| code.detail()).collect::<Vec<_>>().join("; ");
    ResponseBuilder::new().description(description).content(JSON, content.build())
}

fn with_header(response: ResponseBuilder, status: u16, access: Access) -> ResponseBuilder {
    let (name, description, kind) = match status {
        // A 400 for two tokens has a challenge. A 400 for a body that is not JSON has none.
        400 if access != Access::Open => {
            ("WWW-Authenticate", "The challenge (RFC 6750).", Type::String)
        }
        401 => (
            "WWW-Authenticate",
            "The challenge (RFC 6750). It has an `error` only if the request had a token.",
            Type::String,
        ),
        403 if access == Access::Admin => {
            ("WWW-Authenticate", "The challenge (RFC 6750), if a role is missing.", Type::String)
        }
        405 => ("Allow", "The methods of this path.", Type::String),
        429 | 503 => ("Retry-After", "The seconds to wait before the next try.", Type::Integer),
        _ => return response,
    };
    response.header(name, header(description, kind))
}

fn header(description: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind));
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

fn word(code: ErrorCode) -> String {
    // serde writes a unit variant as a string.
    serde_json::to_value(code).ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn example(code: ErrorCode) -> Value {
    let detail = code.detail();
    match code {
        ErrorCode::SessionRevoked => {
            let reason = RevokeReason::LogoutAll.as_str();
            json!({"detail": format!("{detail}: {reason}"), "code": code, "reason": reason})
        }
        ErrorCode::Internal => {
            json!({"detail": detail, "code": code, "request_id": "b3kT9-xQ2_aL"})
        }
        _ => json!({"detail": detail, "code": code}),
    }
}
