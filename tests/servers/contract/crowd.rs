//! Concurrent logins.

use std::collections::HashSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::contract::World;
use crate::contract::table::{get, post};

const LOGINS: usize = 16;

/// Each of several concurrent logins opens its own session, and one `logout-all` revokes all of
/// them.
pub(crate) async fn check(world: World) {
    let body = json!({"email": "user@example.com", "password": "password123"});
    let mut logins = JoinSet::new();
    for _ in 0..LOGINS {
        let login = post("/auth/login").json(&body);
        logins.spawn(async move { login.patiently_to(world.server).await });
    }
    let replies = logins.join_all().await;
    let tokens: HashSet<_> = replies
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 200, "{reply:?}");
            reply.body["access_token"].as_str().unwrap()
        })
        .collect();
    assert_eq!(tokens.len(), LOGINS, "each login gets its own token");
    let one = tokens.iter().next().unwrap();
    let list = get("/auth/sessions").token(one).patiently_to(world.server).await;
    assert_eq!(list.body["total"], LOGINS, "the list shows all sessions");
    let ids: HashSet<_> = list.body["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["session_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), LOGINS, "each login opens its own session");

    let message = format!("Successfully logged out of {LOGINS} session(s)");
    let all = post("/auth/logout-all").token(one);
    let mut rows = vec![all.answers(200, json!({"message": message, "deleted_count": LOGINS}))];
    rows.extend(tokens.iter().map(|token| get("/api/data").token(token).revoked("logout_all")));
    world.check(rows).await;
}
