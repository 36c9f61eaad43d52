//! `POST /logout` with an access token, with a refresh token, with both, and with neither of them.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tokio::time::{Instant, advance, timeout};
use tower_session_auth::routes::AccessCookie;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::telemetry::events::Event;

use crate::routes::bad_bodies::Stalled;
use crate::routes::jar::{
    ACCESS, Ask, DAY, REFRESH, body_site, browser_site, login, post, routes_site,
};
use crate::routes::site::{Reply, Site};
use crate::support::paused::{At, Verb};
use crate::support::switch::Mood;

fn logout() -> Ask {
    post("/api/auth/logout")
}

/// Logs in and returns the access token and the refresh token.
async fn tokens(site: &Site) -> (String, String) {
    let reply = login("/api/auth").to(site).await;
    (reply.access_token(), reply.refresh_token())
}

fn assert_logged_out(reply: &Reply, what: &str) {
    let body = json!({"message": "Successfully logged out"});
    assert_eq!((reply.status, &reply.body), (200, &body), "{what}");
    let cleared = reply.cookie(REFRESH);
    assert_eq!(cleared.value, "", "{what}");
    assert!(cleared.attributes.contains(&"Max-Age=0".to_owned()), "{what}: {cleared:?}");
}

#[tokio::test(start_paused = true)]
async fn logout_with_only_a_refresh_cookie_revokes_its_session_and_is_idempotent() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    let (other, _) = tokens(&site).await;
    for _ in 0..3 {
        assert_logged_out(&logout().cookie(REFRESH, &refresh).to(&site).await, "the cookie");
    }
    let me = site.get("/api/auth/me", &access).await;
    assert_eq!((me.said(), &me.body["reason"]), ((401, "session_revoked"), &json!("logout")));
    assert_eq!(
        site.get("/api/auth/me", &other).await.status,
        200,
        "the other session must stay live"
    );
    let reply = post("/api/auth/refresh").cookie(REFRESH, &refresh).to(&site).await;
    assert_eq!((reply.said(), &reply.body["reason"]), ((401, "session_revoked"), &json!("logout")));
}

#[tokio::test(start_paused = true)]
async fn logout_with_an_expired_access_token_revokes_its_session() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    advance(Duration::from_secs(1800)).await;
    let next = post("/api/auth/refresh").cookie(REFRESH, &refresh).to(&site).await.access_token();
    advance(Duration::from_secs(1900)).await;
    assert_eq!(site.get("/api/auth/me", &access).await.said(), (401, "token_expired"));
    assert_eq!(site.get("/api/auth/me", &next).await.status, 200);
    assert_logged_out(&logout().bearer(&access).to(&site).await, "expired");
    assert_eq!(site.get("/api/auth/me", &next).await.said(), (401, "session_revoked"));
}

#[tokio::test(start_paused = true)]
async fn logout_with_tokens_of_two_sessions_revokes_both() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    assert_logged_out(
        &logout().bearer(&access).cookie(REFRESH, &refresh).to(&site).await,
        "both tokens of one session",
    );
    let [one, two] = [tokens(&site).await, tokens(&site).await];
    assert_eq!(site.count("jeju").await, 2);
    assert_logged_out(
        &logout().bearer(&one.0).cookie(REFRESH, &two.1).to(&site).await,
        "tokens of two sessions",
    );
    assert_eq!(site.count("jeju").await, 0);
}

#[tokio::test(start_paused = true)]
async fn logout_succeeds_with_one_valid_token_beside_an_invalid_one() {
    let site = browser_site();
    for (what, header) in [
        ("garbage", "Bearer a.b.c"),
        ("an empty token", "Bearer"),
        ("another scheme", "Basic dTpw"),
        ("bytes that are not ASCII", "\u{ff}"),
    ] {
        let (_, refresh) = tokens(&site).await;
        let asked = logout().header("authorization", header).cookie(REFRESH, &refresh);
        assert_logged_out(&asked.to(&site).await, what);
        assert_eq!(site.count("jeju").await, 0, "{what}");
    }
    for bad in ["", "x", "a.b.c", &"A".repeat(1 << 20)] {
        let (access, _) = tokens(&site).await;
        assert_logged_out(
            &logout().bearer(&access).cookie(REFRESH, bad).to(&site).await,
            "the access token",
        );
        assert_eq!(site.count("jeju").await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn logout_without_a_valid_token_returns_401_and_clears_the_cookies() {
    let site = browser_site();
    let (_, refresh) = tokens(&site).await;
    let invalid = r#"Bearer error="invalid_token""#;
    let in_the_query = format!("/api/auth/logout?refresh_token={refresh}");
    for (what, asked, code, challenge) in [
        ("nothing", logout(), "missing_token", "Bearer"),
        (
            "another scheme",
            logout().header("authorization", "Basic dTpw"),
            "missing_token",
            "Bearer",
        ),
        ("the query", post(&in_the_query), "missing_token", "Bearer"),
        ("the body", logout().json(json!({"refresh_token": refresh})), "missing_token", "Bearer"),
        ("a bad header", logout().bearer("a.b.c"), "invalid_token", invalid),
        ("no token in the header", logout().bearer(""), "invalid_token", invalid),
        ("a bad cookie", logout().cookie(REFRESH, "x"), "invalid_token", invalid),
        ("both", logout().bearer("a").cookie(REFRESH, "b"), "invalid_token", invalid),
        (
            "two cookies",
            logout().cookie(REFRESH, "a").cookie(REFRESH, "b"),
            "invalid_token",
            invalid,
        ),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), (401, code), "{what}");
        assert_eq!(reply.header("www-authenticate"), Some(challenge), "{what}");
        let cleared = reply.cookie(REFRESH);
        assert_eq!(cleared.value, "", "{what}");
        assert!(cleared.attributes.contains(&"Max-Age=0".to_owned()), "{what}: {cleared:?}");
    }
    assert_eq!(site.count("jeju").await, 1, "no session may be revoked");
}

#[tokio::test(start_paused = true)]
async fn logout_with_two_authorization_headers_returns_400_and_clears_the_cookies() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let (access, refresh) = tokens(&site).await;
    let reply = logout().bearer(&access).bearer(&access).cookie(REFRESH, &refresh).to(&site).await;
    assert_eq!(reply.said(), (400, "invalid_request"));
    assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer error="invalid_request""#));
    for name in [ACCESS, REFRESH] {
        let cleared = reply.cookie(name);
        assert_eq!(cleared.value, "", "{name}");
        assert!(cleared.attributes.contains(&"Max-Age=0".to_owned()), "{cleared:?}");
    }
    assert_eq!(site.count("jeju").await, 1);
    // A site without cookies has no cookies to clear.
    let reply = logout().bearer(&access).bearer(&access).to(&body_site()).await;
    assert_eq!((reply.said(), reply.sets_nothing()), ((400, "invalid_request"), true));
}

