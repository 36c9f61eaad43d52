//! `POST /logout` with an access token, a refresh token, both, and neither.

use std::time::Duration;

use serde_json::json;
use tokio::time::advance;
use tower_session_auth::events::Event;

use crate::jar::{Ask, DAY, REFRESH, browser_site, login, post};
use crate::site::{Reply, Site};

fn logout() -> Ask {
    post("/api/auth/logout")
}

/// Both tokens of a new session.
async fn tokens(site: &Site) -> (String, String) {
    let reply = login("/api/auth").to(site).await;
    (reply.access_token(), reply.refresh_token())
}

fn is_done(reply: &Reply, what: &str) {
    let body = json!({"message": "Successfully logged out"});
    assert_eq!((reply.status, &reply.body), (200, &body), "{what}");
    let cleared = reply.cookie(REFRESH);
    assert_eq!(cleared.value, "", "{what}");
    assert!(cleared.attributes.contains(&"Max-Age=0".to_owned()), "{what}: {cleared:?}");
}

#[tokio::test(start_paused = true)]
async fn the_refresh_cookie_alone_ends_its_session_as_often_as_it_comes() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    let (other, _) = tokens(&site).await;
    for _ in 0..3 {
        is_done(&logout().cookie(REFRESH, &refresh).to(&site).await, "the cookie");
    }
    let me = site.get("/api/auth/me", &access).await;
    assert_eq!((me.said(), &me.body["reason"]), ((401, "session_revoked"), &json!("logout")));
    assert_eq!(site.get("/api/auth/me", &other).await.status, 200, "the other device stays");
    let reply = post("/api/auth/refresh").cookie(REFRESH, &refresh).to(&site).await;
    assert_eq!((reply.said(), &reply.body["reason"]), ((401, "session_revoked"), &json!("logout")));
}

#[tokio::test(start_paused = true)]
async fn an_access_token_that_has_expired_ends_its_session() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    advance(Duration::from_secs(1800)).await;
    let next = post("/api/auth/refresh").cookie(REFRESH, &refresh).to(&site).await.access_token();
    advance(Duration::from_secs(1900)).await;
    assert_eq!(site.get("/api/auth/me", &access).await.said(), (401, "token_expired"));
    assert_eq!(site.get("/api/auth/me", &next).await.status, 200);
    is_done(&logout().bearer(&access).to(&site).await, "expired");
    assert_eq!(site.get("/api/auth/me", &next).await.said(), (401, "session_revoked"));
}

#[tokio::test(start_paused = true)]
async fn where_both_are_shown_both_sessions_end() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    is_done(&logout().bearer(&access).cookie(REFRESH, &refresh).to(&site).await, "of one session");
    let [one, two] = [tokens(&site).await, tokens(&site).await];
    assert_eq!(site.count("jeju").await, 2);
    is_done(&logout().bearer(&one.0).cookie(REFRESH, &two.1).to(&site).await, "of two");
    assert_eq!(site.count("jeju").await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_token_that_is_good_is_enough() {
    let site = browser_site();
    for (what, header) in [
        ("garbage", "Bearer a.b.c"),
        ("nothing", "Bearer"),
        ("another scheme", "Basic dTpw"),
        ("nonsense", "\u{ff}"),
    ] {
        let (_, refresh) = tokens(&site).await;
        let asked = logout().header("authorization", header).cookie(REFRESH, &refresh);
        is_done(&asked.to(&site).await, what);
        assert_eq!(site.count("jeju").await, 0, "{what}");
    }
    for bad in ["", "x", "a.b.c", &"A".repeat(1 << 20)] {
        let (access, _) = tokens(&site).await;
        is_done(&logout().bearer(&access).cookie(REFRESH, bad).to(&site).await, "the access token");
        assert_eq!(site.count("jeju").await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_shows_nothing_good_is_refused_and_keeps_the_cookie() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    let twice = format!("{refresh}; {REFRESH}={refresh}");
    for (what, asked, said, challenge) in [
        ("nothing", logout(), (401, "missing_token"), "Bearer"),
        (
            "another scheme",
            logout().header("authorization", "Basic dTpw"),
            (401, "missing_token"),
            "Bearer",
        ),
        (
            "the query",
            post(&format!("/api/auth/logout?refresh_token={refresh}")),
            (401, "missing_token"),
            "Bearer",
        ),
        (
            "the body",
            logout().json(json!({"refresh_token": refresh})),
            (401, "missing_token"),
            "Bearer",
        ),
        (
            "garbage",
            logout().bearer("a.b.c"),
            (401, "invalid_token"),
            r#"Bearer error="invalid_token""#,
        ),
        (
            "a bad cookie",
            logout().cookie(REFRESH, "x"),
            (401, "invalid_token"),
            r#"Bearer error="invalid_token""#,
        ),
        (
            "two bad ones",
            logout().bearer("a").cookie(REFRESH, "b"),
            (401, "invalid_token"),
            r#"Bearer error="invalid_token""#,
        ),
        (
            "two cookies",
            logout().cookie(REFRESH, &twice),
            (400, "invalid_request"),
            r#"Bearer error="invalid_request""#,
        ),
        (
            "two cookies and a token",
            logout().cookie(REFRESH, &twice).bearer(&access),
            (400, "invalid_request"),
            r#"Bearer error="invalid_request""#,
        ),
        (
            "two headers",
            logout().bearer(&access).bearer(&access).cookie(REFRESH, &refresh),
            (400, "invalid_request"),
            r#"Bearer error="invalid_request""#,
        ),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), said, "{what}");
        assert_eq!(reply.header("www-authenticate"), Some(challenge), "{what}");
        assert!(reply.sets_nothing(), "{what}");
    }
    for (what, asked, said) in [
        (
            "a form",
            logout().bearer(&access).header("content-type", "text/plain").body("a"),
            (415, "unsupported_media_type"),
        ),
        ("half an object", logout().bearer(&access).json("{"), (400, "invalid_request")),
        ("an array", logout().cookie(REFRESH, &refresh).json("[]"), (422, "invalid_body")),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), said, "{what}");
        assert!(reply.sets_nothing(), "{what}");
    }
    assert_eq!(site.count("jeju").await, 1, "nothing was ended");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_expired_is_logged_out() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    advance(DAY).await;
    is_done(&logout().bearer(&access).to(&site).await, "the access token");
    is_done(&logout().cookie(REFRESH, &refresh).to(&site).await, "the cookie");
}

#[tokio::test(start_paused = true)]
async fn a_logout_by_cookie_is_told_as_any_other() {
    let site = browser_site();
    let (_, refresh) = tokens(&site).await;
    logout().cookie(REFRESH, &refresh).to(&site).await;
    logout().to(&site).await;
    let told = site.told().await;
    let revoked = told.iter().filter(|event| matches!(event, Event::Revoked { .. })).count();
    let rejected = told.iter().filter(|event| matches!(event, Event::Rejected { .. })).count();
    assert_eq!((revoked, rejected), (1, 1), "{told:?}");
}
