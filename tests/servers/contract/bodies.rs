//! Login: accepted bodies, invalid bodies, and rejected credentials.

use serde_json::{Value, json};

use crate::contract::World;
use crate::contract::table::{Row, Send, delete, post};

const LOGINS: [&str; 2] = ["/api/auth/login", "/auth/login"];

fn login() -> Send {
    post("/api/auth/login")
}

fn text(body: impl Into<Vec<u8>>) -> Send {
    login().body("application/json", body)
}

fn object(body: &Value) -> Send {
    login().json(body)
}

fn accepted() -> Vec<Row> {
    let jeju = |session: Value| {
        let mut body = json!({
            "user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user",
            "token_type": "bearer", "expires_in": 3600,
        });
        body["access_token"] = session;
        body
    };
    let mut rows = Vec::new();
    for path in LOGINS {
        for body in [
            json!({"user_id": "jeju", "password": "password123"}),
            json!({"email": "jeju@test.com", "password": "password123"}),
            json!({"email": "JEJU@Test.com", "password": "password123"}),
            json!({"user_id": "jeju", "email": null, "password": "password123"}),
        ] {
            rows.push(post(path).json(&body).answers(200, jeju("<token>".into())));
        }
    }
    let body = r#"{"user_id":"jeju","password":"password123"}"#;
    for media_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = login().body(media_type, body);
        rows.push(request.answers(200, jeju("<token>".into())).note(media_type));
    }
    let admin = json!({
        "user_id": "admin", "user_name": "Admin", "email": "admin@test.com", "role": "super_admin",
        "access_token": "<token>", "token_type": "bearer", "expires_in": 3600,
    });
    rows.push(object(&json!({"user_id": "admin", "password": "admin123"})).answers(200, admin));
    rows
}

/// All rejected logins get the same answer, so that a client cannot learn which accounts exist or
/// are suspended.
fn refused() -> Vec<Row> {
    let logins = [
        json!({"user_id": "jeju", "password": "wrong"}),
        json!({"user_id": "jeju", "password": ""}),
        json!({"user_id": "jeju", "password": "Password123"}),
        json!({"user_id": "jeju", "password": "password123\0"}),
        json!({"user_id": "jeju", "password": "password123 "}),
        json!({"user_id": "JEJU", "password": "password123"}),
        json!({"user_id": "jeju@test.com", "password": "password123"}),
        json!({"user_id": "nobody", "password": "password123"}),
        json!({"user_id": "*", "password": "password123"}),
        json!({"user_id": "suspended", "password": "password123"}),
        json!({"user_id": "suspended", "password": "wrong"}),
        json!({"email": "suspended@test.com", "password": "password123"}),
        json!({"email": "jeju", "password": "password123"}),
        json!({"email": "nobody@test.com", "password": "password123"}),
    ];
    let row = |body: Value| object(&body).refused("invalid_credentials").note(body.to_string());
    logins.into_iter().map(row).collect()
}

fn unreadable_bodies() -> Vec<Row> {
    let mut rows = Vec::new();
    for body in [
        "",
        " ",
        "{",
        "\u{feff}{}",
        "{'user_id': 'jeju'}",
        r#"{"user_id":"jeju","password":"x"} x"#,
        r#"{"user_id":"jeju","password":"x",}"#,
        r#"{"user_id":"\ud800","password":"x"}"#,
    ] {
        rows.push(text(body).refused("invalid_request").note(body));
    }
    rows.push(text(b"{\"user_id\":\"\xff\",\"password\":\"x\"}").refused("invalid_request"));
    let body = r#"{"user_id":"jeju","password":"password123"}"#;
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "*/*"]
    {
        let request = login().body(media_type, body);
        rows.push(request.refused("unsupported_media_type").note(media_type));
    }
    for path in LOGINS {
        rows.push(post(path).refused("unsupported_media_type").note("no content type"));
    }
    let large = |bytes: usize| {
        let empty = json!({"user_id": "jeju", "password": ""}).to_string().len();
        json!({"user_id": "jeju", "password": "x".repeat(bytes - empty)})
    };
    rows.push(object(&large(16 * 1024)).invalid("<with password>").note("16 KiB"));
    rows.push(object(&large(16 * 1024 + 1)).refused("payload_too_large").note("16 KiB and 1"));
    rows.push(object(&large(100_000)).refused("payload_too_large").note("100 kB"));
    rows
}

/// The answer names the invalid field.
fn wrong_shapes() -> Vec<Row> {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = "x".repeat(1025);
    let cases = [
        ("[]".to_owned(), "object"),
        (r#"["jeju", null, "password123"]"#.to_owned(), "object"),
        ("null".to_owned(), "object"),
        (r#""text""#.to_owned(), "object"),
        ("7".to_owned(), "object"),
        (deep.clone(), "object"),
        ("{}".to_owned(), "user_id"),
        (json!({"password": "x"}).to_string(), "user_id"),
        (json!({"user_id": "jeju"}).to_string(), "password"),
        (json!({"user_id": "jeju", "password": null}).to_string(), "password"),
        (json!({"user_id": "jeju", "password": 7}).to_string(), "password"),
        (json!({"user_id": "jeju", "password": ["x"]}).to_string(), "password"),
        (format!(r#"{{"user_id":"jeju","password":{deep}}}"#), "password"),
        (json!({"user_id": "jeju", "password": long}).to_string(), "password"),
        (json!({"user_id": 7, "password": "x"}).to_string(), "user_id"),
        (json!({"user_id": {"$ne": ""}, "password": "x"}).to_string(), "user_id"),
        (json!({"user_id": "", "password": "x"}).to_string(), "user_id"),
        (json!({"user_id": "x".repeat(257), "password": "x"}).to_string(), "user_id"),
        (json!({"email": false, "password": "x"}).to_string(), "email"),
        (
            json!({"user_id": "jeju", "email": "jeju@test.com", "password": "x"}).to_string(),
            "email",
        ),
        (r#"{"user_id":"jeju","user_id":"jeju","password":"x"}"#.to_owned(), "once"),
    ];
    let row = |(body, word): (String, &str)| {
        text(body.clone()).invalid(&format!("<with {word}>")).note(format!("{body:.60}"))
    };
    cases.into_iter().map(row).collect()
}

pub(crate) async fn check(world: World) {
    world.check(accepted()).await;
    world.check(refused()).await;
    world.check(unreadable_bodies()).await;
    world.check(wrong_shapes()).await;
    // Each successful login has opened a session.
    let admin = world.log_in("admin").await;
    let ended = |user: &str, count: usize| {
        let message = format!("Successfully deleted {count} session(s) for user {user}");
        let end = delete(format!("/api/session/user/{user}")).token(&admin.token);
        end.answers(200, json!({"message": message, "deleted_count": count}))
    };
    world.check([ended("jeju", 10), ended("suspended", 0), ended("admin", 2)]).await;
}