#[tokio::test(start_paused = true)]
async fn logout_that_revokes_one_of_two_sessions_returns_503_and_keeps_the_cookies() {
    let site = browser_site();
    let [(access, _), (_, refresh)] = [tokens(&site).await, tokens(&site).await];
    let mut first = site.stops.stop(Verb::Delete, At::Before);
    let outage = async {
        first.reached().await;
        let mut second = site.stops.stop(Verb::Delete, At::Before);
        first.go();
        second.reached().await;
        site.store.set(Mood::Fail(StoreErrorKind::Unavailable));
        second.go();
    };
    let asked = logout().bearer(&access).cookie(REFRESH, &refresh).to(&site);
    let (reply, outage) = tokio::join!(asked, timeout(Duration::from_secs(60), outage));
    outage.expect("the logout must revoke two sessions, one after the other");
    assert_eq!(reply.said(), (503, "store_unavailable"));
    assert!(reply.sets_nothing(), "the client needs its cookies to retry");
    site.store.set(Mood::Answer);
    assert_eq!(site.count("jeju").await, 1);
}

#[tokio::test(start_paused = true)]
async fn logout_clears_an_access_cookie_signed_with_a_removed_key() {
    use tower_session_auth::{KeySet, SigningKey};

    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let first = login("/api/auth").to(&site).await;
    let access = first.cookie(ACCESS).value;
    let other = SigningKey::hs256("2", b"only-for-tests-another-secret-of-32-bytes").unwrap();
    site.manager.replace_keys(KeySet::new(other)).unwrap();
    let reply = logout().cookie(ACCESS, &access).to(&site).await;
    assert_eq!(
        reply.said(),
        (401, "invalid_token"),
        "no session was revoked, so the response must not claim it"
    );
    assert_eq!(
        (reply.cookie(ACCESS).value, reply.cookie(REFRESH).value),
        (String::new(), String::new())
    );
    assert_eq!(site.count("jeju").await, 1);
    // The refresh token is still valid, which is sufficient for a logout.
    let both = logout().cookie(ACCESS, &access).cookie(REFRESH, &first.refresh_token());
    assert_logged_out(&both.to(&site).await, "the refresh token");
    assert_eq!(site.count("jeju").await, 0);
}

#[tokio::test(start_paused = true)]
async fn logout_with_cookie_delivery_does_not_read_the_body() {
    let site = browser_site();
    let large = "x".repeat(1 << 20);
    for (what, change) in [
        ("null", (|asked| asked.json("null")) as fn(Ask) -> Ask),
        ("text", |asked| asked.header("content-type", "text/plain").body("bye")),
        ("no content type", |asked| asked.body("a=b")),
        ("half an object", |asked| asked.json("{")),
        ("an array", |asked| asked.json("[]")),
        ("no UTF-8", |asked| asked.json("").body(&b"\xff"[..])),
        ("a stalled body", |asked| asked.json("").body(Body::new(Stalled))),
    ] {
        let (_, refresh) = tokens(&site).await;
        let began = Instant::now();
        assert_logged_out(&change(logout().cookie(REFRESH, &refresh)).to(&site).await, what);
        assert_eq!(began.elapsed(), Duration::ZERO, "{what}: the logout waited for the body");
        assert_eq!(site.count("jeju").await, 0, "{what}");
    }
    let (access, _) = tokens(&site).await;
    assert_logged_out(&logout().bearer(&access).json(large).to(&site).await, "a megabyte");
}

#[tokio::test(start_paused = true)]
async fn logout_of_an_expired_session_succeeds() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    advance(DAY).await;
    assert_logged_out(&logout().bearer(&access).to(&site).await, "the access token");
    assert_logged_out(&logout().cookie(REFRESH, &refresh).to(&site).await, "the cookie");
}

#[tokio::test(start_paused = true)]
async fn logout_by_cookie_emits_revoked_and_logout_without_a_token_emits_rejected() {
    let site = browser_site();
    let (_, refresh) = tokens(&site).await;
    logout().cookie(REFRESH, &refresh).to(&site).await;
    logout().to(&site).await;
    let told = site.told().await;
    let revoked = told.iter().filter(|event| matches!(event, Event::Revoked { .. })).count();
    let rejected = told.iter().filter(|event| matches!(event, Event::Rejected { .. })).count();
    assert_eq!((revoked, rejected), (1, 1), "{told:?}");
}
