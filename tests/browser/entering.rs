//! Login, logout, and the language of the page.

use serde_json::json;

use crate::page::{ENTER, Page};

#[tokio::test]
async fn keyboard_alone_can_log_in_revoke_a_session_and_log_out() {
    let page = Page::open().await;
    page.tab_to(".skip");
    page.press(ENTER);
    page.until_focus("#main");
    page.tab_to("#name");
    page.press("jeju");
    page.tab_to("#password");
    page.press("password123");
    page.press(ENTER);
    page.until_says("said", "Signed in.");
    page.until_focus("#mine-title");
    assert_eq!(page.value("text('#who-name')"), "제주삼다수");
    assert_eq!(page.value("document.title"), "Account · tower-session-auth");

    let other = page.elsewhere("jeju", "password123", "curl/8.5.0").await;
    page.tab_to("#mine-reload");
    page.press(ENTER);
    page.until("the other session is listed", "get('mine-rows').rows.length === 2");
    page.tab_to("#mine-rows .danger");
    page.press(ENTER);
    page.until_says("said", "Session revoked: curl");
    page.assert_ended(&other, "logout").await;
    // The row is removed, and the focus moves to the next row, not to the start of the page.
    page.until_focus("#mine-rows button");

    page.tab_to("#logout");
    page.press(ENTER);
    page.until_says("said", "You are signed out.");
    page.until_focus("#login-title");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn wrong_password_shows_an_error_and_the_right_one_then_works() {
    let page = Page::open().await;
    page.fill("#name", "jeju");
    page.fill("#password", "wrong");
    page.click("#login-go");
    page.until_says("login-wrong", "Incorrect user ID or password.");
    page.until_focus("#password");
    assert_eq!(page.value("get('password').ariaInvalid"), "true");
    assert_eq!(page.value("get('password').getAttribute('aria-describedby')"), "login-wrong");
    assert!(page.holds("!get('view-login').hidden && get('logout').hidden"));
    page.login("jeju", "password123");
    assert_eq!(page.value("text('#login-wrong')"), "");
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn empty_login_field_shows_an_error_and_sends_no_request() {
    let page = Page::open().await;
    page.requests();
    page.click("#login-go");
    page.until_says("login-wrong", "Enter your user ID or email address.");
    page.until_focus("#name");
    page.fill("#name", "jeju");
    page.press(ENTER);
    page.until_says("login-wrong", "Enter your password.");
    page.until_focus("#password");
    assert_eq!(page.requests(), []);
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn email_address_and_demo_user_button_can_log_in() {
    let page = Page::open().await;
    page.login("jeju@test.com", "password123");
    assert_eq!(page.value("text('#who-id')"), "jeju");
    page.click("#logout");
    page.until_says("said", "You are signed out.");
    page.click("#demo li:nth-child(3) button");
    page.until_focus("#login-go");
    page.press(ENTER);
    page.until_says("who-id", "admin");
    assert_eq!(page.value("text('#who-role')"), "Super administrator");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn page_uses_the_browser_language_until_the_user_chooses_another() {
    let page = Page::open_with(&[], "ko-KR,en").await;
    assert_eq!(page.value("document.documentElement.lang"), "ko");
    assert_eq!(
        page.value("[text('h1'), text('label'), document.title]"),
        json!(["로그인", "아이디 또는 이메일", "로그인 · tower-session-auth"])
    );
    page.fill("#name", "jeju");
    page.fill("#password", "wrong");
    page.click("#login-go");
    page.until_says("login-wrong", "아이디 또는 비밀번호가 올바르지 않습니다.");
    // The page translates a message that is already shown.
    page.click("[data-language=en]");
    page.until_says("login-wrong", "Incorrect user ID or password.");
    assert_eq!(page.value("document.documentElement.lang"), "en");

    page.command("POST", "refresh", &json!({}));
    page.until("the page has reloaded", "!get('view-login').hidden && text('h1') === 'Sign in'");
    assert_eq!(page.value("document.documentElement.lang"), "en");
    page.login("jeju", "password123");
    assert_eq!(page.value("text('#mine-rows .clock').endsWith('sec')"), true);
    page.click("[data-language=ko]");
    page.until_says("said", "로그인했습니다.");
    assert_eq!(page.value("text('#mine-rows bdi')"), "Linux의 Chrome");
    assert_eq!(page.value("text('#mine-rows .clock').endsWith('초')"), true);
    assert_eq!(page.value("text('#who-role')"), "사용자");
    assert_eq!(page.value("document.querySelector('[data-language=ko]').ariaPressed"), "true");
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn every_text_exists_in_both_languages_with_the_same_placeholders() {
    let page = Page::open().await;
    let texts = page.value(
        "import('/page/texts.js').then(({ TEXTS }) => {
            const values = (text) => {
                const all = typeof text === 'string' ? text : Object.values(text).join(' ');
                return [...new Set(all.match(/\\{\\w+\\}/g) ?? [])].sort();
            };
            const of = (language) => Object.entries(TEXTS[language])
                .map(([name, text]) => [name, values(text)]).sort(([a], [b]) => (a < b ? -1 : 1));
            return [of('en'), of('ko')];
        })",
    );
    assert!(texts[0].as_array().unwrap().len() > 100, "the test reads the texts");
    assert_eq!(texts[0], texts[1]);
    let names = texts[0].as_array().unwrap().iter().map(|text| text[0].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    for reason in [
        "logout",
        "logout_all",
        "admin",
        "evicted",
        "refresh_reuse",
        "password_change",
        "suspended",
    ] {
        assert!(names.contains(&&*format!("reason.{reason}")), "{reason}");
    }
    for role in ["user", "admin", "super_admin"] {
        assert!(names.contains(&&*format!("role.{role}")), "{role}");
    }
}
