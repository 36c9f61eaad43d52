//! The route `POST /refresh` of the auth routes, with the refresh token in a cookie.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::advance;
use tower_session_auth::routes::Mounts;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::{RevokeReason, Target};

use crate::routes::bad_bodies::Stalled;
use crate::routes::jar::{Ask, DAY, REFRESH, browser_site, login, members, post, refreshing};
use crate::routes::site::{Reply, Site, request, site, site_with};
use crate::support::switch::Mood;
use crate::support::user;

const PATH: &str = "/api/auth/refresh";

fn refresh(token: &str) -> Ask {
    post(PATH).cookie(REFRESH, token)
}

async fn logged_in(site: &Site) -> Reply {
    let reply = login("/api/auth").to(site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

#[tokio::test(start_paused = true)]
async fn refresh_returns_new_tokens_of_the_same_session() {
    let site = browser_site();
    let first = logged_in(&site).await;
    advance(Duration::from_secs(60)).await;
    let next = refresh(&first.refresh_token()).to(&site).await;
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(members(&next.body), ["access_token", "expires_in", "token_type"]);
    assert_eq!(
        (&next.body["token_type"], &next.body["expires_in"]),
        (&json!("bearer"), &json!(3600))
    );
    assert_eq!(next.header("cache-control"), Some("no-store"));
    assert_ne!(next.refresh_token(), first.refresh_token());

    let mine = |token: String| {
        let site = &site;
        async move { site.manager.authenticate(&token).await.unwrap().id().to_string() }
    };
    let id = mine(next.access_token()).await;
    assert_eq!(id, mine(first.access_token()).await, "the session must stay the same");
    assert_eq!(site.count("jeju").await, 1);

    let third = refresh(&next.refresh_token()).to(&site).await;
    assert_eq!(
        mine(third.access_token()).await,
        id,
        "the third token must belong to the same session"
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_ignores_an_expired_access_token() {
    let site = browser_site();
    let first = logged_in(&site).await;
    advance(Duration::from_secs(3000)).await;
    let next = refresh(&first.refresh_token()).bearer(&first.access_token()).to(&site).await;
    advance(Duration::from_secs(1000)).await;
    let me = site.get("/api/auth/me", &first.access_token()).await;
    assert_eq!(me.said(), (401, "token_expired"));
    let late = refresh(&next.refresh_token()).bearer(&first.access_token()).to(&site).await;
    assert_eq!(site.get("/api/auth/me", &late.access_token()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn refresh_token_reuse_within_grace_returns_the_same_successor() {
    let site = browser_site();
    let first = logged_in(&site).await.refresh_token();
    let next = refresh(&first).to(&site).await.refresh_token();
    advance(Duration::from_secs(5)).await;
    assert_eq!(refresh(&first).to(&site).await.refresh_token(), next);
}

#[tokio::test(start_paused = true)]
async fn refresh_token_reuse_after_grace_revokes_the_session() {
    let site = browser_site();
    let first = logged_in(&site).await;
    let next = refresh(&first.refresh_token()).to(&site).await;
    advance(Duration::from_secs(11)).await;
    for token in [first.refresh_token(), next.refresh_token(), first.refresh_token()] {
        let reply = refresh(&token).to(&site).await;
        let body = json!({
            "detail": "Session was ended: refresh_reuse",
            "code": "session_revoked",
            "reason": "refresh_reuse",
        });
        assert_eq!((reply.status, &reply.body), (401, &body));
        assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert!(reply.sets_nothing(), "{reply:?}");
    }
    let me = site.get("/api/auth/me", &next.access_token()).await;
    assert_eq!(
        (me.said(), &me.body["reason"]),
        ((401, "session_revoked"), &json!("refresh_reuse"))
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_without_a_refresh_cookie_returns_401() {
    let site = browser_site();
    let reply = logged_in(&site).await;
    let token = reply.refresh_token();
    let in_the_query = format!("{PATH}?refresh_token={token}&{REFRESH}={token}");
    for (what, asked) in [
        ("nothing", post(PATH)),
        ("another cookie", post(PATH).cookie("refresh_token", &token)),
        ("a name in lower case", post(PATH).cookie("__secure-refresh_token", &token)),
        ("a header", post(PATH).bearer(&token)),
        ("an access token", post(PATH).bearer(&reply.access_token())),
        ("a body", post(PATH).json(json!({"refresh_token": token}))),
        ("the query", post(&in_the_query)),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), (401, "missing_token"), "{what}");
        assert_eq!(
            reply.text, r#"{"detail":"Not authenticated","code":"missing_token"}"#,
            "{what}"
        );
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{what}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}");
        assert!(reply.sets_nothing(), "{what}");
    }
    // If there is a valid cookie, the route ignores a token in the query.
    let reply =
        post(&format!("{PATH}?refresh_token=other")).cookie(REFRESH, &token).to(&site).await;
    assert_eq!(reply.status, 200);
}

/// Returns all combinations of the parts of two tokens, except the two tokens themselves.
fn mixes(a: &str, b: &str) -> Vec<String> {
    let parts: Vec<(&str, &str)> = a.split('.').zip(b.split('.')).collect();
    let mixed = |mask: usize| {
        let chosen = parts.iter().enumerate();
        chosen
            .map(|(at, (a, b))| if mask >> at & 1 == 0 { *a } else { *b })
            .collect::<Vec<_>>()
            .join(".")
    };
    let all = (0..1_usize << parts.len()).map(mixed);
    all.filter(|mix| mix != a && mix != b).collect()
}

#[tokio::test(start_paused = true)]
async fn invalid_refresh_tokens_get_the_same_response_and_revoke_no_session() {
    let site = browser_site();
    let mine = logged_in(&site).await;
    let again = logged_in(&site).await.refresh_token();
    let body = json!({"user_id": "user", "password": "password123"});
    let others = post("/api/auth/login").json(body).to(&site).await.refresh_token();
    // A token of another server, which uses other signing keys.
    let foreign = {
        let site = site_with(
            |builder, _| {
                let key = tower_session_auth::SigningKey::hs256("r1", crate::support::SECRET);
                builder.refresh_keys(tower_session_auth::KeySet::new(key.unwrap()))
            },
            |routes| routes,
        );
        logged_in(&site).await.refresh_token()
    };
    let token = mine.refresh_token();
    let mut bad = vec![
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        "\"\"".to_owned(),
        format!("\"{token}\""),
        format!("{token}."),
        format!("{token}A"),
        format!("A{token}"),
        format!("{token}%00"),
        token.to_uppercase(),
        token.repeat(2),
        "A".repeat(1024),
        "A".repeat(1025),
        "A".repeat(1 << 20),
        format!("{token}{}", "A".repeat(1 << 20)),
        mine.access_token(),
        foreign,
    ];
    bad.extend((1..token.len()).map(|end| token[..end].to_owned()));
    bad.extend((1..token.len()).map(|start| token[start..].to_owned()));
    let mixed = mixes(&token, &again).len() + mixes(&token, &others).len();
    assert!(mixed > 0, "a token must have parts to mix");
    bad.extend(mixes(&token, &again));
    bad.extend(mixes(&token, &others));
    // Replaces each character by another character of the alphabet.
    bad.extend((0..token.len()).map(|at| {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    }));
    let mut asked: Vec<_> = bad.into_iter().map(|bad| bad.into_bytes()).collect();
    asked.push(b"\xff\xfe".to_vec());
    asked.push(token.bytes().chain(*b"\xff").collect());
    for bad in asked {
        let cookie = [REFRESH.as_bytes(), b"=", &bad].concat();
        let reply = post(PATH).header("cookie", cookie).to(&site).await;
        let shown = String::from_utf8_lossy(&bad[..bad.len().min(100)]).into_owned();
        let text = r#"{"detail":"Could not validate credentials","code":"invalid_token"}"#;
        assert_eq!((reply.status, reply.text.as_str()), (401, text), "{shown}");
        let challenge = Some(r#"Bearer error="invalid_token""#);
        assert_eq!(reply.header("www-authenticate"), challenge, "{shown}");
        assert!(reply.sets_nothing(), "{shown}");
    }
    for token in [token, again, others] {
        assert_eq!(refresh(&token).to(&site).await.status, 200, "no session may be revoked");
    }
    assert_eq!(site.get("/api/auth/me", &mine.access_token()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn refresh_token_is_rejected_as_an_access_token() {
    let site = browser_site();
    let token = logged_in(&site).await.refresh_token();
    assert_eq!(site.get("/api/auth/me", &token).await.said(), (401, "invalid_token"));
}

#[tokio::test(start_paused = true)]
async fn refresh_reports_revoked_inactive_and_expired_sessions_and_keeps_the_cookie() {
    let site = site_with(
        |builder, desk| {
            refreshing(builder, desk).directory(desk.clone()).revalidate_after(Duration::ZERO)
        },
        |routes| routes,
    );
    for reason in [RevokeReason::LogoutAll, RevokeReason::Admin, RevokeReason::PasswordChange] {
        let token = logged_in(&site).await.refresh_token();
        site.manager.revoke(&user("jeju"), Target::All, reason).await.unwrap();
        let reply = refresh(&token).to(&site).await;
        assert_eq!(reply.said(), (401, "session_revoked"));
        assert_eq!(reply.body["reason"], reason.as_str());
        assert!(reply.sets_nothing());
    }
    let token = logged_in(&site).await.refresh_token();
    site.desk.change("jeju", |person| person.active = false);
    let reply = refresh(&token).to(&site).await;
    assert_eq!(reply.said(), (403, "account_inactive"));
    assert!(reply.sets_nothing());
    site.desk.change("jeju", |person| person.active = true);
    let token = logged_in(&site).await.refresh_token();
    advance(DAY).await;
    let reply = refresh(&token).to(&site).await;
    assert_eq!(reply.said(), (401, "session_expired"));
    assert!(reply.sets_nothing());
}

#[tokio::test(start_paused = true)]
async fn unavailable_store_returns_503_and_keeps_the_refresh_cookie() {
    let site = browser_site();
    let first = logged_in(&site).await;
    let token = first.refresh_token();
    for mood in [Mood::Fail(StoreErrorKind::Unavailable), Mood::Hang] {
        site.store.set(mood);
        let both = post("/api/auth/logout").cookie(REFRESH, &token).bearer(&first.access_token());
        for asked in [
            refresh(&token),
            login("/api/auth"),
            post("/api/auth/logout").cookie(REFRESH, &token),
            both,
        ] {
            let reply = asked.to(&site).await;
            assert_eq!(reply.said(), (503, "store_unavailable"), "{reply:?}");
            assert_eq!(reply.header("retry-after"), Some("1"));
            assert!(reply.sets_nothing());
        }
        site.store.set(Mood::Answer);
        // The client waits for as long as `retry-after` requires.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(site.count("jeju").await, 1, "the session must stay live");
    }
    let next = refresh(&token).to(&site).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn refresh_accepts_only_no_body_null_or_a_json_object() {
    let site = browser_site();
    let token = logged_in(&site).await.refresh_token();
    let asked = || refresh(&token);
    let large = format!("{{}}{}", " ".repeat(17_000));
    let unsized_body = |text: &'static str| Body::new(Chunk(Some(text)));
    for (what, asked, said) in [
        ("nothing", asked(), (200, "")),
        ("no body, and a content type", asked().header("content-type", "text/plain"), (200, "")),
        ("no body in chunks", asked().body(unsized_body("")), (200, "")),
        ("an object", asked().json("{}"), (200, "")),
        ("null", asked().json("null"), (200, "")),
        ("null between blanks", asked().json(" \n\tnull\r\n"), (200, "")),
        ("an object in chunks", asked().json("").body(unsized_body("{}")), (200, "")),
        ("an object with fields", asked().json(r#"{"refresh_token":1,"a":[]}"#), (200, "")),
        (
            "a form",
            asked().header("content-type", "text/plain").body("a=b"),
            (415, "unsupported_media_type"),
        ),
        ("a form in chunks", asked().body(unsized_body("a=b")), (415, "unsupported_media_type")),
        ("no content type", asked().body("{}"), (415, "unsupported_media_type")),
        ("half an object", asked().json("{"), (400, "invalid_request")),
        ("no UTF-8", asked().json("").body(&b"{\"a\":\"\xff\"}"[..]), (400, "invalid_request")),
        ("an array", asked().json("[]"), (422, "invalid_body")),
        ("a text", asked().json("\"a\""), (422, "invalid_body")),
        ("a body over the limit", asked().json(large), (413, "payload_too_large")),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), said, "{what}: {reply:?}");
    }
    let slow = asked().json("").body(Body::new(Stalled)).to(&site).await;
    assert_eq!(slow.said(), (408, "request_timeout"));
}

/// A body of unknown length.
struct Chunk(Option<&'static str>);

impl hyper::body::Body for Chunk {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}

#[tokio::test(start_paused = true)]
async fn without_refresh_keys_there_are_no_refresh_tokens_and_no_refresh_route() {
    let site = site();
    let reply = login("/api/auth").header("sec-fetch-site", "cross-site").to(&site).await;
    assert_eq!(reply.status, 200, "without cookies, cross-site logins are allowed");
    assert!(reply.sets_nothing());
    assert!(reply.body.get("refresh_token").is_none());
    for path in ["/api/auth/refresh", "/auth/refresh"] {
        assert_eq!(
            site.send(request("POST", path, None, "".into())).await.said(),
            (404, "not_found")
        );
    }
    let document = site.routes.openapi(&Mounts::standard());
    assert!(!document.paths.paths.contains_key("/auth/refresh"));
    let reply = post("/api/auth/logout").bearer(&reply.access_token()).to(&site).await;
    assert!(reply.status == 200 && reply.sets_nothing(), "{reply:?}");
}
