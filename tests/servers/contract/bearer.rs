//! `Authorization` headers: every route that needs a session treats them alike.

use serde_json::{Value, json};

use crate::contract::table::{Row, Send, delete, get, post};
use crate::contract::{Login, World, message};
use crate::support::forge::{decoded, forge, parts};
use crate::support::server::SECRET;

/// Every route that needs a session, including the routes for administrators.
pub(crate) fn protected() -> Vec<Send> {
    let mut routes = vec![get("/api/data")];
    for auth in ["/api/auth", "/auth"] {
        routes.push(get(format!("{auth}/me")));
        routes.push(get(format!("{auth}/sessions")));
        routes.push(delete(format!("{auth}/sessions/some-session-id-of-nobody")));
        routes.push(post(format!("{auth}/logout-all")));
    }
    routes.push(get("/api/session/me"));
    routes.push(post("/api/session/refresh"));
    routes.extend(for_admins());
    routes
}

/// The routes that need an administrator's session.
pub(crate) fn for_admins() -> [Send; 6] {
    [
        get("/api/session/all"),
        get("/api/session/stats"),
        get("/api/session/user/nobody"),
        delete("/api/session/user/nobody"),
        delete("/api/session/user/nobody/sessions/none"),
        post("/api/session/cleanup"),
    ]
}

/// A correctly signed token for this session with changed claims.
pub(crate) fn resigned(login: &Login, change: impl FnOnce(&mut Value)) -> String {
    let (header, payload, _) = parts(&login.token);
    let mut claims = serde_json::from_str(&decoded(payload)).unwrap();
    change(&mut claims);
    forge(&decoded(header), &claims.to_string(), SECRET.as_bytes())
}

/// An expired token for this session.
pub(crate) fn expired(login: &Login) -> String {
    resigned(login, |claims| {
        for (claim, back) in [("iat", 7200), ("nbf", 7200), ("exp", 7200)] {
            if let Some(time) = claims.get(claim).and_then(Value::as_i64) {
                claims[claim] = (time - back).into();
            }
        }
    })
}

fn rejections_on_every_route(login: &Login) -> Vec<Row> {
    let token = &login.token;
    let forged = forge(&decoded(parts(token).0), &decoded(parts(token).1), &[7; 32]);
    let none = forge(r#"{"alg":"none","typ":"at+jwt"}"#, &decoded(parts(token).1), &[7; 32]);
    let foreign = resigned(login, |claims| claims["iss"] = "somebody else".into());
    let gone = resigned(login, |claims| claims["sid"] = "some-session-id-of-nobody".into());
    let late = expired(login);
    let mut rows = Vec::new();
    for route in protected() {
        let with = |token: &str| route.clone().token(token);
        rows.push(route.clone().refused("missing_token"));
        rows.push(with("x").refused("invalid_token").note("not a JWT"));
        rows.push(with(&forged).refused("invalid_token").note("signed with another key"));
        rows.push(with(&none).refused("invalid_token").note("not signed"));
        rows.push(with(&foreign).refused("invalid_token").note("from another issuer"));
        rows.push(with(&late).refused("token_expired"));
        rows.push(with(&gone).refused("session_expired").note("no such session"));
        let twice = route.clone().token(token).token(token).refused("invalid_request");
        rows.push(twice.challenged(r#"Bearer error="invalid_request""#).note("two fields"));
    }
    rows
}

fn spellings(token: &str) -> Vec<Row> {
    let data = || get("/api/data");
    let authorization = |value: String| data().header("authorization", value);
    let answer = || json!({"message": "Hello, 제주삼다수", "user_id": "jeju", "role": "user"});
    let mut rows = Vec::new();
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    "] {
        rows.push(authorization(format!("{scheme}{token}")).answers(200, answer()).note(scheme));
    }
    for (value, code) in [
        ("Bearer", "invalid_token"),
        ("Bearer\t{}", "invalid_token"),
        ("Bearer,{}", "invalid_token"),
        ("Bearer {} ", "ok"),
        ("Bearer {} x", "invalid_token"),
        ("Bearer {},{}", "invalid_token"),
        ("Bearer \"{}\"", "invalid_token"),
        ("Bearer {}\u{e9}", "invalid_token"),
        ("Basic amVqdTpwYXNzd29yZDEyMw==", "missing_token"),
        ("BearerX {}", "missing_token"),
        ("{}", "missing_token"),
        ("", "missing_token"),
    ] {
        let request = authorization(value.replace("{}", token));
        // Whitespace around a header value is not part of the value.
        let row = if code == "ok" { request.answers(200, answer()) } else { request.refused(code) };
        rows.push(row.note(value));
    }
    for long in [8 * 1024 + 1, 30_000] {
        let request = authorization(format!("Bearer {}", "x".repeat(long)));
        rows.push(request.refused("invalid_token").note(format!("{long} bytes")));
    }
    // The server reads the token from the `Authorization` header only.
    rows.push(get(format!("/api/data?access_token={token}")).refused("missing_token"));
    rows.push(data().header("cookie", format!("access_token={token}")).refused("missing_token"));
    rows.push(data().header("x-access-token", token).refused("missing_token"));
    rows
}

/// A logout accepts an expired token, but no token that this server did not sign.
fn logouts(login: &Login, other: &Login) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in ["/api/auth/logout", "/auth/logout"] {
        let logout = || post(path);
        rows.push(logout().refused("missing_token"));
        rows.push(logout().token("x").refused("invalid_token"));
        let forged = forge(
            &decoded(parts(&other.token).0),
            &decoded(parts(&other.token).1),
            b"another secret of 32 bytes or more",
        );
        rows.push(logout().token(&forged).refused("invalid_token").note("signed with another key"));
        let twice = logout().token(&other.token).token(&other.token).refused("invalid_request");
        rows.push(twice.challenged(r#"Bearer error="invalid_request""#).note("two fields"));
    }
    let done = || message("Successfully logged out");
    rows.push(get("/api/session/me").token(&login.token).answers(200, json!("<any>")));
    rows.push(post("/api/auth/logout").token(&expired(login)).answers(200, done()).note("expired"));
    rows.push(get("/api/session/me").token(&login.token).revoked("logout"));
    rows.push(post("/auth/logout").token(&expired(login)).answers(200, done()).note("again"));
    rows
}

pub(crate) async fn check(world: World) {
    let (login, other) = (world.log_in("jeju").await, world.log_in("user").await);
    world.check(rejections_on_every_route(&login)).await;
    world.check(spellings(&login.token)).await;
    world.check(logouts(&login, &other)).await;
    let alive = get("/api/data").token(&other.token).answers(200, json!("<any>"));
    let end = post("/auth/logout").token(&other.token);
    let end = end.answers(200, message("Successfully logged out"));
    world.check([alive.note("this session is still live"), end]).await;
}
