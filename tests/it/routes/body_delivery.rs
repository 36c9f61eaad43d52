//! Refresh tokens in the bodies of requests and responses, for clients that are not browsers.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::time::advance;
use tower_session_auth::routes::Mounts;

use crate::routes::bad_bodies::Stalled;
use crate::routes::jar::{REFRESH, body_site, login, members, post};
use crate::routes::site::{Reply, Site};

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.sets_nothing(), "{reply:?}");
    reply.body["refresh_token"].as_str().unwrap().to_owned()
}

async fn refresh(site: &Site, body: impl ToString) -> Reply {
    post("/api/auth/refresh").json(body).to(site).await
}

#[tokio::test(start_paused = true)]
async fn login_and_refresh_return_the_refresh_token_in_the_body_without_a_cookie() {
    let site = body_site();
    let first = login("/api/auth").to(&site).await;
    let fields = [
        "access_token",
        "email",
        "expires_in",
        "refresh_token",
        "role",
        "token_type",
        "user_id",
        "user_name",
    ];
    assert_eq!(members(&first.body), fields);
    let next = refresh(&site, json!({"refresh_token": token(&first)})).await;
    let fields = ["access_token", "expires_in", "refresh_token", "token_type"];
    assert_eq!(members(&next.body), fields);
    assert_ne!(token(&next), token(&first));
    assert_eq!(site.get("/auth/me", &next.access_token()).await.status, 200);
    advance(Duration::from_secs(11)).await;
    let replay = refresh(&site, json!({"refresh_token": token(&first)})).await;
    assert_eq!(
        (replay.said(), &replay.body["reason"]),
        ((401, "session_revoked"), &json!("refresh_reuse"))
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_reads_the_token_from_the_body_only() {
    let site = body_site();
    let token = token(&login("/api/auth").to(&site).await);
    let query = format!("/api/auth/refresh?refresh_token={token}");
    for name in ["refresh_token", REFRESH, "__Host-refresh_token"] {
        let asked = post(&query).cookie(name, &token).bearer(&token);
        assert_eq!(asked.to(&site).await.said(), (401, "missing_token"), "{name}");
    }
    // The routes ignore refresh cookies, even if there are two of them.
    let asked = post("/api/auth/refresh").cookie(REFRESH, "a").cookie(REFRESH, "b");
    assert_eq!(asked.json(json!({"refresh_token": token})).to(&site).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn refresh_rejects_invalid_bodies_and_names_the_wrong_field() {
    let site = body_site();
    let missing = "`refresh_token` is missing";
    let kind = "`refresh_token` must be a string";
    let shape = "the body is not a JSON object with each field once";
    for (body, detail) in [
        ("{}", missing),
        (r#"{"Refresh_Token":"x"}"#, missing),
        (r#"{"refresh_token":null}"#, missing),
        (r#"{"refresh_token":1}"#, kind),
        (r#"{"refresh_token":["x"]}"#, kind),
        (r#"{"refresh_token":"a","refresh_token":"b"}"#, shape),
        (r#"["x"]"#, shape),
        (r#""x""#, shape),
    ] {
        let reply = refresh(&site, body).await;
        assert_eq!(reply.said(), (422, "invalid_body"), "{body}");
        assert_eq!(reply.body["detail"], detail, "{body}");
    }
    for (body, said) in [
        ("{", (400, "invalid_request")),
        (r#"{"refresh_token":"\ud800"}"#, (400, "invalid_request")),
        (r#"{"refresh_token":""}"#, (401, "invalid_token")),
        (r#"{"refresh_token":"a.b"}"#, (401, "invalid_token")),
        (r#"{"refresh_token":"a\u0000b"}"#, (401, "invalid_token")),
        (&json!({"refresh_token": "A".repeat(16_000)}).to_string(), (401, "invalid_token")),
        (&json!({"refresh_token": "A".repeat(1 << 20)}).to_string(), (413, "payload_too_large")),
    ] {
        assert_eq!(refresh(&site, body).await.said(), said, "{body:.60}");
    }
    let plain = post("/api/auth/refresh").header("content-type", "text/plain");
    let plain = plain.body(r#"{"refresh_token":"x"}"#).to(&site).await;
    assert_eq!(plain.said(), (415, "unsupported_media_type"));
    assert_eq!(post("/api/auth/refresh").to(&site).await.said(), (401, "missing_token"));
    for null in ["null", " \n\tnull\r\n"] {
        assert_eq!(refresh(&site, null).await.said(), (401, "missing_token"), "{null:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn logout_reads_the_refresh_token_from_the_body() {
    let site = body_site();
    let logout = || post("/api/auth/logout");
    let token = token(&login("/api/auth").to(&site).await);
    for body in [json!({}), json!({"other": 1})] {
        assert_eq!(logout().json(body).to(&site).await.said(), (401, "missing_token"));
    }
    // A body that does not have exactly one valid string in `refresh_token` is treated like a body
    // without a token.
    let no_tokens = || {
        [
            logout().json(json!({"refresh_token": 1})),
            logout().json(json!({"refresh_token": null})),
            logout().json(r#"{"refresh_token":"a","refresh_token":"b"}"#),
            logout().json(r#"{"refresh_token":"\ud800"}"#),
            logout().json("null"),
            logout().json("[]"),
            logout().json("{"),
            logout().json("x".repeat(17_000)),
            logout().header("content-type", "text/plain").body("bye"),
            logout().body("a=b"),
            logout().json("").body(Body::new(Stalled)),
        ]
    };
    for asked in no_tokens() {
        assert_eq!(asked.to(&site).await.said(), (401, "missing_token"));
    }
    assert_eq!(site.count("jeju").await, 1);
    for asked in no_tokens() {
        let access = login("/api/auth").to(&site).await.access_token();
        let reply = asked.bearer(&access).to(&site).await;
        assert_eq!((reply.status, site.count("jeju").await), (200, 1), "{reply:?}");
    }
    for _ in 0..2 {
        let reply = logout().json(json!({"refresh_token": token})).to(&site).await;
        assert_eq!((reply.status, reply.sets_nothing()), (200, true), "{reply:?}");
        assert_eq!(site.count("jeju").await, 0);
    }
    // The logout route accepts a valid token with any content type. It revokes the session of the
    // token.
    let first = login("/api/auth").to(&site).await;
    let body = json!({"refresh_token": first.body["refresh_token"]}).to_string();
    assert_eq!(logout().body(body).to(&site).await.status, 200);
    let first = login("/api/auth").to(&site).await;
    let reply = logout().bearer(&first.access_token()).json("{}").to(&site).await;
    assert_eq!((reply.status, site.count("jeju").await), (200, 0), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn body_delivery_accepts_cross_site_requests() {
    let site = body_site();
    // These requests contain no cookie. Therefore the routes leave cross-site rules to CORS.
    let first = login("/api/auth").header("sec-fetch-site", "cross-site").to(&site).await;
    let body = json!({"refresh_token": token(&first)});
    let asked = post("/api/auth/refresh").header("origin", "https://other.test").json(body);
    assert_eq!(asked.to(&site).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn openapi_document_describes_body_delivery() {
    let site = body_site();
    let json = site.routes.openapi(&Mounts::standard()).to_json().unwrap();
    let document: Value = serde_json::from_str(&json).unwrap();
    let refresh = &document["paths"]["/auth/refresh"]["post"];
    let schema = &refresh["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(*schema, "#/components/schemas/RefreshRequest");
    assert_eq!(refresh["requestBody"]["required"], true);
    assert_eq!(refresh["security"], Value::Null);
    assert_eq!(document["paths"]["/auth/logout"]["post"]["requestBody"]["required"], false);
    assert!(document["components"]["securitySchemes"].get("refreshCookie").is_none());
}
