//! `GET /api/data`, the only route that belongs to the example servers: its response and its
//! description in the OpenAPI document.

use serde::Serialize;
use serde_json::json;
use tower_session_auth::Session;
use tower_session_auth::routes::{Mounts, Routes};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema};

/// What `/api/data` answers.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    message: String,
    user_id: String,
    #[schema(required)]
    role: Option<String>,
}

impl Data {
    pub(crate) fn of(session: &Session) -> Self {
        let name = session.user_name().unwrap_or(session.user_id().as_str());
        Self {
            message: format!("Hello, {name}"),
            user_id: session.user_id().to_string(),
            role: session.role().map(str::to_owned),
        }
    }
}

/// Returns the OpenAPI document of the whole server: the library's routes and this one.
///
/// The error responses are those of `/api/session/me`, because the same layer protects both.
pub(crate) fn openapi(routes: &Routes) -> OpenApi {
    let mut document = routes.openapi(&Mounts::standard());
    let paths = &mut document.paths.paths;
    let Some(mut item) = paths.get("/api/session/me").cloned() else { return document };
    if let Some(operation) = &mut item.get {
        operation.tags = Some(vec!["Demo".to_owned()]);
        operation.operation_id = Some("api_data".to_owned());
        operation.summary = Some("Something that needs a session".to_owned());
        operation.description = None;
        let example = json!({"message": "Hello, Jeju", "user_id": "jeju", "role": "user"});
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(Data::name())))
            .example(Some(example));
        let answer = ResponseBuilder::new()
            .description("A greeting.")
            .content("application/json", content.build());
        operation.responses.responses.insert("200".to_owned(), answer.build().into());
    }
    paths.insert("/api/data".to_owned(), item);
    let tag = TagBuilder::new().name("Demo").description(Some("What this server does itself."));
    document.tags.get_or_insert_default().push(tag.build());
    let components = document.components.get_or_insert_default();
    components.schemas.insert(Data::name().into_owned(), Data::schema());
    document
}
