//! Refresh tokens in cookies: login sets them, refresh rotates them, and logout removes them.

use serde_json::{Value, json};

use crate::contract::table::{Row, Send, post};
use crate::contract::{World, message};
use crate::support::client::{self, Reply};

const NAME: &str = "__Secure-refresh_token";

fn with_cookie(path: &str, token: &str) -> Send {
    post(path).header("cookie", format!("theme=dark; {NAME}={token}; a=b"))
}

/// Returns the refresh token that an answer sets. Asserts that the cookie has the attributes of the
/// contract for this mount, and no others.
fn set(reply: &Reply, mount: &str) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    let cookie = reply.cookie(NAME).unwrap_or_else(|| panic!("no cookie: {reply:?}"));
    let token = cookie.strip_prefix(NAME).and_then(|rest| rest.strip_prefix('='));
    let token = token.and_then(|rest| rest.split(';').next()).unwrap().to_owned();
    let (rest, age) = cookie.rsplit_once("; Max-Age=").unwrap();
    let expected = format!("{NAME}={token}; HttpOnly; SameSite=Strict; Secure; Path={mount}");
    assert_eq!(rest, expected);
    let age: u32 = age.parse().unwrap();
    let fits = if token.is_empty() { age == 0 } else { (86_300..=86_400).contains(&age) };
    assert!(fits, "{cookie}");
    token
}

async fn login(world: World, mount: &str, user: &str) -> Reply {
    let body = json!({"user_id": user, "password": "password123"});
    post(format!("{mount}/login")).json(&body).patiently_to(world.server).await
}

fn next_tokens() -> Value {
    json!({"access_token": "<token>", "token_type": "bearer", "expires_in": 3600})
}

const MALFORMED: &str = r#"Bearer error="invalid_request""#;

fn refused(path: &str, token: &str, others: &str) -> Vec<Row> {
    let logout = path.ends_with("logout");
    let mut rows = vec![
        post(path).refused("missing_token"),
        post(format!("{path}?refresh_token={token}")).refused("missing_token"),
        post(path).token(token).refused(if logout { "invalid_token" } else { "missing_token" }),
    ];
    if logout {
        let twice = with_cookie(path, token).token("x").token("y");
        rows.push(twice.refused("invalid_request").challenged(MALFORMED).note("two headers"));
    } else {
        rows.push(
            with_cookie(path, token).body("text/plain", "a=b").refused("unsupported_media_type"),
        );
        let half = with_cookie(path, token).body("application/json", "{");
        rows.push(half.refused("invalid_request"));
        // A planted second cookie must not choose the user.
        for (one, two) in [(token, others), (others, token)] {
            let both = format!("{one}; {NAME}={two}");
            rows.push(with_cookie(path, &both).refused("invalid_token").note("two users"));
            let fields = with_cookie(path, one).header("cookie", format!("{NAME}={two}"));
            rows.push(fields.refused("invalid_token").note("two users, two fields"));
        }
    }
    for (what, bad) in [
        ("nothing", String::new()),
        ("garbage", "garbage".to_owned()),
        ("half of it", token[..token.len() / 2].to_owned()),
        ("too much", format!("{token}A")),
        ("100 kB", "A".repeat(100_000)),
    ] {
        rows.push(with_cookie(path, &bad).refused("invalid_token").note(what));
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://other.example"),
        ("origin", "null"),
    ] {
        rows.push(with_cookie(path, token).header(name, value).refused("cross_site").note(value));
    }
    rows
}

pub(crate) async fn check(world: World) {
    for mount in ["/api/auth", "/auth"] {
        let (refresh, logout) = (format!("{mount}/refresh"), format!("{mount}/logout"));
        let first = login(world, mount, "jeju").await;
        let token = set(&first, mount);
        let others = set(&login(world, mount, "user").await, mount);
        world.check(refused(&refresh, &token, &others)).await;
        world.check(refused(&logout, &token, &others)).await;

        let same_origin = ("sec-fetch-site", "same-origin");
        let asked = with_cookie(&refresh, &token).header(same_origin.0, same_origin.1);
        let next = asked.patiently_to(world.server).await;
        let successor = set(&next, mount);
        assert_ne!(successor, token);
        let again = with_cookie(&refresh, &token).json(&json!({})).patiently_to(world.server).await;
        assert_eq!(
            set(&again, mount),
            successor,
            "within the grace period, a refresh returns the same successor"
        );
        let me = format!("{mount}/me");
        let access = next.body["access_token"].as_str().unwrap();
        world
            .check([
                with_cookie(&refresh, &successor).answers(200, next_tokens()),
                crate::contract::table::get(&me).token(access).answers(200, json!("<any>")),
                // A browser also sends the cookie to this route, but the route ignores it.
                with_cookie(&format!("{mount}/logout-all"), &token).refused("missing_token"),
            ])
            .await;

        // A request may contain an older token of the session next to the current one. That is no
        // reuse. Cookies that do not verify are ignored.
        let several = format!("garbage; {NAME}={token}; {NAME}={successor}");
        let again = with_cookie(&refresh, &several).patiently_to(world.server).await;
        let successor = set(&again, mount);
        // A logout does not read its body.
        let others = with_cookie(&logout, &others).body("text/plain", "null");
        world.check([others.answers(200, message("Successfully logged out"))]).await;

        let ended = with_cookie(&logout, &successor).patiently_to(world.server).await;
        assert_eq!(set(&ended, mount), "", "the logout removes the cookie");
        assert_eq!(ended.body, message("Successfully logged out"));
        world
            .check([
                crate::contract::table::get(&me).token(access).revoked("logout"),
                with_cookie(&refresh, &successor).revoked("logout"),
                with_cookie(&logout, &token).answers(200, message("Successfully logged out")),
            ])
            .await;
    }
    let cross = post("/auth/login").header("sec-fetch-site", "cross-site");
    let body = json!({"user_id": "jeju", "password": "password123"});
    world.check([cross.json(&body).refused("cross_site")]).await;
    for path in ["/auth/refresh", "/auth/logout", "/auth/login", "/auth/me"] {
        let megabyte = "A".repeat(1 << 20);
        let sent = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncookie: {NAME}={megabyte}\r\nconnection: close\r\n\r\n",
            world.server
        );
        let answer = client::exchange(world.server, sent.as_bytes()).await;
        // The server rejects the whole head, and may close the connection before it has read all of
        // it.
        let refused = answer.is_empty() || client::status(&answer) == 431;
        assert!(refused, "{path}: {answer:.200}");
    }
    world.check([post("/auth/refresh").refused("missing_token")]).await;
}
