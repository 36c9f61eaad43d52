//! The view "My sessions".

use serde_json::json;

use crate::page::{ESCAPE, IPHONE, Page};

#[tokio::test]
async fn session_on_another_device_is_listed_and_can_be_revoked() {
    let page = Page::open().await;
    let other = page.elsewhere("jeju", "password123", IPHONE).await;
    page.login("jeju", "password123");
    assert_eq!(page.value("text('#mine-caption')"), "2 live sessions");
    let mut devices = page.value("all('#mine-rows th bdi').sort()");
    assert_eq!(devices.take(), json!(["Chrome on Linux", "Safari on iPhone"]));
    assert_eq!(page.value("all('.badge')"), json!(["This device"]));
    let marked = "document.querySelector('.badge').closest('tr').querySelector('bdi').textContent";
    assert_eq!(page.value(marked), "Chrome on Linux");
    assert_eq!(page.value("text('#mine-rows .under')"), "127.0.0.1");
    let age = page.value("all('#mine-rows time')[0]");
    // On a slow machine, more than a moment may have passed since the login.
    let is_recent = age == "now" || age.as_str().unwrap().ends_with(" ago");
    assert!(is_recent, "{age}");

    let name = page.value("document.querySelector('#mine-rows .danger').ariaLabel");
    assert_eq!(name, "End: Safari on iPhone");
    page.click("#mine-rows .danger");
    page.until_says("said", "Session ended: Safari on iPhone");
    page.until("one row is left", "get('mine-rows').rows.length === 1");
    page.assert_ended(&other, "logout").await;
    page.must("GET", "/api/data", &page.token()).await;
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn revoking_an_already_revoked_session_shows_a_notice() {
    let page = Page::open().await;
    let other = page.elsewhere("jeju", "password123", IPHONE).await;
    page.login("jeju", "password123");
    page.must("POST", "/api/auth/logout", &other).await;
    page.click("#mine-rows .danger");
    page.until_says("said", "That session had ended already.");
    page.until("one row is left", "get('mine-rows').rows.length === 1");
    page.assert_no_complaint_but(&[404]);
}

#[tokio::test]
async fn remaining_time_counts_down_and_a_refresh_extends_it() {
    // With this threshold, requests alone do not extend the session during the test.
    let env = [("SESSION_TTL", "3600"), ("SESSION_REFRESH_THRESHOLD", "10")];
    let page = Page::open_with(&env, "en-GB").await;
    page.login("jeju", "password123");
    let end = "Number(document.querySelector('[data-until]').dataset.until)";
    let before = page.value(end).as_f64().unwrap();
    let shown = page.value("text('[data-until]')");
    page.until("the clock runs", &format!("text('[data-until]') !== {shown}"));
    page.until("a few seconds have passed", &format!("{end} - Date.now() < 3597000"));
    page.click("#mine-refresh");
    page.until_says("said", "Your session was refreshed.");
    let after = page.value(end).as_f64().unwrap();
    assert!(after > before + 1000.0, "{before} {after}");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn logout_everywhere_asks_first_and_then_revokes_all_sessions_of_the_user() {
    let page = Page::open().await;
    let other = page.elsewhere("jeju", "password123", IPHONE).await;
    let somebody = page.elsewhere("user", "password123", IPHONE).await;
    page.login("jeju", "password123");
    let mine = page.token();

    page.click("#mine-everywhere");
    page.until("the confirmation dialog is open", "get('ask').open");
    page.until_focus("#ask-no");
    page.press(ESCAPE);
    page.until("Escape closes the dialog", "!get('ask').open");
    page.until_focus("#mine-everywhere");
    page.must("GET", "/api/data", &other).await;

    page.click("#mine-everywhere");
    page.until("the confirmation dialog is open again", "get('ask').open");
    page.click("#ask-yes");
    page.until_says("said", "Logged out everywhere: 2 sessions ended.");
    page.until_focus("#login-title");
    for token in [&mine, &other] {
        page.assert_ended(token, "logout_all").await;
    }
    page.must("GET", "/api/data", &somebody).await;
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn logout_revokes_the_session_and_clears_the_page() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    let token = page.token();
    page.click("#logout");
    page.until_says("said", "You are logged out.");
    page.assert_ended(&token, "logout").await;
    assert_eq!(page.value("get('password').value"), "");
    let left = page.value("get('view-mine').textContent");
    assert!(!left.as_str().unwrap().contains("제주삼다수"), "{left}");
    assert_eq!(page.value("get('mine-rows').rows.length"), 0);
    assert_eq!(page.value("location.hash"), "");
    page.assert_no_complaint_but(&[]);
}
