//! The page when its session is revoked elsewhere, when it expires, and when the store is away.

use crate::page::{IPHONE, Page};
use crate::support::redis::RedisServer;
use crate::support::server::SECRET;

/// After a revocation elsewhere, the next action in the page shows the reason.
#[tokio::test]
async fn page_shows_why_its_session_was_revoked_elsewhere() {
    let page = Page::open().await;
    for (words, end) in [
        (
            "You were signed out of all sessions.",
            ("POST", "/api/auth/logout-all", "jeju", "password123"),
        ),
        (
            "An administrator revoked your session.",
            ("DELETE", "/api/session/user/jeju", "admin", "admin123"),
        ),
    ] {
        page.login("jeju", "password123");
        let (method, path, user, password) = end;
        let other = page.elsewhere(user, password, IPHONE).await;
        page.must(method, path, &other).await;
        page.click("#mine-reload");
        page.until_says("alarm", words);
        page.until_focus("#login-title");
        assert!(page.holds("get('logout').hidden && get('views').hidden"));
        let left = page.value("get('view-mine').textContent");
        assert!(!left.as_str().unwrap().contains("제주삼다수"), "{left}");
        page.click("[data-language=ko]");
        page.until(
            "the reason is shown in Korean",
            "/모든 세션에서 로그아웃되었습니다|관리자가 세션을 종료했습니다/.test(text('#alarm'))",
        );
        page.click("[data-language=en]");
    }
    page.assert_no_complaint_but(&[401]);
}

/// The page of an administrator has three views. Each detects the revocation when its tab becomes
/// visible again.
#[tokio::test]
async fn tab_that_becomes_visible_checks_whether_its_session_is_live() {
    let page = Page::open().await;
    for view in ["mine", "all", "stats"] {
        page.login("admin", "admin123");
        page.go(view);
        let other = page.elsewhere("admin", "admin123", IPHONE).await;
        page.must("POST", "/api/auth/logout-all", &other).await;
        page.script("document.dispatchEvent(new Event('visibilitychange'))");
        page.until_says("alarm", "You were signed out of all sessions.");
        page.until_focus("#login-title");
    }
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn page_detects_an_expired_session_without_a_click() {
    let env = [("SESSION_TTL", "5"), ("SESSION_REFRESH_THRESHOLD", "1")];
    let page = Page::open_with(&env, "en-GB").await;
    page.login("jeju", "password123");
    page.until_says("alarm", "Your session has expired. Please sign in again.");
    page.until_focus("#login-title");
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn store_outage_keeps_the_user_logged_in() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]).await;
    let env = [("REDIS_URL", &*redis.url()), ("JWT_SECRET", SECRET)];
    let page = Page::open_with(&env, "en-GB").await;
    page.login("jeju", "password123");
    let token = page.token();
    redis.stop();
    page.click("#mine-reload");
    page.until_says(
        "waiting",
        "The service is unavailable. Trying again in 1 second. You stay signed in.",
    );
    assert_eq!(page.value("text('#alarm')"), "");
    page.click("[data-language=ko]");
    page.until_says(
        "waiting",
        "서비스를 사용할 수 없어 1초 뒤에 다시 시도합니다. 로그인은 유지됩니다.",
    );
    page.click("[data-language=en]");
    redis.restart().await;
    page.until_says("said", "List refreshed.");
    assert_eq!(page.value("text('#waiting')"), "");
    assert_eq!(page.value("text('#mine-caption')"), "1 active session");
    assert_eq!(page.token(), token, "no new login was needed");
    page.assert_no_complaint_but(&[503]);
}

#[tokio::test]
async fn login_during_a_store_outage_shows_an_error() {
    let mut redis = RedisServer::start().await;
    let env = [("REDIS_URL", &*redis.url()), ("JWT_SECRET", SECRET)];
    let page = Page::open_with(&env, "en-GB").await;
    redis.stop();
    page.fill("#name", "jeju");
    page.fill("#password", "password123");
    page.click("#login-go");
    page.until_says("login-wrong", "The service is unavailable. Please try again.");
    page.until_focus("#login-go");
    redis.restart().await;
    page.until("the store is back", "fetch('/health').then((answer) => answer.ok)");
    page.login("jeju", "password123");
    page.assert_no_complaint_but(&[503]);
}
