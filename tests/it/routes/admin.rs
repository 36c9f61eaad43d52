//! The routes for administrators. They list, count, revoke and clean up the sessions of all users.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;
use tower_session_auth::telemetry::events::{Actor, Event};
use tower_session_auth::{NewSession, RevokeReason};

use crate::routes::site::{Site, site};
use crate::support::user;

const MINUTE: Duration = Duration::from_secs(60);

/// Returns a site with this many sessions of the users `u0`, `u1` and so on. Also returns the token
/// of an administrator.
async fn site_of(sessions: usize) -> (Site, String) {
    let site = site();
    for number in 0..sessions {
        let new = NewSession::new(user(&format!("u{number}"))).role("user");
        site.manager.create(new).await.unwrap();
    }
    let token = site.token("admin").await;
    (site, token)
}

fn ids(reply: &Value) -> Vec<String> {
    let sessions = reply["sessions"].as_array().unwrap().iter();
    sessions.map(|session| session["session_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn session_list_returns_pages_of_the_requested_limit() {
    let (site, token) = site_of(250).await;
    let first = site.get("/api/session/all", &token).await;
    assert_eq!(first.status, 200);
    assert_eq!(ids(&first.body).len(), 100, "the default limit is 100");
    assert_eq!(first.body["total"], 100);
    let row = &first.body["sessions"][0];
    let names: BTreeSet<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    let contract = ["session_id", "user_id", "user_name", "role", "ttl", "last_activity"];
    assert_eq!(names, contract.into());

    let (mut seen, mut path) = (BTreeSet::new(), "/api/session/all?limit=77&x=y".to_owned());
    let mut pages = 0;
    loop {
        let page = site.get(&path, &token).await;
        assert!(ids(&page.body).len() <= 77, "{path}");
        assert_eq!(page.body["total"], ids(&page.body).len());
        seen.extend(ids(&page.body));
        pages += 1;
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/api/session/all?limit=77&cursor={cursor}");
    }
    assert_eq!((seen.len(), pages), (251, 4));
    let all = site.get("/api/session/all?limit=1000", &token).await;
    assert_eq!((&all.body["total"], &all.body["next_cursor"]), (&json!(251), &Value::Null));
    assert!(!all.text.contains(&token), "a list must not hold a token");
}

#[tokio::test(start_paused = true)]
async fn session_list_rejects_an_invalid_limit_or_cursor_with_422() {
    let (site, token) = site_of(3).await;
    let first = site.get("/api/session/all?limit=2", &token).await;
    let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
    let limit = "`limit` must be an integer from 1 to 1000";
    let foreign = "`cursor` is not one of this list's";
    let cut = &cursor[..cursor.len() - 1];
    for (query, detail) in [
        ("limit=0", limit),
        ("limit=1001", limit),
        ("limit=-1", limit),
        ("limit=%2B5", limit),
        ("limit=+5", limit),
        ("limit=1.0", limit),
        ("limit=1e2", limit),
        ("limit=", limit),
        ("limit", limit),
        ("limit=99999999999999999999999", limit),
        ("limit=%D9%A3", limit),
        ("limit=%ff", "`limit` is not UTF-8"),
        ("limit=1&limit=2", "`limit` is given twice"),
        ("limit=1&%6cimit=2", "`limit` is given twice"),
        ("cursor=", foreign),
        ("cursor=0", foreign),
        ("cursor=*", foreign),
        ("cursor=%00", foreign),
        (&format!("cursor={cut}"), foreign),
        (&format!("cursor={cursor}x"), foreign),
        (&format!("cursor={token}"), foreign),
        (&format!("cursor={cursor}&cursor={cursor}"), "`cursor` is given twice"),
        ("cursor=%ff", "`cursor` is not UTF-8"),
    ] {
        let reply = site.get(&format!("/api/session/all?{query}"), &token).await;
        assert_eq!(reply.said(), (422, "invalid_body"), "{query}");
        assert_eq!(reply.body["detail"], detail, "{query}");
    }
    // Another instance with the same signing keys accepts the cursor.
    let (other, other_token) = site_of(3).await;
    let reply = other.get(&format!("/api/session/all?cursor={cursor}"), &other_token).await;
    assert_eq!(reply.status, 200, "instances with the same keys must share cursors");
    for query in ["limit=1000", "limit=001", "limit=%31", "Limit=x", "", "&&=&", "%ff=1"] {
        let reply = site.get(&format!("/api/session/all?{query}"), &token).await;
        assert_eq!(reply.status, 200, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn statistics_count_sessions_by_role_and_are_at_most_sixty_seconds_old() {
    let (site, token) = site_of(7).await;
    site.manager.create(NewSession::new(user("ghost"))).await.unwrap();
    let expected = |as_of: &str, total: u64, by_role: Value| json!({"total_sessions": total, "sessions_by_role": by_role, "average_ttl": 3600, "as_of": as_of});
    let by_role = json!({"": 1, "super_admin": 1, "user": 7});
    let first = expected("2030-01-01T00:00:00Z", 9, by_role);
    assert_eq!(site.get("/api/session/stats", &token).await.body, first);
    site.token("jeju").await;
    advance(MINUTE).await;
    assert_eq!(
        site.get("/api/session/stats", &token).await.body,
        first,
        "still the cached statistics"
    );
    advance(Duration::from_secs(1)).await;
    let second = site.get("/api/session/stats", &token).await.body;
    assert_eq!(second["total_sessions"], 10);
    assert_eq!(second["as_of"], "2030-01-01T00:01:01Z");
}

#[tokio::test(start_paused = true)]
async fn administrator_lists_and_revokes_the_sessions_of_a_user() {
    let (site, token) = site_of(0).await;
    let (older, thrown_out) = site.session("jeju").await;
    advance(MINUTE).await;
    let (newer, _) = site.session("jeju").await;
    let reply = site.get("/api/session/user/jeju", &token).await;
    assert_eq!((&reply.body["user_id"], &reply.body["total"]), (&json!("jeju"), &json!(2)));
    assert_eq!(ids(&reply.body), [newer, older.clone()]);
    let expected = json!({
        "session_id": older,
        "user_id": "jeju",
        "user_name": "Name of jeju",
        "role": "user",
        "created_at": "2030-01-01T00:00:00Z",
        "last_activity": "2030-01-01T00:00:00Z",
        "ttl": 3540,
        "ip_address": null,
        "user_agent": null,
    });
    assert_eq!(reply.body["sessions"][1], expected);
    assert!(!reply.text.contains(&thrown_out), "a list must not hold a token");

    let reply = site.delete("/api/session/user/jeju", &token).await;
    let message = "Successfully deleted 2 session(s) for user jeju";
    assert_eq!((reply.status, reply.body), (200, json!({"message": message, "deleted_count": 2})));
    assert_eq!(site.get("/api/auth/me", &thrown_out).await.body["reason"], "admin");
    assert_eq!(site.delete("/api/session/user/jeju", &token).await.body["deleted_count"], 0);
    let nobody = site.get("/api/session/user/nobody", &token).await;
    assert_eq!(nobody.body, json!({"user_id": "nobody", "sessions": [], "total": 0}));

    let told = site.told().await;
    let revoked: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::Revoked { actor, reason, .. } => Some((actor.clone(), *reason)),
            _ => None,
        })
        .collect();
    let by_admin = (Actor::User(user("admin")), RevokeReason::Admin);
    assert_eq!(revoked, [by_admin.clone(), by_admin]);
}

#[tokio::test(start_paused = true)]
async fn cleanup_deletes_expired_sessions_only() {
    let (site, _) = site_of(5).await;
    advance(50 * MINUTE).await;
    let token = site.token("admin").await;
    site.token("jeju").await;
    advance(20 * MINUTE).await;
    let reply = site.post("/api/session/cleanup", &token).await;
    let cleaned = reply.body["cleaned_count"].as_u64().unwrap();
    let message = format!("Cleaned up {cleaned} expired session(s)");
    assert_eq!((reply.status, &reply.body["message"]), (200, &json!(message)));
    // The store itself may already have removed some of the expired sessions.
    assert!(cleaned <= 6, "{cleaned}");
    let again = site.post("/api/session/cleanup", &token).await;
    assert_eq!(again.body["cleaned_count"], 0);
    assert_eq!((site.count("admin").await, site.count("jeju").await), (1, 1));
    assert_eq!(site.count("u0").await, 0);
}
