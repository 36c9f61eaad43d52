//! Administration routes: an administrator lists and revokes sessions, and other users may not.

use serde_json::{Value, json};

use crate::contract::bearer::for_admins;
use crate::contract::table::{delete, get, post};
use crate::contract::{Login, World};

/// A session in the list of all sessions.
fn listed(login: &Login, user: &str, name: &str, role: &str) -> Value {
    json!({
        "session_id": login.id, "user_id": user, "user_name": name, "role": role,
        "ttl": "<3590..3600>", "last_activity": "<time>",
    })
}

/// A session in the list of one user's sessions.
fn of_user(login: &Login, user: &str, name: &str, role: &str) -> Value {
    let mut session = listed(login, user, name, role);
    session["created_at"] = "<time>".into();
    session["ip_address"] = "127.0.0.1".into();
    session["user_agent"] = format!("device of {user}").into();
    session
}

/// Must run first, because it counts all sessions of the server.
pub(crate) async fn check(world: World) {
    let [jeju, other] = [world.log_in("jeju").await, world.log_in("jeju").await];
    let (user, admin) = (world.log_in("user").await, world.log_in("admin").await);
    let mut rows = Vec::new();
    for route in for_admins() {
        rows.push(route.clone().token(&jeju.token).refused("insufficient_scope"));
        rows.push(route.clone().token(&user.token).refused("insufficient_scope"));
    }
    // The role comes from the session. The request cannot set it.
    let all = || get("/api/session/all");
    let claimed = all().token(&jeju.token).header("x-role", "super_admin");
    rows.push(claimed.refused("insufficient_scope"));
    rows.push(
        get("/api/session/all?role=super_admin").token(&jeju.token).refused("insufficient_scope"),
    );

    rows.push(get("/api/session/stats").token(&admin.token).answers(
        200,
        json!({
            "total_sessions": 4, "sessions_by_role": {"user": 3, "super_admin": 1},
            "average_ttl": "<3590..3600>", "as_of": "<time>",
        }),
    ));
    let everybody = [
        listed(&jeju, "jeju", "제주삼다수", "user"),
        listed(&other, "jeju", "제주삼다수", "user"),
        listed(&user, "user", "Example User", "user"),
        listed(&admin, "admin", "Admin", "super_admin"),
    ];
    let page = json!({"sessions": everybody, "total": 4, "next_cursor": null});
    for query in ["", "?limit=1000", "?limit=100&unknown=parameter", "?"] {
        let all = get(format!("/api/session/all{query}"));
        world.check_whole(all.token(&admin.token).answers(200, page.clone())).await;
    }
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=",
        "limit=99999999999999999999",
    ] {
        let all = get(format!("/api/session/all?{query}"));
        rows.push(all.token(&admin.token).invalid("<with limit>"));
    }
    for query in
        ["cursor=x", "cursor=", "cursor=0", "cursor=%00", "cursor=a.b.c", "limit=1&cursor=1-0"]
    {
        let all = get(format!("/api/session/all?{query}"));
        rows.push(all.token(&admin.token).invalid("<with cursor>"));
    }
    for (id, sessions) in [
        (
            "jeju",
            json!([
                of_user(&jeju, "jeju", "제주삼다수", "user"),
                of_user(&other, "jeju", "제주삼다수", "user")
            ]),
        ),
        ("admin", json!([of_user(&admin, "admin", "Admin", "super_admin")])),
        ("nobody", json!([])),
    ] {
        let total = sessions.as_array().map(Vec::len);
        let list = get(format!("/api/session/user/{id}")).token(&admin.token);
        rows.push(list.answers(200, json!({"user_id": id, "sessions": sessions, "total": total})));
    }
    let cleanup = post("/api/session/cleanup").token(&admin.token);
    let message = "Cleaned up 0 expired session(s)";
    rows.push(cleanup.answers(200, json!({"message": message, "cleaned_count": 0})));
    world.check(rows).await;
    scan_pages(world, &admin, &everybody).await;
    world.check(revocations(&jeju, &other, &user, &admin)).await;
}

/// Scans all sessions with one session per page. Each cursor leads to the next page.
async fn scan_pages(world: World, admin: &Login, everybody: &[Value]) {
    let mut cursor = String::new();
    let mut seen = Vec::new();
    for _ in 0..100 {
        let request = get(format!("/api/session/all?limit=1{cursor}")).token(&admin.token);
        let reply = request.patiently_to(world.server).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let sessions = reply.body["sessions"].as_array().unwrap();
        assert!(sessions.len() <= 1 && reply.body["total"] == sessions.len(), "{reply:?}");
        seen.extend(
            sessions.iter().filter_map(|session| session["session_id"].as_str()).map(str::to_owned),
        );
        match &reply.body["next_cursor"] {
            Value::Null => break,
            Value::String(next) => cursor = format!("&cursor={next}"),
            other => panic!("{other}"),
        }
        // A cursor with one changed byte is invalid.
        let changed = format!("{}x", &cursor[..cursor.len() - 1]);
        let changed = get(format!("/api/session/all?limit=1{changed}")).token(&admin.token);
        if !cursor.ends_with('x') {
            world.check([changed.invalid("<with cursor>")]).await;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    let mut all: Vec<_> =
        everybody.iter().map(|session| session["session_id"].as_str().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(seen, all, "every session is on a page");
}

fn revocations(
    jeju: &Login,
    other: &Login,
    user: &Login,
    admin: &Login,
) -> Vec<crate::contract::table::Row> {
    let deleted = |count: u64, id: &str| {
        let message = format!("Successfully deleted {count} session(s) for user {id}");
        json!({"message": message, "deleted_count": count})
    };
    let end = |id: &str| delete(format!("/api/session/user/{id}")).token(&admin.token);
    let mut rows = Vec::new();
    rows.push(end("nobody").answers(200, deleted(0, "nobody")));
    // Revokes one session. The other session of the user stays live. A session is not found under
    // the id of another user.
    let one = |user: &str, login: &Login| end(&format!("{user}/sessions/{}", login.id));
    rows.push(one("user", jeju).refused("not_found"));
    rows.push(end("jeju/sessions/%20").refused("not_found"));
    rows.push(end("jeju/sessions/").refused("not_found").note("no session id"));
    rows.push(end(&format!("/sessions/{}", jeju.id)).invalid("<with user_id>").note("no user id"));
    rows.push(one("jeju", jeju).answers(200, json!({"message": "Session ended"})));
    rows.push(one("jeju", jeju).refused("not_found"));
    rows.push(get("/api/data").token(&jeju.token).revoked("admin"));
    rows.push(get("/api/data").token(&other.token).answers(200, json!("<any>")));
    rows.push(end("jeju").answers(200, deleted(1, "jeju")));
    rows.push(end("jeju").answers(200, deleted(0, "jeju")).note("again"));
    for ended in [jeju, other] {
        rows.push(get("/api/data").token(&ended.token).revoked("admin"));
    }
    rows.push(get("/api/data").token(&user.token).answers(200, json!("<any>")));
    rows.push(end("user").answers(200, deleted(1, "user")));
    let own = end("admin").answers(200, deleted(1, "admin"));
    rows.push(own.note("the administrator's own session"));
    for route in for_admins() {
        rows.push(route.token(&admin.token).revoked("admin"));
    }
    rows
}
