//! The bodies that clients send, checked by hand: a wrong one is told by field name, and never quotes a secret.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AllOfBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::code::Code;
use super::credentials::{LoginName, Password};
use super::problem::Problem;
use crate::id::UserId;
use crate::session::NewSession;

/// The most characters of an e-mail address.
const EMAIL_LEN: usize = NewSession::FIELD_LEN;

/// What a login sends, as it is told to clients; what they send is read as [`LoginBody`].
pub(super) enum LoginRequest {}

impl PartialSchema for LoginRequest {
    fn schema() -> RefOr<Schema> {
        let members = ObjectBuilder::new()
            .property(
                "user_id",
                or_null(text_of(1, UserId::MAX_LEN, "The user's id; or the e-mail address.")),
            )
            .property(
                "email",
                or_null(text_of(1, EMAIL_LEN, "The e-mail address; or the user's id.")),
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
            .description(Some("A user, by id or by e-mail address, and a password."))
            .item(members)
            .item(either);
        RefOr::T(request.into())
    }
}

/// `null` is as good as absent.
fn or_null(text: ObjectBuilder) -> ObjectBuilder {
    text.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// What [`text`] takes.
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

/// A login's body as it came.
#[derive(Deserialize)]
pub(super) struct LoginBody<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    email: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    password: Option<&'a RawValue>,
}

/// What a refresh sends where the token travels in bodies, as it is told to clients.
pub(super) enum RefreshRequest {}

impl PartialSchema for RefreshRequest {
    fn schema() -> RefOr<Schema> {
        let token = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("The refresh token of the login, or of the last refresh."));
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

/// The same as it came.
#[derive(Deserialize)]
pub(super) struct RefreshBody<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    refresh_token: Option<&'a RawValue>,
}

impl RefreshBody<'_> {
    /// The token, if there is one. How long it may be is for whoever checks it to say.
    pub(super) fn checked(self) -> Result<Option<String>, Problem> {
        self.refresh_token.map(|token| text("refresh_token", token, 0, usize::MAX)).transpose()
    }
}

/// A login's body as it must be.
pub(super) struct Login {
    /// `None` is a name that no user can have.
    pub(super) name: Option<LoginName>,
    /// What was typed as the name.
    pub(super) typed: String,
    pub(super) password: Password,
}

impl LoginBody<'_> {
    pub(super) fn checked(self) -> Result<Login, Problem> {
        let (typed, name) = match (self.user_id, self.email) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid_body("give `user_id` or `email`, not both"));
            }
            (Some(id), None) => {
                let id = text("user_id", id, 1, UserId::MAX_LEN)?;
                // Characters are what clients are told about, bytes are what counts.
                let name = UserId::parse(&id).map(LoginName::UserId);
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

/// A member that is there; `null` is as good as absent.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    let member = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(member).filter(|member| member.get() != "null"))
}

/// A member as text. What it is instead is never built, however large or deep.
fn text(field: &str, member: &RawValue, min: usize, max: usize) -> Result<String, Problem> {
    if !member.get().starts_with('"') {
        return Err(Problem::invalid_body(format!("`{field}` must be a string")));
    }
    // An escape sequence that is no character.
    let text: String =
        serde_json::from_str(member.get()).map_err(|_| Problem::from(Code::InvalidRequest))?;
    if (min..=max).contains(&text.chars().count()) {
        Ok(text)
    } else {
        let rule = format!("`{field}` must be {min} to {max} characters long");
        Err(Problem::invalid_body(rule))
    }
}
