//! The text of the OpenAPI document: format, references, examples and constraints.

use std::collections::BTreeSet;

use axum::body::Body;
use serde_json::Value;
use tower_session_auth::routes::{Mounts, document};

use super::schemas::Document;
use crate::routes::site::{request, send, site};

async fn fetched() -> Document {
    Document::new(site().call("GET", "/api/openapi.json", None).await.body)
}

#[tokio::test(start_paused = true)]
async fn document_is_openapi_3_1_with_a_bearer_scheme_and_unique_operation_ids() {
    let document = fetched().await;
    assert!(document.json["openapi"].as_str().unwrap().starts_with("3.1."));
    let scheme = &document.json["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"], &scheme["bearerFormat"]),
        (&"http".into(), &"bearer".into(), &"JWT".into())
    );
    let operations = document.operations();
    let ids: BTreeSet<_> = operations
        .iter()
        .map(|operation| document.operation(operation)["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), operations.len());
    assert!(ids.contains("api_auth_logout_all") && ids.contains("api_session_me"), "{ids:?}");
    let tags: BTreeSet<_> = document.json["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    for operation in &operations {
        let tag = document.operation(operation)["tags"][0].as_str().unwrap();
        assert!(tags.contains(tag), "{operation:?}");
    }
    assert!(tags.is_superset(&["Auth", "Session Management"].into()), "{tags:?}");
}

/// Collects the targets of all `$ref` members in a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value.as_str() {
                    Some(reference) if name == "$ref" => found.push(reference.to_owned()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn every_reference_resolves_and_every_schema_is_used() {
    let document = fetched().await;
    let mut found = Vec::new();
    references(&document.json, &mut found);
    assert!(found.len() > 50, "the test must find the references");
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.json.pointer(pointer).is_some(), "{reference}");
    }
    for name in document.json["components"]["schemas"].as_object().unwrap().keys() {
        let used = format!("#/components/schemas/{name}");
        assert!(found.contains(&used), "{name} is not used");
    }
}

#[tokio::test(start_paused = true)]
async fn object_schemas_forbid_other_members_and_require_their_own() {
    let document = fetched().await;
    for (name, schema) in document.json["components"]["schemas"].as_object().unwrap() {
        if schema["type"] != "object" || name == "OpenApiDocument" {
            continue;
        }
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let required: BTreeSet<_> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for member in schema["properties"].as_object().unwrap().keys() {
            let optional = name == "Problem" && ["reason", "request_id"].contains(&member.as_str());
            // This member is present only if refresh tokens are delivered in bodies.
            let optional = optional || member == "refresh_token";
            assert_eq!(required.contains(member.as_str()), !optional, "{name}.{member}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_example_matches_its_schema() {
    let document = fetched().await;
    let mut seen = 0;
    for operation in document.operations() {
        let operation = document.operation(&operation);
        let body = &operation["requestBody"]["content"]["application/json"];
        let responses = operation["responses"].as_object().unwrap().values();
        let contents = responses.map(|response| &response["content"]["application/json"]);
        for content in contents.chain(body.is_object().then_some(body)) {
            let validator = document.validator(&content["schema"]);
            let one = content.get("example").into_iter();
            let many = content["examples"].as_object().into_iter().flat_map(|map| map.values());
            for example in one.chain(many.map(|example| &example["value"])) {
                assert!(validator.is_valid(example), "{example}");
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

#[tokio::test(start_paused = true)]
async fn document_constraints_match_the_routes() {
    let document = fetched().await;
    let request = document.validator(&document.json["paths"]["/api/auth/login"]["post"]["requestBody"]["content"]["application/json"]["schema"]);
    for (body, fits) in [
        (r#"{"user_id":"jeju","password":"x"}"#, true),
        (r#"{"email":"jeju@test.com","password":""}"#, true),
        (r#"{"user_id":"jeju","password":"x","more":1}"#, true),
        (r#"{"user_id":"jeju","email":"jeju@test.com","password":"x"}"#, false),
        (r#"{"user_id":"jeju","email":null,"password":"x"}"#, true),
        (r#"{"user_id":null,"email":"jeju@test.com","password":"x"}"#, true),
        (r#"{"user_id":null,"email":null,"password":"x"}"#, false),
        (r#"{"user_id":"jeju","password":null}"#, false),
        (r#"{"user_id":null,"password":"x"}"#, false),
        (r#"{"user_id":"","password":"x"}"#, false),
        (r#"{"user_id":"jeju"}"#, false),
        (r#"{"password":"x"}"#, false),
        (r#"{"user_id":"jeju","password":7}"#, false),
        (r#"["jeju",null,"x"]"#, false),
    ] {
        assert_eq!(request.is_valid(&serde_json::from_str(body).unwrap()), fits, "{body}");
        let status = site().log_in_with(body).await.status;
        assert_eq!(status != 422, fits, "{body}: the route must agree with the schema");
    }
    let parameters = &document.json["paths"]["/api/session/all"]["get"]["parameters"];
    let limit = &parameters[0]["schema"];
    assert_eq!(
        (&parameters[0]["name"], &limit["minimum"], &limit["maximum"], &limit["default"]),
        (&"limit".into(), &1.into(), &1000.into(), &100.into())
    );
    assert_eq!(parameters[0]["required"], false);
    let user = &document.json["paths"]["/api/session/user/{user_id}"]["get"]["parameters"][0];
    assert_eq!(
        (&user["in"], &user["required"], &user["schema"]["maxLength"]),
        (&"path".into(), &true.into(), &256.into())
    );
}

#[tokio::test(start_paused = true)]
async fn application_can_add_paths_to_the_document_and_mount_it_anywhere() {
    let site = site();
    let mounts = Mounts::new().session("/v1/me").unwrap();
    let mut openapi = site.routes.openapi(&mounts);
    let own = utoipa::openapi::path::OperationBuilder::new().summary(Some("My own")).build();
    let get = utoipa::openapi::path::HttpMethod::Get;
    openapi.paths.paths.insert("/api/data".to_owned(), utoipa::openapi::PathItem::new(get, own));
    openapi.info.title = "My shop".to_owned();
    let router = document("/docs/v1.json", openapi).unwrap();
    let reply = send(&router, request("GET", "/docs/v1.json", None, Body::empty())).await;
    assert_eq!(reply.body["info"]["title"], "My shop");
    let paths: Vec<_> = reply.body["paths"].as_object().unwrap().keys().collect();
    assert!(
        paths.iter().any(|path| *path == "/api/data")
            && paths.iter().any(|path| *path == "/docs/v1.json")
    );
    assert!(paths.iter().all(|path| !path.starts_with("/api/auth")), "{paths:?}");
    assert!(
        reply.body["components"]["schemas"].get("LoginRequest").is_none(),
        "the auth routes are not mounted"
    );
}

#[tokio::test(start_paused = true)]
async fn operation_ids_stay_unique_for_similar_prefixes() {
    let mounts = Mounts::new().auth("/a-b").unwrap().auth("/a_b").unwrap();
    let mounts = mounts.auth("/a/b").unwrap();
    let json = serde_json::to_value(site().routes.openapi(&mounts)).unwrap();
    let document = Document::new(json);
    let operations = document.operations();
    let id = |operation| document.operation(operation)["operationId"].as_str().unwrap();
    let ids: BTreeSet<_> = operations.iter().map(id).collect();
    assert_eq!((ids.len(), operations.len()), (21, 21), "{ids:?}");
}
