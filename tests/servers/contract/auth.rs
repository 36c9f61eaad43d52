//! The auth routes for a logged-in user: user data, session refresh, and logout.

use serde_json::json;

use crate::contract::table::{get, post};
use crate::contract::{World, message};

pub(crate) async fn check(world: World) {
    let [jeju, other] = [world.log_in("jeju").await, world.log_in("jeju").await];
    let user = world.log_in("user").await;
    let mut rows = Vec::new();
    for auth in ["/api/auth", "/auth"] {
        let me = get(format!("{auth}/me"));
        rows.push(me.clone().token(&jeju.token).answers(
            200,
            json!({"user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user"}),
        ));
        rows.push(me.token(&user.token).answers(
            200,
            json!({"user_id": "user", "user_name": "Example User", "email": "user@example.com", "role": "user"}),
        ));
    }
    rows.push(get("/api/session/me").token(&jeju.token).answers(
        200,
        json!({
            "user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user",
            "created_at": "<time>", "last_activity": "<time>", "ttl": "<3590..3600>",
            "ip_address": "127.0.0.1",
        }),
    ));
    let refresh = post("/api/session/refresh").token(&jeju.token);
    rows.push(refresh.answers(200, message("Session refreshed successfully")));
    world.check(rows).await;

    // A logout revokes one session. A second logout of the same session also succeeds.
    let mut rows = Vec::new();
    for path in ["/api/auth/logout", "/auth/logout", "/api/auth/logout"] {
        let logout = post(path).token(&jeju.token);
        rows.push(logout.answers(200, message("Successfully logged out")));
    }
    for route in crate::contract::bearer::protected() {
        rows.push(route.token(&jeju.token).revoked("logout"));
    }
    rows.push(get("/api/data").token(&other.token).answers(200, json!("<any>")));
    world.check(rows).await;

    // `logout-all` revokes all sessions of the user, and none of another user.
    let third = world.log_in("jeju").await;
    let mut rows = Vec::new();
    let all = post("/auth/logout-all").token(&third.token);
    let message = "Successfully logged out of 2 session(s)";
    rows.push(all.answers(200, json!({"message": message, "deleted_count": 2})));
    for ended in [&other, &third] {
        rows.push(get("/api/data").token(&ended.token).revoked("logout_all"));
        rows.push(post("/api/auth/logout-all").token(&ended.token).revoked("logout_all"));
    }
    rows.push(get("/api/data").token(&jeju.token).revoked("logout"));
    rows.push(get("/api/data").token(&user.token).answers(200, json!("<any>")));
    let own = post("/api/auth/logout-all").token(&user.token);
    let message = "Successfully logged out of 1 session(s)";
    rows.push(own.answers(200, json!({"message": message, "deleted_count": 1})));
    world.check(rows).await;
}
