//! Request bodies. They are checked by hand, so that an error names the field and never quotes a
//! secret.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AllOfBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::credentials::{LoginName, Password};
use super::error_response::Problem;
use crate::error::ErrorCode;
use crate::id::UserId;
use crate::session::NewSession;

/// Largest number of characters of an e-mail address.
const EMAIL_LEN: usize = NewSession::FIELD_LEN;

/// The body of a login as the OpenAPI document describes it. The routes parse a [`LoginBody`].
pub(super) enum LoginRequest {}

impl PartialSchema for LoginRequest {
    fn schema() -> RefOr<Schema> {
        let members = ObjectBuilder::new()
            .property(
                "user_id",
                or_null(text_of(1, UserId::MAX_LEN, "The user's id. Send it or `email`.")),
            )
            .property(
                "email",
                or_null(text_of(1, EMAIL_LEN, "The e-mail address. Send it or `user_id`.")),
            )
            .property(
                "password",
                text_of(0, Password::MAX_LEN, "The password.")
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))),
            )
            .required("password");
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::new(kind));
        let with = |name: &str, without: &str| {
            let one = ObjectBuilder::new().property(name, of(Type::String)).required(name);
            one.property(without, of(Type::Null))
        };
        let either =
            OneOfBuilder::new().item(with("user_id", "email")).item(with("email", "user_id"));
        let request = AllOfBuilder::new()
            .description(Some("The id or the e-mail address of a user, and the password."))
            .item(members)
            .item(either);
        RefOr::T(request.into())
    }
}

/// Also allows `null`, which means the same as an absent member.
fn or_null(text: ObjectBuilder) -> ObjectBuilder {
    text.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// Returns the schema of the strings that [`text`] accepts.
fn text_of(min: usize, max: usize, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .description(Some(description))
        .min_length((min > 0).then_some(min))
        .max_length(Some(max))
}

impl ToSchema for LoginRequest {
    fn name() -> Cow<'static, str> {
        "LoginRequest".into()
    }
}

/// The body of a login as the client sent it.
#[derive(Deserialize)]
pub(super) struct LoginBody<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    email: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    password: Option<&'a RawValue>,
}

/// The body of a refresh as the OpenAPI document describes it, if refresh tokens travel in bodies.
/// The routes parse a [`RefreshBody`].
pub(super) enum RefreshRequest {}

impl PartialSchema for RefreshRequest {
    fn schema() -> RefOr<Schema> {
        let token = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("The refresh token that the login or the last refresh returned."));
        let request = ObjectBuilder::new()
            .description(Some("A refresh token."))
            .property("refresh_token", token)
            .required("refresh_token");
        RefOr::T(request.into())
    }
}

impl ToSchema for RefreshRequest {
    fn name() -> Cow<'static, str> {
        "RefreshRequest".into()
    }
}

/// The body of a refresh as the client sent it.
#[derive(Deserialize)]
pub(super) struct RefreshBody<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    refresh_token: Option<&'a RawValue>,
}

impl RefreshBody<'_> {
    /// Returns the token, if there is one. Does not limit its length: the code that verifies the
    /// token does.
    pub(super) fn checked(self) -> Result<Option<String>, Problem> {
        self.refresh_token.map(|token| text("refresh_token", token, 0, usize::MAX)).transpose()
    }
}

/// The body of a login after the checks.
pub(super) struct Login {
    /// `None` if no user can have this name.
    pub(super) name: Option<LoginName>,
    /// The name as the client sent it.
    pub(super) typed: String,
    pub(super) password: Password,
}

impl LoginBody<'_> {
    /// Checks that the body has a password, and either a user id or an e-mail address. Otherwise,
    /// fails with 422, which names the wrong member.
    pub(super) fn checked(self) -> Result<Login, Problem> {
        let (typed, name) = match (self.user_id, self.email) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid_body("give `user_id` or `email`, not both"));
            }
            (Some(id), None) => {
                let id = text("user_id", id, 1, UserId::MAX_LEN)?;
                // The OpenAPI document limits the characters, but a `UserId` is limited in bytes.
                // So a text of allowed length can still be too long for a user id.
                let name = UserId::parse(&id).ok().map(LoginName::UserId);
                (id, name)
            }
            (None, Some(email)) => {
                let email = text("email", email, 1, EMAIL_LEN)?;
                (email.clone(), Some(LoginName::Email(email)))
            }
            (None, None) => return Err(Problem::invalid_body("`user_id` or `email` is missing")),
        };
        let Some(password) = self.password else {
            return Err(Problem::invalid_body("`password` is missing"));
        };
        let password = Password::new(text("password", password, 0, Password::MAX_LEN)?);
        Ok(Login { name, typed, password })
    }
}

/// Reads a member that is present. `null` means the same as an absent member.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    let member = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(member).filter(|member| member.get() != "null"))
}

/// Returns a member as a text of `min` to `max` characters. Refuses a value of another type without
/// parsing it, however large or deeply nested the value is.
fn text(field: &str, member: &RawValue, min: usize, max: usize) -> Result<String, Problem> {
    if !member.get().starts_with('"') {
        return Err(Problem::invalid_body(format!("`{field}` must be a string")));
    }
    // This fails for an escape sequence that is not a character, for example a lone surrogate.
    let text: String =
        serde_json::from_str(member.get()).map_err(|_| Problem::from(ErrorCode::InvalidRequest))?;
    if (min..=max).contains(&text.chars().count()) {
        Ok(text)
    } else {
        let rule = format!("`{field}` must be {min} to {max} characters long");
        Err(Problem::invalid_body(rule))
    }
}
