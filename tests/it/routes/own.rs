//! The routes with which users show, list, extend and revoke their own sessions.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;
use tower_session_auth::store::{SessionStore as _, StoreErrorKind, Touch};
use tower_session_auth::telemetry::events::{Actor, Event};
use tower_session_auth::{NewSession, RevokeReason, Target};

use crate::routes::site::{site, site_with};
use crate::support::paused::{At, Verb};
use crate::support::switch::Mood;
use crate::support::{builder, user};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn logout_revokes_the_session_and_is_idempotent() {
    let site = site();
    let token = site.token("jeju").await;
    for _ in 0..2 {
        let reply = site.post("/api/auth/logout", &token).await;
        assert_eq!(
            (reply.status, reply.body),
            (200, json!({"message": "Successfully logged out"}))
        );
    }
    let reply = site.get("/api/session/me", &token).await;
    assert_eq!(reply.said(), (401, "session_revoked"));
    assert_eq!(reply.body["reason"], "logout");
    let revoked = site.told().await;
    let revoked = revoked.iter().filter(|event| matches!(event, Event::Revoked { .. })).count();
    assert_eq!(revoked, 1);
}

#[tokio::test(start_paused = true)]
async fn logout_accepts_an_expired_access_token() {
    let site = site_with(|builder, _| builder.access_token_ttl(MINUTE), |routes| routes);
    let token = site.token("jeju").await;
    advance(5 * MINUTE).await;
    assert_eq!(site.get("/api/session/me", &token).await.said(), (401, "token_expired"));
    assert_eq!(site.count("jeju").await, 1);
    assert_eq!(site.post("/auth/logout", &token).await.status, 200);
    assert_eq!(site.count("jeju").await, 0);
}

#[tokio::test(start_paused = true)]
async fn logout_and_logout_all_return_5xx_when_store_writes_fail() {
    let site = site();
    let token = site.token("jeju").await;
    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::Interrupted,
        StoreErrorKind::WriteRefused,
        StoreErrorKind::Unreadable,
    ] {
        for path in ["/api/auth/logout", "/api/auth/logout-all"] {
            site.store.set(Mood::FailWrites(kind));
            let reply = site.post(path, &token).await;
            assert!(reply.status >= 500, "{kind:?} {path}: {reply:?}");
            site.store.set(Mood::Answer);
            advance(MINUTE).await;
        }
    }
    assert_eq!(site.count("jeju").await, 1);
}

