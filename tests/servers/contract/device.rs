//! The sessions of a user on several devices: list them, and revoke one.

use serde_json::{Value, json};

use crate::contract::table::{delete, get};
use crate::contract::{Login, World, message};

fn device(login: &Login, user: &str, current: bool) -> Value {
    json!({
        "session_id": login.id, "created_at": "<time>", "last_activity": "<time>",
        "ttl": "<3590..3600>", "ip_address": "127.0.0.1",
        "user_agent": format!("device of {user}"), "current": current,
    })
}

pub(crate) async fn check(world: World) {
    let [jeju, other, third] =
        [world.log_in("jeju").await, world.log_in("jeju").await, world.log_in("jeju").await];
    let user = world.log_in("user").await;
    let mut rows = Vec::new();
    for auth in ["/api/auth", "/auth"] {
        let list = || get(format!("{auth}/sessions"));
        let of = |current: &Login| {
            let devices =
                [&jeju, &other, &third].map(|login| device(login, "jeju", login.id == current.id));
            json!({"sessions": devices, "total": 3})
        };
        rows.push(list().token(&jeju.token).answers(200, of(&jeju)));
        rows.push(list().token(&other.token).answers(200, of(&other)));
        let own = json!({"sessions": [device(&user, "user", true)], "total": 1});
        rows.push(list().token(&user.token).answers(200, own));
    }
    // The session of another user is not found, nor is an unknown or an impossible id.
    for id in [
        &*jeju.id,
        "",
        "some-session-id-of-nobody",
        "*",
        "%2A",
        "a:b",
        "%7Bjeju%7D",
        "%00",
        "%FF",
        "..%2F..",
        &"x".repeat(10_000),
    ] {
        let end = delete(format!("/api/auth/sessions/{id}")).token(&user.token);
        rows.push(end.refused("not_found"));
    }
    rows.push(get("/api/data").token(&jeju.token).answers(200, json!("<any>")));

    let ended = || message("Session ended");
    let end = |id: &str| delete(format!("/auth/sessions/{id}"));
    rows.push(end(&other.id).token(&jeju.token).answers(200, ended()));
    rows.push(end(&other.id).token(&jeju.token).refused("not_found").note("already revoked"));
    rows.push(get("/api/data").token(&other.token).revoked("logout"));
    let left = [device(&jeju, "jeju", true), device(&third, "jeju", false)];
    let left = json!({"sessions": left, "total": 2});
    rows.push(get("/auth/sessions").token(&jeju.token).answers(200, left));
    rows.push(
        end(&jeju.id)
            .token(&jeju.token)
            .answers(200, ended())
            .note("the session of the request itself"),
    );
    rows.push(get("/api/data").token(&jeju.token).revoked("logout"));
    rows.push(get("/api/data").token(&third.token).answers(200, json!("<any>")));
    rows.push(end(&third.id).token(&third.token).answers(200, ended()));
    rows.push(end(&user.id).token(&user.token).answers(200, ended()));
    world.check(rows).await;
}
