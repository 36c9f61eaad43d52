//! `POST /login`.

use http::header::USER_AGENT;
use serde_json::json;
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::telemetry::events::{Event, LoginRefusal};
use tower_session_auth::{NewSession, SessionError, UserId};

use crate::routes::desk::Mood;
use crate::routes::site::{From, Site, limit, request, site, site_with};
use crate::support::log::Log;
use crate::support::{switch, user};

#[tokio::test(start_paused = true)]
async fn a_login_answers_who_the_user_is_with_a_token_that_works_at_once() {
    let site = site();
    for body in [
        json!({"user_id": "jeju", "password": "password123"}),
        json!({"email": "jeju@test.com", "password": "password123"}),
        // Nothing else in the body says who somebody is.
        json!({"user_id": "jeju", "password": "password123", "role": "admin", "sub": "admin"}),
    ] {
        let reply = site.log_in_with(body.to_string()).await;
        assert_eq!(reply.status, 200, "{body}");
        let token = reply.body["access_token"].as_str().unwrap().to_owned();
        let expected = json!({
            "user_id": "jeju",
            "user_name": "Name of jeju",
            "email": "jeju@test.com",
            "role": "user",
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 3600,
        });
        assert_eq!(reply.body, expected, "{body}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(site.get("/api/session/me", &token).await.body["role"], "user");
    }
}

#[tokio::test(start_paused = true)]
async fn both_mounts_open_sessions_of_one_manager() {
    let site = site();
    let body = json!({"user_id": "jeju", "password": "password123"}).to_string();
    let mut login = request("POST", "/auth/login", None, body.into());
    login.headers_mut().insert("content-type", "application/json; charset=utf-8".parse().unwrap());
    let token = site.send(login).await.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(site.get("/api/auth/me", &token).await.status, 200);
    assert_eq!(site.get("/auth/me", &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_user_without_name_and_role_has_none() {
    let site = site();
    let body = json!({"user_id": "nobody in particular", "password": "password123"});
    let reply = site.log_in_with(body.to_string()).await;
    assert_eq!(reply.body["role"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn where_a_login_came_from_is_in_its_session() {
    let site = site();
    let body = json!({"user_id": "jeju", "password": "password123"}).to_string();
    let mut login = request("POST", "/api/auth/login", None, body.into());
    login.extensions_mut().insert(From("192.0.2.7".parse().unwrap()));
    let headers = login.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    // Not all that a header may hold is UTF-8.
    headers.insert(USER_AGENT, http::HeaderValue::from_bytes(b"browser \xff/1").unwrap());
    let reply = site.send(login).await;
    let token = reply.body["access_token"].as_str().unwrap();
    let device = &site.get("/api/auth/sessions", token).await.body["sessions"][0];
    assert_eq!(device["ip_address"], "192.0.2.7");
    assert_eq!(device["user_agent"], "browser \u{fffd}/1");
}

/// Status, headers and body, byte by byte.
fn whole(reply: &crate::routes::site::Reply) -> String {
    format!("{} {:?} {}", reply.status, reply.headers, reply.text)
}

#[tokio::test(start_paused = true)]
async fn who_is_unknown_wrong_or_switched_off_gets_one_answer_for_the_same_work() {
    // The directory knows later than the desk who is switched off: at `create`.
    let site = site_with(|builder, desk| builder.directory(desk.clone()), |routes| routes);
    let wrong = site.log_in("jeju", "wrong").await;
    assert_eq!(wrong.said(), (401, "invalid_credentials"));
    assert_eq!(wrong.body["detail"], "Incorrect user id or password");
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));

    let cases = [
        ("unknown", "password123"),
        ("suspended", "password123"),
        ("suspended", "wrong"),
        // More bytes than a user id has: it cannot be anybody, and that is no other answer.
        (&"\u{c81c}".repeat(256), "password123"),
    ];
    for (name, password) in cases {
        let (asked, verified) = (site.store.calls(), site.desk.verifies().len());
        let reply = site.log_in(name, password).await;
        assert_eq!(whole(&reply), whole(&wrong), "{name}");
        assert_eq!(site.store.calls() - asked, 1, "{name}: the guard is read once");
        assert_eq!(site.desk.verifies().len() - verified, 1, "{name}: a password is compared once");
    }
    let email = json!({"email": "unknown@test.com", "password": "password123"});
    assert_eq!(whole(&site.log_in_with(email.to_string()).await), whole(&wrong));
    for name in ["jeju", "unknown", "suspended"] {
        assert_eq!(site.count(name).await, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_directory_has_switched_off_is_not_told_from_a_wrong_password() {
    let site = site_with(|builder, _| builder.directory(Off), |routes| routes);
    let wrong = site.log_in("jeju", "wrong").await;
    let right = site.log_in("jeju", "password123").await;
    assert_eq!(whole(&right), whole(&wrong));
    let refusals = refusals(site).await;
    assert_eq!(refusals.last().unwrap().1, LoginRefusal::AccountInactive);
}

/// A directory in which everybody is switched off.
struct Off;

impl UserDirectory for Off {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Ok(Some(User::new(false)))
    }
}

/// Whom each refusal was told of, and why.
async fn refusals(site: Site) -> Vec<(Option<String>, LoginRefusal, bool)> {
    let refusal = |event| match event {
        Event::LoginRefused { user, refusal, ip_address, .. } => {
            Some((user.map(|user| user.to_string()), refusal, ip_address.is_some()))
        }
        _ => None,
    };
    site.told().await.into_iter().filter_map(refusal).collect()
}

#[tokio::test(start_paused = true)]
async fn each_refusal_is_told_once_and_what_was_typed_for_nobody_is_told_to_nobody() {
    let log = Log::default();
    let _guard = log.capture();
    let site = site_with(limit(1), |routes| routes);
    site.token("jeju").await;
    site.log_in("jeju", "wrong").await;
    site.log_in("hunter2-typed-in-the-wrong-field", "password123").await;
    site.log_in("suspended", "password123").await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), (409, "session_limit"));
    let expected = [
        (Some("jeju".to_owned()), LoginRefusal::Credentials, false),
        (None, LoginRefusal::Credentials, false),
        (Some("suspended".to_owned()), LoginRefusal::AccountInactive, false),
        (Some("jeju".to_owned()), LoginRefusal::SessionLimit, false),
    ];
    assert_eq!(refusals(site).await, expected);
    let text = log.text();
    assert!(text.contains("login_refused"), "{text}");
    for secret in ["hunter2", "password123", "wrong"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_decided_is_503_and_says_when_to_try_again() {
    let site = site();
    for (mood, code) in [
        (Mood::Busy, "overloaded"),
        (Mood::FailToFind, "store_unavailable"),
        (Mood::FailToVerify, "store_unavailable"),
    ] {
        site.desk.set(mood);
        let reply = site.log_in("jeju", "password123").await;
        assert_eq!(reply.said(), (503, code), "{mood:?}");
        assert_eq!(reply.header("retry-after"), Some("1"), "{mood:?}");
        assert!(!reply.text.contains("db.internal"), "{mood:?}");
    }
    site.desk.set(Mood::Answer);
    for mood in [
        switch::Mood::Fail(StoreErrorKind::Unavailable),
        switch::Mood::FailWrites(StoreErrorKind::WriteRefused),
        switch::Mood::Hang,
    ] {
        site.store.set(mood);
        let reply = site.log_in("jeju", "password123").await;
        assert_eq!(reply.said(), (503, "store_unavailable"), "{mood:?}");
        site.store.set(switch::Mood::Answer);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
    assert!(refusals(site).await.is_empty(), "nobody was refused");
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_accepts_nobody_or_somebody_else_lets_nobody_in() {
    let site = site();
    site.desk.set(Mood::AcceptAll);
    assert_eq!(site.log_in("unknown", "x").await.said(), (401, "invalid_credentials"));
    site.desk.set(Mood::MistakeUser);
    assert_eq!(site.log_in("jeju", "x").await.said(), (500, "internal"));
    for name in ["unknown", "somebody", "jeju", "admin"] {
        assert_eq!(site.count(name).await, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_desk_is_500_with_an_id_that_the_log_has() {
    let log = Log::default();
    let _guard = log.capture();
    let site = site();
    site.desk.set(Mood::Panic);
    let reply = site.log_in("jeju", "password123").await;
    assert_eq!(reply.said(), (500, "internal"));
    let id = reply.body["request_id"].as_str().unwrap();
    assert!(id.len() >= 12 && log.text().contains(id), "{id}");
    assert!(!reply.text.contains("as the test wants"));
    site.desk.set(Mood::Answer);
    assert_eq!(site.log_in("jeju", "password123").await.status, 200, "and the next one works");
}

#[tokio::test(start_paused = true)]
async fn what_the_desk_asks_for_and_cannot_be_kept_is_500() {
    let site = site();
    let new = NewSession::new(user("jeju")).role("r".repeat(1000));
    let error = site.manager.create(new).await.unwrap_err();
    assert!(matches!(error, SessionError::FieldTooLong { .. }));
    site.desk.change("jeju", |person| person.role = Some(LONG));
    assert_eq!(site.log_in("jeju", "password123").await.said(), (500, "internal"));
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_tell_is_503() {
    let site = site_with(|builder, _| builder.directory(Broken), |routes| routes);
    let reply = site.log_in("jeju", "password123").await;
    assert_eq!(reply.said(), (503, "store_unavailable"));
    assert_eq!(site.log_in("jeju", "wrong").await.status, 401, "which needs no directory");
    assert_eq!(site.count("jeju").await, 0);
}

/// A directory that never knows.
struct Broken;

impl UserDirectory for Broken {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Err("the database at db.internal does not answer".into())
    }
}

#[tokio::test(start_paused = true)]
async fn what_users_call_themselves_forges_no_line_in_the_log() {
    let log = Log::default();
    let _guard = log.capture();
    let site = site();
    let name = "x\n2026-11-21 INFO forged=true \u{1b}[2J\u{202e}";
    site.desk.add(name, "password123");
    let token = site.token(name).await;
    site.log_in(name, "wrong").await;
    let admin = site.token("admin").await;
    let path = "/api/session/user/x%0A2026-11-21%20INFO%20forged=true%20%1B%5B2J%E2%80%AE";
    assert_eq!(site.delete(path, &admin).await.body["deleted_count"], 1);
    assert_eq!(site.get("/api/session/me", &token).await.body["reason"], "admin");
    let text = log.text();
    assert!(text.contains("forged=true"), "it was told of");
    for raw in ["x\n2026", "\u{1b}", "\u{202e}"] {
        assert!(!text.contains(raw), "{raw:?} is in the log as it is");
    }
}

/// Longer than a role may be.
const LONG: &str = {
    const BYTES: [u8; 600] = [b'r'; 600];
    match str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};
