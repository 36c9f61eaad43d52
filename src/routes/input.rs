//! Checked parameters of paths and queries.

use std::borrow::Cow;

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use percent_encoding::percent_decode_str;

use super::error_response::Problem;
use crate::error::ErrorCode;
use crate::id::{SessionId, UserId};
use crate::manager::Cursor;

/// The path parameters as axum extracts them: percent-decoded once.
pub(super) type Params = Result<RawPathParams, RawPathParamsRejection>;

/// Returns the path parameter `user_id`, which names one user. Fails with 422 if the parameter is
/// not a valid user id.
pub(super) fn user_id(params: &Params) -> Result<UserId, Problem> {
    param(params, "user_id").and_then(|id| UserId::parse(id).ok()).ok_or_else(no_user)
}

fn no_user() -> Problem {
    Problem::invalid_body("`user_id` must be 1 to 256 bytes of UTF-8")
}

/// Returns the answer to a path in which the parameter `param` is empty.
pub(super) fn empty(param: &str) -> Problem {
    if param == "user_id" { no_user() } else { ErrorCode::NotFound.into() }
}

/// Returns the path parameter `session_id`. Fails with 404 if the parameter is not a valid session
/// id, because no session can have such an id.
pub(super) fn session_id(params: &Params) -> Result<SessionId, Problem> {
    param(params, "session_id")
        .and_then(|id| SessionId::parse(id).ok())
        .ok_or_else(|| ErrorCode::NotFound.into())
}

/// Returns the innermost parameter of this name. The application can nest these routes below a
/// parameter of its own that has the same name.
fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let params = params.as_ref().ok()?;
    params.iter().filter(|(key, _)| *key == name).last().map(|(_, value)| value)
}

/// The requested page of a list.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) limit: usize,
    pub(super) cursor: Option<Cursor>,
}

impl Paging {
    pub(super) const DEFAULT_LIMIT: usize = 100;
    pub(super) const MAX_LIMIT: usize = 1_000;

    /// Reads `limit` and `cursor` from a query. Ignores other parameters.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        let limit = match value(query, "limit")? {
            Some(text) => Self::limit(&text)?,
            None => Self::DEFAULT_LIMIT,
        };
        let cursor = value(query, "cursor")?.map(Cursor::new);
        Ok(Self { limit, cursor })
    }

    fn limit(text: &str) -> Result<usize, Problem> {
        // `parse` alone also accepts a sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let limit =
            text.parse().ok().filter(|limit| digits && (1..=Self::MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| Problem::invalid_body("`limit` must be an integer from 1 to 1000"))
    }
}

/// Returns the single value of a query parameter. Fails with 422 if the query contains the
/// parameter twice, because different programs would choose different values.
fn value(query: &str, name: &'static str) -> Result<Option<String>, Problem> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| decoded(key).as_deref() == Some(name));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => match decoded(value) {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::invalid_body(format!("`{name}` is not UTF-8"))),
        },
        (Some(_), Some(_)) => Err(Problem::invalid_body(format!("`{name}` is given twice"))),
    }
}

/// Decodes `+` and percent escapes once. `None` if the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
}
