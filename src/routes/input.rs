//! What stands in a path or a query, checked.

use std::borrow::Cow;

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use percent_encoding::percent_decode_str;

use super::code::Code;
use super::problem::Problem;
use crate::id::{SessionId, UserId};
use crate::manager::Cursor;

/// What axum found between the slashes, percent-decoded once.
pub(super) type Params = Result<RawPathParams, RawPathParamsRejection>;

/// One literal user.
pub(super) fn user_id(params: &Params) -> Result<UserId, Problem> {
    param(params, "user_id").and_then(UserId::parse).ok_or_else(no_user)
}

fn no_user() -> Problem {
    Problem::invalid_body("`user_id` must be 1 to 256 bytes of UTF-8")
}

/// The answer to a path in which `param` is empty.
pub(super) fn empty(param: &str) -> Problem {
    if param == "user_id" { no_user() } else { Code::NotFound.into() }
}

/// What is no session's name names no session.
pub(super) fn session_id(params: &Params) -> Result<SessionId, Problem> {
    param(params, "session_id").and_then(SessionId::parse).ok_or_else(|| Code::NotFound.into())
}

/// The innermost of that name: an application may nest routes below parameters of its own.
fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let params = params.as_ref().ok()?;
    params.iter().filter(|(key, _)| *key == name).last().map(|(_, value)| value)
}

/// Which page of a list.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) limit: usize,
    pub(super) cursor: Option<Cursor>,
}

impl Paging {
    pub(super) const DEFAULT_LIMIT: usize = 100;
    pub(super) const MAX_LIMIT: usize = 1_000;

    /// Parameters of other names are not looked at.
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
        // `parse` would also take a sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let limit =
            text.parse().ok().filter(|limit| digits && (1..=Self::MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| Problem::invalid_body("`limit` must be an integer from 1 to 1000"))
    }
}

/// The one value of a query parameter. Two would mean different things to different readers.
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

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
}