#[tokio::test(start_paused = true)]
async fn logout_all_revokes_all_sessions_of_the_caller_only() {
    let site = site();
    let (token, other) = (site.token("jeju").await, site.token("user").await);
    site.token("jeju").await;
    let reply = site.post("/api/auth/logout-all", &token).await;
    let expected =
        json!({"message": "Successfully logged out of 2 session(s)", "deleted_count": 2});
    assert_eq!((reply.status, reply.body), (200, expected));
    assert_eq!(site.get("/api/auth/me", &token).await.body["reason"], "logout_all");
    assert_eq!(site.get("/api/auth/me", &other).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn session_list_marks_the_current_session() {
    let site = site();
    let first = site.token("jeju").await;
    advance(10 * MINUTE).await;
    let (id, second) = site.session("jeju").await;
    site.token("user").await;
    let reply = site.get("/api/auth/sessions", &second).await;
    assert_eq!((reply.status, &reply.body["total"]), (200, &json!(2)));
    let devices = reply.body["sessions"].as_array().unwrap();
    assert_eq!(devices[0]["session_id"], id);
    assert_eq!(devices[0]["current"], true);
    assert_eq!(devices[0]["created_at"], "2030-01-01T00:10:00Z");
    assert_eq!(devices[1]["current"], false);
    assert_eq!(devices[1]["created_at"], "2030-01-01T00:00:00Z");
    assert_eq!(devices[1]["ttl"], 3000);
    for token in [&first, &second] {
        assert!(!reply.text.contains(token.as_str()), "a list must not hold a token");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_can_revoke_an_own_session_and_no_session_of_another_user() {
    let site = site();
    let token = site.token("jeju").await;
    let (own, lost) = site.session("jeju").await;
    let (foreign, _) = site.session("user").await;
    let end = async |id: &str| site.delete(&format!("/api/auth/sessions/{id}"), &token).await;
    for id in [foreign.as_str(), "unknown", "%2A", "a%00", "%ff", &"x".repeat(65), "a%2Fb"] {
        assert_eq!(end(id).await.said(), (404, "not_found"), "{id}");
    }
    assert_eq!(site.count("user").await, 1);
    let reply = end(&own).await;
    assert_eq!((reply.status, reply.body), (200, json!({"message": "Session ended"})));
    assert_eq!(site.get("/api/auth/me", &lost).await.body["reason"], "logout");
    assert_eq!(end(&own).await.said(), (404, "not_found"), "the session is already revoked");
    assert_eq!(site.get("/api/auth/me", &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn me_shows_the_session_role_and_returns_403_for_an_inactive_account() {
    let site = site_with(|builder, desk| builder.directory(desk.clone()), |routes| routes);
    let token = site.token("jeju").await;
    let me = json!({"user_id": "jeju", "user_name": "Name of jeju", "email": "jeju@test.com", "role": "user"});
    assert_eq!(site.get("/api/auth/me", &token).await.body, me);
    // The routes return the role of the session, not the role in the directory.
    site.desk.change("jeju", |person| person.role = Some("editor"));
    for path in ["/api/auth/me", "/api/session/me"] {
        assert_eq!(site.get(path, &token).await.body["role"], "user", "{path}");
    }
    // The layer still has an earlier answer, which says that the account is active. The route asks
    // the user directory again.
    site.desk.change("jeju", |person| person.active = false);
    let reply = site.get("/api/auth/me", &token).await;
    assert_eq!(reply.said(), (403, "account_inactive"));
    assert_eq!(reply.header("www-authenticate"), None, "another login would not help");
    let told = site.told().await;
    let refused = |event: &&Event| matches!(event, Event::Rejected { kind, .. } if kind.code().as_str() == "account_inactive");
    assert_eq!(told.iter().filter(refused).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn directory_roles_deny_admin_routes_to_a_demoted_administrator() {
    for interval in [MINUTE, Duration::ZERO] {
        let site = site_with(
            |builder, desk| {
                builder.directory(desk.clone()).directory_roles().revalidate_after(interval)
            },
            |routes| routes,
        );
        site.desk.change("jeju", |person| person.role = Some("admin"));
        let token = site.token("jeju").await;
        assert_eq!(site.get("/api/session/all", &token).await.status, 200);
        site.desk.change("jeju", |person| person.role = Some("user"));
        advance(interval).await;
        // The update of the role is paused, so the stored session still has the earlier role.
        let _stop = site.stops.stop(Verb::UpdateAll, At::Before);
        assert_eq!(site.get("/api/session/all", &token).await.said(), (403, "insufficient_scope"));
        for path in ["/api/auth/me", "/api/session/me"] {
            assert_eq!(site.get(path, &token).await.body["role"], "user", "{path} {interval:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_show_sessions_whose_data_this_version_cannot_read() {
    let site = site();
    let token = site.token("jeju").await;
    let other_version = builder().data::<String>().store(site.stops.clone()).build().unwrap().0;
    let new = NewSession::new(user("jeju")).data("data".to_owned());
    other_version.create(new).await.unwrap();
    assert_eq!(site.count("jeju").await, 1, "the manager can read only one of the two sessions");
    let admin = site.token("admin").await;
    let mut listed = Vec::new();
    for (path, token) in [
        ("/api/auth/sessions", &token),
        ("/api/session/user/jeju", &admin),
        ("/api/session/all", &admin),
    ] {
        let reply = site.get(path, token).await;
        listed.push(reply.body["sessions"].as_array().unwrap().len());
    }
    assert_eq!(listed, [2, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn me_shows_last_activity_and_ttl_from_the_store() {
    let site = site();
    let token = site.token("jeju").await;
    let session = site.manager.authenticate(&token).await.unwrap();
    advance(30 * MINUTE).await;
    // Another instance touches the session. The near cache of this process does not notice the
    // touch.
    let touch = Touch::new(user("jeju"), session.id().clone(), Duration::ZERO, Duration::MAX);
    site.store.touch(&[touch]).await.unwrap();
    advance(10 * MINUTE).await;
    let reply = site.get("/api/session/me", &token).await;
    let expected = json!({
        "user_id": "jeju",
        "user_name": "Name of jeju",
        "email": "jeju@test.com",
        "role": "user",
        "created_at": "2030-01-01T00:00:00Z",
        "last_activity": "2030-01-01T00:30:00Z",
        "ttl": 3000,
        "ip_address": Value::Null,
    });
    assert_eq!(reply.body, expected);
}

#[tokio::test(start_paused = true)]
async fn session_refresh_extends_the_idle_deadline_but_not_the_lifetime() {
    let site = site_with(|builder, _| builder.lifetime(90 * MINUTE), |routes| routes);
    let token = site.token("jeju").await;
    let ttl = async || site.get("/api/session/me", &token).await.body["ttl"].as_u64().unwrap();
    advance(20 * MINUTE).await;
    assert_eq!(ttl().await, 40 * 60);
    let reply = site.post("/api/session/refresh", &token).await;
    assert_eq!(reply.body, json!({"message": "Session refreshed successfully"}));
    assert_eq!(ttl().await, 60 * 60);
    advance(29 * MINUTE).await;
    site.post("/api/session/refresh", &token).await;
    assert_eq!(ttl().await, 41 * 60);
}

#[tokio::test(start_paused = true)]
async fn session_revoked_between_layer_and_route_returns_401_with_the_reason() {
    for (method, path) in [
        ("GET", "/api/session/me"),
        ("GET", "/api/auth/me"),
        ("GET", "/api/auth/sessions"),
        ("POST", "/api/session/refresh"),
    ] {
        let site = site();
        let token = site.token("jeju").await;
        let session = site.manager.authenticate(&token).await.unwrap();
        let (user, id) = (session.user_id().clone(), session.id().clone());
        // The layer has loaded the session. Before the route runs, the session is revoked.
        let mut stop = site.stops.stop(Verb::Load, At::After);
        let ((), reply) = tokio::join!(
            async {
                stop.reached().await;
                let revoked = site
                    .store
                    .revoke(&user, &Target::from(&id), RevokeReason::Admin)
                    .await
                    .unwrap();
                assert!(revoked.was_live());
                stop.go();
            },
            site.call(method, path, Some(&token))
        );
        assert_eq!(reply.said(), (401, "session_revoked"), "{method} {path}");
        assert_eq!(reply.body["reason"], "admin", "{method} {path}");
        let told = site.told().await;
        let refused = |event: &&Event| matches!(event, Event::Rejected { kind, .. } if kind.code().as_str() == "session_revoked");
        assert_eq!(told.iter().filter(refused).count(), 1, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn revoked_event_of_an_own_session_names_the_owner_as_actor() {
    let site = site();
    let (own, _) = site.session("jeju").await;
    let token = site.token("jeju").await;
    site.delete(&format!("/api/auth/sessions/{own}"), &token).await;
    site.post("/api/auth/logout-all", &token).await;
    let told = site.told().await;
    let actors = told.iter().filter_map(|event| match event {
        Event::Revoked { actor, reason, .. } => Some((actor.clone(), *reason)),
        _ => None,
    });
    let expected = [(Actor::Owner, RevokeReason::Logout), (Actor::Owner, RevokeReason::LogoutAll)];
    assert_eq!(actors.collect::<Vec<_>>(), expected);
}
