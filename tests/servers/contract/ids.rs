//! User ids in a path: each id is percent-decoded once and names exactly one literal user. It is
//! never a pattern.

use serde_json::json;

use crate::contract::table::{Row, delete, get};
use crate::contract::{Login, World};

/// The id in the path, and the user id that it stands for.
const LITERAL: [(&str, &str); 30] = [
    ("*", "*"),
    ("%2A", "*"),
    ("je*", "je*"),
    ("j?ju", "j"),
    ("j%3Fju", "j?ju"),
    ("%5B", "["),
    ("[a-z]eju", "[a-z]eju"),
    ("%5Ba-z%5Deju", "[a-z]eju"),
    ("%7B", "{"),
    ("%7Bjeju%7D", "{jeju}"),
    ("%3A", ":"),
    ("jeju:live", "jeju:live"),
    ("jeju%3Alive", "jeju:live"),
    ("%0A", "\n"),
    ("jeju%0A", "jeju\n"),
    ("jeju%0D%0Ajeju", "jeju\r\njeju"),
    ("%25", "%"),
    ("%256A", "%6A"),
    ("%256aeju", "%6aeju"),
    ("%2F", "/"),
    ("..%2Fjeju", "../jeju"),
    ("jeju%2F", "jeju/"),
    ("%00", "\0"),
    ("jeju%00", "jeju\0"),
    ("%5C", "\\"),
    ("%22", "\""),
    ("%20jeju", " jeju"),
    ("jeju+", "jeju+"),
    ("JEJU", "JEJU"),
    ("%EC%A0%9C%EC%A3%BC", "제주"),
];

fn literal(admin: &Login) -> Vec<Row> {
    let mut rows = Vec::new();
    let longest = "x".repeat(256);
    let encoded = "%78".repeat(256);
    let long = [(&*longest, &*longest), (&*encoded, &*longest)];
    for (path, user) in LITERAL.into_iter().chain(long) {
        let path = format!("/api/session/user/{path}");
        let nothing = json!({"user_id": user, "sessions": [], "total": 0});
        rows.push(get(&*path).token(&admin.token).answers(200, nothing));
        let message = format!("Successfully deleted 0 session(s) for user {user}");
        let nothing = json!({"message": message, "deleted_count": 0});
        rows.push(delete(path).token(&admin.token).answers(200, nothing));
    }
    rows
}

fn refused(admin: &Login) -> Vec<Row> {
    let mut rows = Vec::new();
    for id in [
        String::new(),
        "%FF".to_owned(),
        "jeju%C3%28".to_owned(),
        "%ED%A0%80".to_owned(),
        "x".repeat(257),
        "x".repeat(10_000),
        "%00".repeat(3_000),
    ] {
        let path = format!("/api/session/user/{id}");
        rows.push(get(&*path).token(&admin.token).invalid("<with user_id>"));
        rows.push(delete(path).token(&admin.token).invalid("<with user_id>"));
    }
    // A path with another segment is not a route.
    for path in ["jeju/", "jeju/sessions", "/"] {
        let path = format!("/api/session/user/{path}");
        rows.push(get(path).token(&admin.token).refused("not_found"));
    }
    rows
}

pub(crate) async fn check(world: World) {
    let (jeju, admin) = (world.log_in("jeju").await, world.log_in("admin").await);
    world.check(literal(&admin)).await;
    world.check(refused(&admin)).await;
    let mut rows = Vec::new();
    for login in [&jeju, &admin] {
        rows.push(get("/api/data").token(&login.token).answers(200, json!("<any>")));
    }
    // A percent-encoded id names the same user.
    let message = "Successfully deleted 1 session(s) for user jeju";
    let one = delete("/api/session/user/%6Aeju").token(&admin.token);
    rows.push(one.answers(200, json!({"message": message, "deleted_count": 1})));
    rows.push(get("/api/data").token(&jeju.token).revoked("admin"));
    world.check(rows).await;
}
