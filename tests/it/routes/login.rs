//! `POST /login`.

use http::header::USER_AGENT;
use serde_json::json;
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::error::SessionError;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::telemetry::events::{Event, LoginRefusal};
use tower_session_auth::{NewSession, UserId};

use crate::routes::desk::Mood;
use crate::routes::site::{From, Site, limit, request, site, site_with};
use crate::support::log::Log;
use crate::support::{switch, user};

#[tokio::test(start_paused = true)]
async fn login_returns_the_user_and_a_working_access_token() {
    let site = site();
    for body in [
        json!({"user_id": "jeju", "password": "password123"}),
        json!({"email": "jeju@test.com", "password": "password123"}),
        // The other fields of the body do not change which user logs in.
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
async fn login_at_one_mount_is_valid_at_every_mount() {
    let site = site();
    let body = json!({"user_id": "jeju", "password": "password123"}).to_string();
    let mut login = request("POST", "/auth/login", None, body.into());
    login.headers_mut().insert("content-type", "application/json; charset=utf-8".parse().unwrap());
    let token = site.send(login).await.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(site.get("/api/auth/me", &token).await.status, 200);
    assert_eq!(site.get("/auth/me", &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn login_of_a_user_without_a_role_returns_a_null_role() {
    let site = site();
    let body = json!({"user_id": "nobody in particular", "password": "password123"});
    let reply = site.log_in_with(body.to_string()).await;
    assert_eq!(reply.body["role"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn session_records_the_client_address_and_user_agent_of_its_login() {
    let site = site();
    let body = json!({"user_id": "jeju", "password": "password123"}).to_string();
    let mut login = request("POST", "/api/auth/login", None, body.into());
    login.extensions_mut().insert(From("192.0.2.7".parse().unwrap()));
    let headers = login.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    // A header value is allowed to contain bytes that are not UTF-8.
    headers.insert(USER_AGENT, http::HeaderValue::from_bytes(b"browser \xff/1").unwrap());
    let reply = site.send(login).await;
    let token = reply.body["access_token"].as_str().unwrap();
    let device = &site.get("/api/auth/sessions", token).await.body["sessions"][0];
    assert_eq!(device["ip_address"], "192.0.2.7");
    assert_eq!(device["user_agent"], "browser \u{fffd}/1");
}

/// The whole response as text: status, headers and body.
fn whole(reply: &crate::routes::site::Reply) -> String {
    format!("{} {:?} {}", reply.status, reply.headers, reply.text)
}

#[tokio::test(start_paused = true)]
async fn refused_logins_get_the_same_response_and_cost_the_same_work() {
    // The manager asks the user directory only when it creates the session, which is after the
    // credential check.
    let site = site_with(|builder, desk| builder.directory(desk.clone()), |routes| routes);
    let wrong = site.log_in("jeju", "wrong").await;
    assert_eq!(wrong.said(), (401, "invalid_credentials"));
    assert_eq!(wrong.body["detail"], "Incorrect user id or password");
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));

    let cases = [
        ("unknown", "password123"),
        ("suspended", "password123"),
        ("suspended", "wrong"),
        // This name is longer than a user id can be, so no such user exists. The response must be
        // the same.
        (&"\u{c81c}".repeat(256), "password123"),
    ];
    for (name, password) in cases {
        let (asked, verified) = (site.store.calls(), site.desk.verifies().len());
        let reply = site.log_in(name, password).await;
        assert_eq!(whole(&reply), whole(&wrong), "{name}");
        assert_eq!(site.store.calls() - asked, 1, "{name}: the login fence must be read once");
        assert_eq!(
            site.desk.verifies().len() - verified,
            1,
            "{name}: one password must be compared"
        );
    }
    let email = json!({"email": "unknown@test.com", "password": "password123"});
    assert_eq!(whole(&site.log_in_with(email.to_string()).await), whole(&wrong));
    for name in ["jeju", "unknown", "suspended"] {
        assert_eq!(site.count(name).await, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn account_inactive_in_the_directory_looks_like_a_wrong_password() {
    let site = site_with(|builder, _| builder.directory(AllInactive), |routes| routes);
    let wrong = site.log_in("jeju", "wrong").await;
    let right = site.log_in("jeju", "password123").await;
    assert_eq!(whole(&right), whole(&wrong));
    let refusals = refusals(site).await;
    assert_eq!(refusals.last().unwrap().1, LoginRefusal::AccountInactive);
}

/// A user directory in which every account is inactive.
struct AllInactive;

impl UserDirectory for AllInactive {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Ok(Some(User::new(false)))
    }
}

/// Returns one entry for each `LoginRefused` event: the user, the reason, and whether the event
/// contains a client address.
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
async fn refused_login_emits_one_event_without_passwords_or_unknown_user_names() {
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
        assert!(!text.contains(secret), "the log must not hold {secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn login_returns_503_when_the_credential_check_or_the_store_fails() {
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
    assert!(refusals(site).await.is_empty(), "a 503 must not emit `LoginRefused`");
}

#[tokio::test(start_paused = true)]
async fn login_fails_when_the_credential_check_accepts_an_unknown_or_another_user() {
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
async fn panic_in_the_credential_check_returns_500_with_a_logged_request_id() {
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
    assert_eq!(site.log_in("jeju", "password123").await.status, 200, "the next login must succeed");
}

#[tokio::test(start_paused = true)]
async fn login_with_an_oversized_session_field_returns_500() {
    let site = site();
    let new = NewSession::new(user("jeju")).role("r".repeat(1000));
    let error = site.manager.create(new).await.unwrap_err();
    assert!(matches!(error, SessionError::FieldTooLong { .. }));
    site.desk.change("jeju", |person| person.role = Some(LONG));
    assert_eq!(site.log_in("jeju", "password123").await.said(), (500, "internal"));
}

#[tokio::test(start_paused = true)]
async fn login_returns_503_when_the_user_directory_fails() {
    let site = site_with(|builder, _| builder.directory(Broken), |routes| routes);
    let reply = site.log_in("jeju", "password123").await;
    assert_eq!(reply.said(), (503, "store_unavailable"));
    assert_eq!(
        site.log_in("jeju", "wrong").await.status,
        401,
        "a wrong password needs no directory"
    );
    assert_eq!(site.count("jeju").await, 0);
}

/// A user directory whose lookups fail.
struct Broken;

impl UserDirectory for Broken {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Err("the database at db.internal does not answer".into())
    }
}

#[tokio::test(start_paused = true)]
async fn user_id_with_control_characters_cannot_forge_log_lines() {
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
    assert!(text.contains("forged=true"), "the log must hold the user id");
    for raw in ["x\n2026", "\u{1b}", "\u{202e}"] {
        assert!(!text.contains(raw), "the log must escape {raw:?}");
    }
}

/// A role that is longer than the maximum length.
const LONG: &str = {
    const BYTES: [u8; 600] = [b'r'; 600];
    match str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};
