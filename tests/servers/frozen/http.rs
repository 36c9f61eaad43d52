//! Records a conversation with a server: all requests and all answers.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::frozen::masks::Masks;
use crate::frozen::tokens;
use crate::support::client::{Reply, send};
use crate::support::server::Disturbed;

/// Header fields that the transcript omits. They differ between runs, or the HTTP library writes
/// them.
const UNSHOWN: [&str; 2] = ["date", "content-length"];

/// Number of failed logins per user name that the server allows.
pub(crate) const LOGIN_ATTEMPTS: u32 = 2;

/// JSON members whose numbers depend on the time of the run.
const OF_THE_MOMENT: [&str; 3] = ["ttl", "average_ttl", "expires_in"];

const ANOTHER_SITE: (&str, &str) = ("sec-fetch-site", "cross-site");

pub(crate) struct Client {
    server: SocketAddr,
    transcript: String,
    pub(crate) masks: Masks,
    pub(crate) access_tokens: Vec<String>,
}

/// Returns the name and the value of each cookie that the reply sets, without removed cookies.
fn cookies(reply: &Reply) -> impl Iterator<Item = (&str, &str)> {
    let set = reply.fields().filter(|(name, _)| *name == "set-cookie");
    let pairs = set.filter_map(|(_, cookie)| cookie.split(';').next()?.split_once('='));
    pairs.filter(|(_, value)| !value.is_empty())
}

