//! The view of the user's own account and sessions.

use serde_json::json;

use crate::page::{ESCAPE, IPHONE, Page};

#[tokio::test]
async fn session_on_another_device_is_listed_and_can_be_revoked() {
    let page = Page::open().await;
    let other = page.elsewhere("jeju", "password123", IPHONE).await;
    page.login("jeju", "password123");
    assert_eq!(page.value("text('#mine-caption')"), "2 active sessions");
    let mut devices = page.value("all('#mine-rows th bdi').sort()");
    assert_eq!(devices.take(), json!(["Chrome on Linux", "Safari on iPhone"]));
    assert_eq!(page.value("all('.badge')"), json!(["This session"]));
    let marked = "document.querySelector('.badge').closest('tr').querySelector('bdi').textContent";
    assert_eq!(page.value(marked), "Chrome on Linux");
    let age = page.value("text('#mine-rows [data-since]')");
    // On a slow machine, more than a moment may have passed since the login.
    let is_recent = age == "now" || age.as_str().unwrap().ends_with(" ago");
    assert!(is_recent, "{age}");

    let name = page.value("document.querySelector('#mine-rows .danger').ariaLabel");
    assert_eq!(name, "Revoke session: Safari on iPhone");
    page.click("#mine-rows .danger");
    page.until_says("said", "Session revoked: Safari on iPhone");
    page.until("one row is left", "get('mine-rows').rows.length === 1");
    page.assert_ended(&other, "logout").await;
    page.must("GET", "/api/data", &page.token()).await;
    page.assert_no_complaint_but(&[]);
}

/// With the date and the address, the user can recognize each session.
#[tokio::test]
async fn each_session_shows_its_sign_in_date_and_its_address() {
    let page = Page::open().await;
    page.elsewhere("jeju", "password123", IPHONE).await;
    page.login("jeju", "password123");
    let listed = page.must("GET", "/api/auth/sessions", &page.token()).await;
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{listed}");
    for (language, address, signed_in) in
        [("en", "IP address", "Signed in"), ("ko", "IP 주소", "로그인 시각")]
    {
        page.click(&format!("[data-language={language}]"));
        let columns = page.value("all('#view-mine thead th')");
        for column in [address, signed_in] {
            assert!(columns.as_array().unwrap().contains(&json!(column)), "{columns}");
        }
        for session in sessions {
            let id = session["session_id"].as_str().unwrap();
            let cell = |label: &str| {
                let cell = format!("[data-key=\"{id}\"] [data-label=\"{label}\"]");
                page.value(&format!("document.querySelector('{cell}').innerText"))
            };
            assert_eq!(cell(address), "127.0.0.1");
            let date = page.value(&format!(
                "new Intl.DateTimeFormat('{language}', {{ dateStyle: 'medium', timeStyle: 'short' }})\
                    .format(new Date({}))",
                session["created_at"]
            ));
            assert_eq!(cell(signed_in), date, "{session}");
        }
    }
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn revoking_an_already_revoked_session_shows_a_notice() {
    let page = Page::open().await;
    let other = page.elsewhere("jeju", "password123", IPHONE).await;
    page.login("jeju", "password123");
    page.must("POST", "/api/auth/logout", &other).await;
    page.click("#mine-rows .danger");
    page.until_says("said", "This session is no longer active.");
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
    page.until_says("said", "Session extended.");
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
    page.until_says("said", "Signed out of 2 sessions.");
    page.until_focus("#login-title");
    for token in [&mine, &other] {
        page.assert_ended(token, "logout_all").await;
    }
    page.must("GET", "/api/data", &somebody).await;
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn sign_out_of_other_sessions_asks_first_and_keeps_this_session() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    // The page does not list these sessions yet.
    let mut others = Vec::new();
    for agent in ["curl/8.5.0", IPHONE] {
        others.push(page.elsewhere("jeju", "password123", agent).await);
    }
    let somebody = page.elsewhere("user", "password123", IPHONE).await;

    page.click("#mine-others");
    page.until("the confirmation dialog is open", "get('ask').open");
    page.until_focus("#ask-no");
    page.press(ESCAPE);
    page.until("Escape closes the dialog", "!get('ask').open");
    page.must("GET", "/api/data", &others[0]).await;

    page.click("#mine-others");
    page.until("the confirmation dialog is open again", "get('ask').open");
    page.click("#ask-yes");
    page.until_says("said", "Signed out of 2 other sessions.");
    page.until_focus("#mine-others");
    assert_eq!(page.value("get('mine-rows').rows.length"), 1);
    assert_eq!(page.value("text('#mine-caption')"), "1 active session");
    for token in &others {
        page.assert_ended(token, "logout").await;
    }
    for token in [&page.token(), &somebody] {
        page.must("GET", "/api/data", token).await;
    }

    page.click("#mine-others");
    page.click("#ask-yes");
    page.until_says("said", "You have no other sessions.");
    page.assert_no_complaint_but(&[]);
}

/// Makes the first revocation fail with 500, before it reaches the server. All other requests are
/// unchanged.
const FAIL_FIRST_REVOCATION: &str = "const real = window.fetch;
    let failed = false;
    window.fetch = (input, init) => {
        if (failed || init?.method !== 'DELETE') return real(input, init);
        failed = true;
        const body = JSON.stringify({ code: 'internal', detail: 'Internal error' });
        return Promise.resolve(new Response(body, { status: 500 }));
    };";

#[tokio::test]
async fn sign_out_of_other_sessions_reports_a_failure_and_can_be_repeated() {
    let page = Page::open().await;
    let mut others = Vec::new();
    for agent in ["curl/8.5.0", IPHONE] {
        others.push(page.elsewhere("jeju", "password123", agent).await);
    }
    page.login("jeju", "password123");
    page.script(FAIL_FIRST_REVOCATION);
    page.click("#mine-others");
    page.click("#ask-yes");
    page.until_says(
        "alarm",
        "Signed out of 1 of 2 other sessions. Something went wrong. Please try again later.",
    );
    assert_eq!(page.value("text('#said')"), "");
    // The session whose revocation failed is still in the list.
    assert_eq!(page.value("get('mine-rows').rows.length"), 2);
    let mut live = 0;
    for token in &others {
        if page.ask("GET", "/api/data", token).await.status == 200 {
            live += 1;
        } else {
            page.assert_ended(token, "logout").await;
        }
    }
    assert_eq!(live, 1);
    page.click("[data-language=ko]");
    page.until_says(
        "alarm",
        "다른 세션 2개 중 1개에서 로그아웃했습니다. \
         오류가 발생했습니다. 잠시 후 다시 시도해 주세요.",
    );
    page.click("[data-language=en]");

    page.click("#mine-others");
    page.click("#ask-yes");
    page.until_says("said", "Signed out of 1 other session.");
    assert_eq!(page.value("text('#alarm')"), "");
    for token in &others {
        page.assert_ended(token, "logout").await;
    }
    page.must("GET", "/api/data", &page.token()).await;
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn logout_revokes_the_session_and_clears_the_page() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    let token = page.token();
    page.click("#logout");
    page.until_says("said", "You are signed out.");
    page.assert_ended(&token, "logout").await;
    assert_eq!(page.value("get('password').value"), "");
    let left = page.value("get('view-mine').textContent");
    assert!(!left.as_str().unwrap().contains("제주삼다수"), "{left}");
    assert_eq!(page.value("get('mine-rows').rows.length"), 0);
    assert_eq!(page.value("location.hash"), "");
    page.assert_no_complaint_but(&[]);
}
