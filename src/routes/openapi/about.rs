//! The description of one route in the document.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Components, Schema};
use utoipa::openapi::{RefOr, Required};

use crate::error::ErrorCode;

/// The description of one route in the document. It does not contain what the document adds by
/// itself: the refusals of the route's guard, and the 405 for other methods.
pub(in crate::routes) struct About {
    pub(super) tag: &'static str,
    /// The name of the operation, which is unique within its mount point.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Shape>,
    pub(super) body_required: bool,
    /// The purpose of the cookies that the route sets with a 200.
    pub(super) cookies: Option<&'static str>,
    /// The answers that have a body of their own.
    pub(super) answers: Vec<(u16, &'static str, Shape)>,
    pub(super) problems: Vec<ErrorCode>,
}

/// The schema of a body, with an example.
pub(super) struct Shape {
    pub(super) schema: String,
    /// Adds the schema to the document.
    add: fn(&mut Components),
    pub(super) example: Value,
}

impl Shape {
    fn of<T: ToSchema>(example: Value) -> Self {
        Self { schema: T::name().into_owned(), add: add_schema::<T>, example }
    }
}

impl About {
    pub(in crate::routes) fn new(
        tag: &'static str,
        name: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            tag,
            name,
            summary,
            description,
            parameters: Vec::new(),
            body: None,
            body_required: true,
            cookies: None,
            answers: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(in crate::routes) fn parameter(
        mut self,
        place: ParameterIn,
        name: &'static str,
        description: &'static str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .schema(Some(schema));
        self.parameters.push(parameter.build());
        self
    }

    pub(in crate::routes) fn body<T: ToSchema>(self, example: Value) -> Self {
        Self { body: Some(Shape::of::<T>(example)), ..self }
    }

    pub(in crate::routes) fn body_if_any<T: ToSchema>(self, example: Value) -> Self {
        Self { body_required: false, ..self.body::<T>(example) }
    }

    pub(in crate::routes) fn cookies(self, description: &'static str) -> Self {
        Self { cookies: Some(description), ..self }
    }

    pub(in crate::routes) fn answers<T: ToSchema>(
        mut self,
        status: u16,
        description: &'static str,
        example: Value,
    ) -> Self {
        self.answers.push((status, description, Shape::of::<T>(example)));
        self
    }

    pub(in crate::routes) fn problems(mut self, codes: &[ErrorCode]) -> Self {
        self.problems.extend_from_slice(codes);
        self
    }

    /// Adds the schemas of all bodies of the route, and all schemas that they refer to.
    pub(in crate::routes) fn add_schemas(&self, components: &mut Components) {
        let answers = self.answers.iter().map(|(_, _, shape)| shape);
        for shape in self.body.iter().chain(answers) {
            (shape.add)(components);
        }
    }
}

/// Adds the schema of a type, and all schemas that it refers to.
pub(in crate::routes) fn add_schema<T: ToSchema>(components: &mut Components) {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    components.schemas.extend(schemas);
}