fn access_token(reply: &Reply) -> String {
    reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

/// Returns the refresh token cookie as a browser would send it back.
pub(crate) fn refresh_cookie(reply: &Reply) -> String {
    let cookie = reply.cookie("__Secure-refresh_token").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            transcript: String::new(),
            masks: Masks::default(),
            access_tokens: Vec::new(),
        }
    }

    pub(crate) fn transcript(&self) -> String {
        self.masks.apply(&self.transcript)
    }

    /// Sends a request and records the answer. Returns an error if the server was too slow for a
    /// complete answer.
    async fn ask(
        &mut self,
        line: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, Disturbed> {
        let (method, path) = line.split_once(' ').unwrap();
        let sent: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = send(self.server, method, path, &sent, body.as_bytes()).await;
        // On a slow machine, a page may also be incomplete.
        let more_follows = answer.body["next_cursor"].is_string();
        if answer.status == 503 || more_follows {
            return Err(Disturbed);
        }
        self.learn(&answer);
        self.record(line, fields, body, &answer);
        Ok(answer)
    }

    async fn send(&mut self, line: &str, token: &str) -> Result<Reply, Disturbed> {
        self.ask(line, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    async fn post(&mut self, path: &str, body: &str) -> Result<Reply, Disturbed> {
        self.ask(&format!("POST {path}"), &[("content-type", "application/json")], body).await
    }

    async fn login(&mut self, user: &str, password: &str) -> Result<Reply, Disturbed> {
        let body = format!(r#"{{"user_id":"{user}","password":"{password}"}}"#);
        self.post("/auth/login", &body).await
    }

    fn learn(&mut self, answer: &Reply) {
        for (name, value) in cookies(answer) {
            self.masks.add(name.trim_start_matches('_'), value);
        }
        let body = &answer.body;
        if let Some(token) = body["access_token"].as_str() {
            self.masks.add("access token", token);
            self.access_tokens.push(token.to_owned());
            tokens::learn(token, &mut self.masks);
        }
        for session in body["sessions"].as_array().into_iter().flatten() {
            self.masks.add("session", session["session_id"].as_str().unwrap());
        }
    }

    fn record(&mut self, line: &str, fields: &[(&str, &str)], body: &str, answer: &Reply) {
        let out = &mut self.transcript;
        writeln!(out, "> {line}").unwrap();
        for (name, value) in fields {
            writeln!(out, "> {name}: {value}").unwrap();
        }
        match body.len() {
            0 => {}
            1..200 => writeln!(out, "> {body}").unwrap(),
            length => writeln!(out, "> {length} bytes").unwrap(),
        }
        writeln!(out, "< {}", answer.status).unwrap();
        // The order of header fields is not part of the contract.
        let mut fields: Vec<_> =
            answer.fields().filter(|(name, _)| !UNSHOWN.contains(name)).collect();
        fields.sort_by_key(|(name, _)| *name);
        for (name, value) in fields {
            let value = match name {
                "retry-after" => "<number>".to_owned(),
                "set-cookie" => with_full_max_age(value),
                _ => value.to_owned(),
            };
            writeln!(out, "< {name}: {value}").unwrap();
        }
        writeln!(out, "< {}\n", with_masked_numbers(&answer.text)).unwrap();
    }
}

/// Returns the cookie with the `Max-Age` of a new session, which is one day. The actual value is
/// the time left.
fn with_full_max_age(cookie: &str) -> String {
    const DAY: u64 = 86_400;
    let (before, age) = cookie.rsplit_once('=').unwrap();
    match age.parse() {
        Ok(left) if (1..DAY).contains(&left) => format!("{before}={DAY}"),
        _ => cookie.to_owned(),
    }
}

/// Returns the body with `<number>` in place of numbers that depend on the time of the run.
fn with_masked_numbers(body: &str) -> String {
    let mut shown = body.to_owned();
    for name in OF_THE_MOMENT {
        let start = format!("\"{name}\":");
        let parts: Vec<_> = shown.split(&start).map(str::to_owned).collect();
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_default();
        shown = parts.fold(first, |shown, part| {
            let number = |c: char| c.is_ascii_digit() || c == '.';
            format!("{shown}{start}<number>{}", part.trim_start_matches(number))
        });
    }
    shown
}

/// Calls each route, and causes each error code that does not need a server fault.
pub(crate) async fn conversation(client: &mut Client) -> Result<(), Disturbed> {
    // Lists all sessions while there is only one, because a Redis scan has no defined order.
    let admin = access_token(&client.login("admin", "admin123").await?);
    client.send("GET /api/session/all", &admin).await?;
    let first = client.login("jeju", "password123").await?;
    let token = access_token(&first);
    for path in ["/auth/me", "/auth/sessions", "/api/auth/me", "/api/session/me", "/api/data"] {
        client.send(&format!("GET {path}"), &token).await?;
    }
    client.send("POST /api/session/refresh", &token).await?;
    refusals(client, &token).await?;
    refresh(client, &first).await?;
    administration(client, &admin, &token).await?;
    let second = access_token(&client.login("jeju", "password123").await?);
    client.send("POST /auth/logout", &second).await?;
    client.send("GET /api/data", &second).await?;
    client.send("POST /auth/logout", &second).await?;
    let third = access_token(&client.login("jeju", "password123").await?);
    client.send("POST /auth/logout-all", &third).await?;
    client.send("GET /api/data", &token).await?;
    // This session stays open, so that Redis contains one at the end.
    let left = access_token(&client.login("user", "password123").await?);
    client.send("GET /auth/sessions", &left).await?;
    Ok(())
}

async fn refusals(client: &mut Client, token: &str) -> Result<(), Disturbed> {
    client.ask("GET /api/data", &[], "").await?;
    client.ask("GET /api/data", &[("authorization", "Basic eDp5")], "").await?;
    client.send("GET /api/data", "not-a-token").await?;
    client.send("GET /api/data", &format!("{token}x")).await?;
    client.send("GET /api/session/all", token).await?;
    client.send("GET /nowhere", token).await?;
    client.send("PUT /auth/me", token).await?;
    client.send("DELETE /auth/sessions/unknown", token).await?;
    client.login("jeju", "wrong").await?;
    client.login("suspended", "password123").await?;
    client.post("/auth/login", "{").await?;
    client.post("/auth/login", "{}").await?;
    client.ask("POST /auth/login", &[("content-type", "text/plain")], "x").await?;
    client.post("/auth/login", &"x".repeat(70_000)).await?;
    client.ask("POST /auth/logout", &[ANOTHER_SITE, ("cookie", "x=y")], "").await?;
    for _ in 0..=LOGIN_ATTEMPTS {
        client.login("nobody", "wrong").await?;
    }
    Ok(())
}

async fn refresh(client: &mut Client, login: &Reply) -> Result<(), Disturbed> {
    client.post("/auth/refresh", "").await?;
    let cookie = refresh_cookie(login);
    let first = client.ask("POST /auth/refresh", &[("cookie", &cookie)], "").await?;
    client.ask("POST /auth/refresh", &[("cookie", &cookie), ANOTHER_SITE], "").await?;
    let next = refresh_cookie(&first);
    client.ask("POST /auth/refresh", &[("cookie", &next)], "").await?;
    client.ask("POST /auth/refresh", &[("cookie", "__Secure-refresh_token=x")], "").await?;
    Ok(())
}

async fn administration(client: &mut Client, admin: &str, token: &str) -> Result<(), Disturbed> {
    client.send("GET /auth/sessions", admin).await?;
    for path in ["all?limit=0", "stats", "user/jeju", "user/nobody", "user/%00"] {
        client.send(&format!("GET /api/session/{path}"), admin).await?;
    }
    client.send("POST /api/session/cleanup", admin).await?;
    client.send("DELETE /api/session/user/jeju/sessions/unknown", admin).await?;
    client.send("DELETE /api/session/user/jeju", admin).await?;
    client.send("GET /api/data", token).await?;
    Ok(())
}
