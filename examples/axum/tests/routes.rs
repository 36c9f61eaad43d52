//! Each route, without a socket.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use super::{SECRET, app, app_with, get, login, post, send, try_login};
use crate::peer::Connection;
use crate::serve::Limits;

#[tokio::test]
async fn a_login_opens_what_a_logout_closes() {
    let app = app().await;
    let router = app.router(Limits::default());
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 200);
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let expected = json!({
        "user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user",
        "access_token": token, "token_type": "bearer", "expires_in": 3600,
    });
    assert_eq!(answer.body, expected);

    assert_eq!(get(&router, "/api/data", &token).await.status, 200);
    let me = json!({"user_id": "jeju", "user_name": "제주삼다수", "email": "jeju@test.com", "role": "user"});
    for path in ["/api/auth/me", "/auth/me"] {
        assert_eq!(get(&router, path, &token).await.body, me, "{path}");
    }

    for _ in 0..2 {
        // Idempotent: the second one finds nothing left to end.
        let answer = post(&router, "/auth/logout", &token).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::OK, json!({"message": "Successfully logged out"}))
        );
    }
    for path in ["/api/data", "/api/session/me", "/api/auth/me"] {
        let answer = get(&router, path, &token).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.body["code"], "session_revoked", "{path}");
        assert_eq!(answer.body["reason"], "logout", "{path}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], r#"Bearer error="invalid_token""#, "{path}");
    }
}

#[tokio::test]
async fn the_session_is_shown_as_the_store_has_it() {
    let app = app().await;
    let router = app.router(Limits::default());
    let mut request = Request::post("/api/auth/login").header(CONTENT_TYPE, "application/json");
    request = request.extension(Connection(SocketAddr::from(([192, 0, 2, 7], 50_000))));
    let body = json!({"email": "JEJU@test.com", "password": "password123"}).to_string();
    let answer = send(&router, request.body(Body::from(body)).unwrap()).await;
    let token = answer.body["access_token"].as_str().unwrap();

    let shown = get(&router, "/api/session/me", token).await.body;
    assert_eq!(shown["user_id"], "jeju");
    assert_eq!(shown["ip_address"], "192.0.2.7");
    assert!((3598..=3600).contains(&shown["ttl"].as_u64().unwrap()), "{shown}");
    for time in ["created_at", "last_activity"] {
        let text = shown[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{text}");
    }
    let fields = [
        "user_id",
        "user_name",
        "email",
        "role",
        "created_at",
        "last_activity",
        "ttl",
        "ip_address",
    ];
    assert_eq!(shown.as_object().unwrap().len(), fields.len());
    assert!(fields.iter().all(|field| shown.get(field).is_some()));
}

#[tokio::test]
async fn who_may_not_log_in_learns_no_reason() {
    let app = app().await;
    let router = app.router(Limits::default());
    let long = "x".repeat(2000);
    let refused = [
        json!({"user_id": "jeju", "password": "wrong"}),
        json!({"user_id": "jeju", "password": "password123\0"}),
        json!({"user_id": "jeju", "password": long}),
        json!({"user_id": "nobody", "password": "password123"}),
        json!({"user_id": "suspended", "password": "password123"}),
        json!({"user_id": "", "password": ""}),
        json!({"email": "nobody@test.com", "password": "password123"}),
    ];
    for body in refused {
        let answer = try_login(&router, body.to_string()).await;
        assert_eq!(answer.status, 401, "{body}");
        let expected =
            json!({"detail": "Incorrect user id or password", "code": "invalid_credentials"});
        assert_eq!(answer.body, expected, "{body}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer", "{body}");
    }
}

#[tokio::test]
async fn a_user_who_is_switched_off_is_403_while_the_session_lives() {
    let app = app().await;
    let router = app.router(Limits::default());
    let token = login(&router, "jeju", "password123").await;
    app.users.by_id("jeju").unwrap().switch_off();
    let answer = get(&router, "/api/auth/me", &token).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body, json!({"detail": "Account is not active", "code": "account_inactive"}));
}

