//! A row of the table: a request, and its complete expected answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::contract::codes;
use crate::support::client::{self, Reply};
use crate::support::wait::PATIENCE;

/// A request.
#[derive(Clone)]
pub(crate) struct Send {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn send(method: &'static str, path: impl Into<String>) -> Send {
    Send { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
}

pub(crate) fn get(path: impl Into<String>) -> Send {
    send("GET", path)
}

pub(crate) fn post(path: impl Into<String>) -> Send {
    send("POST", path)
}

pub(crate) fn delete(path: impl Into<String>) -> Send {
    send("DELETE", path)
}

impl Send {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) async fn to(&self, server: SocketAddr) -> Reply {
        client::send(server, self.method, &self.path, &self.headers, &self.body).await
    }

    /// Sends the request, and repeats it while the answer is 503, as a client should. On a loaded
    /// machine, Redis or the password check may take longer than the server waits. A permanent
    /// fault still fails.
    pub(crate) async fn patiently_to(&self, server: SocketAddr) -> Reply {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let reply = self.to(server).await;
            if reply.status != 503 || Instant::now() > give_up {
                return reply;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Expects this status and this body. A string `<…>` in the body is a pattern: see [`matches`].
    pub(crate) fn answers(self, status: u16, body: Value) -> Row {
        Row { send: self, note: String::new(), status, body, challenge: None, allow: None }
    }

    /// Expects the answer of the contract for this error code.
    pub(crate) fn refused(self, code: &str) -> Row {
        let code = codes::of(code);
        let body = json!({"detail": code.detail, "code": code.code});
        Row { challenge: code.challenge, ..self.answers(code.status, body) }
    }

    /// Expects that the session was revoked for this reason.
    pub(crate) fn revoked(self, reason: &str) -> Row {
        let mut row = self.refused("session_revoked");
        row.body["detail"] = format!("Session was ended: {reason}").into();
        row.body["reason"] = reason.into();
        row
    }

    /// Expects 422 with a text that names the error.
    pub(crate) fn invalid(self, detail: &str) -> Row {
        let mut row = self.refused("invalid_body");
        row.body["detail"] = detail.into();
        row
    }

    /// Expects 405 with a list of the allowed methods.
    pub(crate) fn not_allowed(self, allow: &'static str) -> Row {
        Row { allow: Some(allow), ..self.refused("method_not_allowed") }
    }
}

/// A request, and its expected answer.
pub(crate) struct Row {
    send: Send,
    note: String,
    status: u16,
    body: Value,
    challenge: Option<&'static str>,
    allow: Option<&'static str>,
}

impl Row {
    /// Expects this challenge in `WWW-Authenticate`.
    pub(crate) fn challenged(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Sets a note that describes the row in failures, if the request alone does not.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Sends the request, and compares the complete answer with the row.
    pub(crate) async fn check(&self, server: SocketAddr) -> Result<(), String> {
        self.compare(&self.reply(server).await)
    }

    /// Sends the request.
    pub(crate) async fn reply(&self, server: SocketAddr) -> Reply {
        if self.status == 503 {
            self.send.to(server).await
        } else {
            self.send.patiently_to(server).await
        }
    }

    /// Compares the complete answer with the row.
    pub(crate) fn compare(&self, reply: &Reply) -> Result<(), String> {
        let Send { method, path, .. } = &self.send;
        let told = |wrong: String| {
            let what = format!("{method} {path:.120} {:?}", self.note);
            format!("{what}: {} {:.600}: {wrong}", reply.status, reply.text)
        };
        if reply.status != self.status {
            return Err(told(format!("not {}", self.status)));
        }
        if *method == "HEAD" && !reply.text.is_empty() {
            return Err(told("an answer to HEAD has a body".to_owned()));
        } else if *method != "HEAD" {
            matches(&self.body, &reply.body, "").map_err(told)?;
        }
        let retry = (self.status == 503).then_some("1");
        let headers = [
            ("content-type", Some("application/json")),
            ("cache-control", Some("no-store")),
            ("x-content-type-options", Some("nosniff")),
            ("www-authenticate", self.challenge),
            ("retry-after", retry),
            ("allow", self.allow),
        ];
        for (name, value) in headers {
            let found = reply.header(name);
            if sorted(found) != sorted(value) {
                return Err(told(format!("`{name}` is {found:?}, not {value:?}")));
            }
        }
        Ok(())
    }
}

/// Splits a list in a header and sorts it, so that order and spaces do not matter.
fn sorted(value: Option<&str>) -> Option<Vec<&str>> {
    let mut words: Vec<_> = value?.split(',').map(str::trim).collect();
    words.sort_unstable();
    Some(words)
}

/// Compares a JSON value with the expected one, member by member. These patterns are allowed:
/// `<any>` is any value, `<with x>` a text that contains `x`, `<sid>` a session id, `<token>` an
/// access token, `<time>` an RFC 3339 time in UTC, `<number>` a number that is not negative, and
/// `<2..5>` an integer in that range.
pub(crate) fn matches(expected: &Value, found: &Value, at: &str) -> Result<(), String> {
    let wrong = || Err(format!("`{at}` is {found}, not {expected}"));
    let holds = match (expected, found) {
        (Value::String(word), _) if word.starts_with('<') && word.ends_with('>') => {
            matches_pattern(&word[1..word.len() - 1], found)
        }
        (Value::Object(expected), Value::Object(found)) => return members(expected, found, at),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            each_once(expected, found)
        }
        _ => expected == found,
    };
    if holds { Ok(()) } else { wrong() }
}

fn members(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    at: &str,
) -> Result<(), String> {
    if let Some(name) = found.keys().find(|name| !expected.contains_key(*name)) {
        return Err(format!("`{at}` has a member `{name}` that it should not have"));
    }
    expected.iter().try_for_each(|(name, value)| match found.get(name) {
        Some(found) => matches(value, found, &format!("{at}.{name}")),
        None => Err(format!("`{at}` has no member `{name}`")),
    })
}

/// Whether each expected element matches another found element. The lists of the contract have no
/// order.
fn each_once(expected: &[Value], found: &[Value]) -> bool {
    let mut left: Vec<_> = found.iter().collect();
    expected.iter().all(|expected| {
        let place = left.iter().position(|found| matches(expected, found, "").is_ok());
        place.map(|place| left.swap_remove(place)).is_some()
    })
}

fn matches_pattern(word: &str, found: &Value) -> bool {
    let url_safe = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let text = found.as_str();
    if let Some(part) = word.strip_prefix("with ") {
        return text.is_some_and(|text| text.contains(part));
    }
    match word {
        "any" => true,
        "sid" => text.is_some_and(|text| url_safe(text) && text.len() >= 22),
        "token" => text.is_some_and(|text| {
            let parts: Vec<_> = text.split('.').collect();
            parts.len() == 3 && parts.iter().all(|part| url_safe(part))
        }),
        "time" => text.is_some_and(is_time),
        "number" => found.as_f64().is_some_and(|number| number >= 0.0),
        range => {
            let (from, to) = range.split_once("..").unwrap_or_else(|| panic!("<{range}>?"));
            let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
            found.as_u64().is_some_and(|number| (from..=to).contains(&number))
        }
    }
}

/// Whether the text has exactly the form `2025-10-17T12:00:00Z`.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00Z"
}

#[test]
fn matches_rejects_json_that_differs_from_the_expected_value() {
    let expected = json!({"id": "<sid>", "ttl": "<1..5>", "at": "<time>", "list": ["a"]});
    let good = json!({"id": "abcdefghijklmnopqrstuv", "ttl": 3, "at": "2025-10-17T12:00:00Z", "list": ["a"]});
    assert_eq!(matches(&expected, &good, ""), Ok(()));
    let wrong = [
        ("/id", json!("short")),
        ("/id", json!("abcdefghijklmnopqrstu:")),
        ("/ttl", json!(6)),
        ("/ttl", json!("3")),
        ("/ttl", json!(-1)),
        ("/at", json!("2025-10-17T12:00:00.5Z")),
        ("/at", json!("2025-10-17T12:00:00+00:00")),
        ("/list", json!(["a", "b"])),
        ("/list", json!(["b"])),
        ("/list", json!({"a": 1})),
    ];
    for (place, value) in wrong {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value.clone();
        assert!(matches(&expected, &changed, "").is_err(), "{place}: {value}");
    }
    let mut more = good;
    more["more"] = json!(1);
    assert!(matches(&expected, &more, "").is_err(), "an additional member must not match");
    assert!(matches(&expected, &json!({}), "").is_err(), "missing members must not match");
}