#[tokio::test]
async fn bodies_that_are_wrong_are_told_so() {
    let app = app().await;
    let router = app.router(Limits::default());
    let large = format!(r#"{{"user_id":"jeju","password":"{}"}}"#, "x".repeat(16 * 1024));
    let cases: [(&str, u16, &str); 13] = [
        ("{", 400, "invalid_request"),
        ("", 400, "invalid_request"),
        ("\u{feff}{}", 400, "invalid_request"),
        (r#"{"user_id":"jeju","password":"x"} x"#, 400, "invalid_request"),
        ("[]", 422, "invalid_body"),
        (r#"["jeju", null, "password123"]"#, 422, "invalid_body"),
        ("null", 422, "invalid_body"),
        ("{}", 422, "invalid_body"),
        (r#"{"user_id":"jeju"}"#, 422, "invalid_body"),
        (r#"{"user_id":7,"password":"x"}"#, 422, "invalid_body"),
        (r#"{"user_id":"jeju","email":"jeju@test.com","password":"x"}"#, 422, "invalid_body"),
        (r#"{"user_id":"jeju","user_id":"jeju","password":"x"}"#, 422, "invalid_body"),
        (&large, 413, "payload_too_large"),
    ];
    for (body, status, code) in cases {
        let answer = try_login(&router, body.to_owned()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (status, &json!(code)),
            "{body:.80}"
        );
    }
    for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = Request::post("/auth/login");
        if let Some(media_type) = media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let answer = send(&router, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, 415, "{media_type:?}");
        assert_eq!(
            answer.body,
            json!({"detail": "Expected application/json", "code": "unsupported_media_type"})
        );
    }
    let request =
        Request::post("/auth/login").header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    assert_eq!(
        send(&router, request.body(Body::from("{}")).unwrap()).await.status,
        422,
        "it is JSON"
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_contracts_words() {
    let app = app().await;
    let router = app.router(Limits::default());
    let answer = get(&router, "/nowhere", "x").await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let request =
        Request::builder().method(Method::DELETE).uri("/health").body(Body::empty()).unwrap();
    let answer = send(&router, request).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.body["code"], "method_not_allowed");
    assert!(answer.headers[ALLOW].to_str().unwrap().contains("GET"));
    for path in ["/api/data", "/api/session/me", "/api/auth/me"] {
        let answer = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            answer.body,
            json!({"detail": "Not authenticated", "code": "missing_token"}),
            "{path}"
        );
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer", "{path}");
    }
    let answer = send(&router, Request::post("/auth/logout").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body["code"], "missing_token");
}

#[tokio::test]
async fn health_tells_what_the_store_is() {
    let app = app().await;
    let router = app.router(Limits::default());
    for path in ["/health", "/api/auth/health", "/auth/health"] {
        let answer = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body["status"], "healthy");
        assert_eq!(answer.body["store"]["kind"], "memory");
        assert_eq!(answer.body["store"]["connected"], true);
    }
    let answer = send(&router, Request::get("/health/live").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn without_redis_it_is_alive_and_not_ready() {
    // Nothing listens on port 1.
    let app =
        app_with(&[("JWT_SECRET", SECRET), ("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", "1")]).await;
    let router = app.router(Limits::default());
    let answer = send(&router, Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("degraded"))
    );
    assert_eq!(answer.body["store"]["connected"], false);
    let answer = send(&router, Request::get("/health/live").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        json!({"detail": "Session store unavailable", "code": "store_unavailable"})
    );
    assert_eq!(answer.headers[RETRY_AFTER], "1");
    assert!(!answer.headers.contains_key(WWW_AUTHENTICATE));
}

#[tokio::test(start_paused = true)]
async fn logins_that_wait_too_long_for_their_turn_are_told_that_it_is_busy() {
    let app = app().await;
    let router = app.router(Limits::default());
    let turns = app.passwords.take_all_turns();
    let answer =
        try_login(&router, json!({"user_id": "jeju", "password": "password123"}).to_string()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, json!({"detail": "Too busy, try again", "code": "overloaded"}));
    assert_eq!(answer.headers[RETRY_AFTER], "1");
    drop(turns);
}

#[tokio::test]
async fn what_a_protected_route_can_do_is_not_told_to_strangers() {
    let app = app().await;
    let router = app.router(Limits::default());
    for path in ["/api/data", "/api/session/me"] {
        let request = Request::builder().method(Method::DELETE).uri(path);
        let answer = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{path}");
        let token = login(&router, "jeju", "password123").await;
        let request = Request::builder().method(Method::DELETE).uri(path);
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let answer = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (405, &json!("method_not_allowed"))
        );
        assert!(answer.headers.contains_key(ALLOW), "{path}");
    }
}
