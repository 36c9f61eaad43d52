//! Protection against attacks: token storage, requests to other servers, hostile text, and the
//! content security policy.

use serde_json::json;

use crate::page::Page;

#[tokio::test]
async fn access_token_is_kept_in_memory_only() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    let token = page.token();
    page.must("GET", "/api/data", &token).await;
    page.click("[data-language=ko]");
    let kept = page.value(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state,
            document.documentElement.outerHTML, [...document.querySelectorAll('input')].map((one) => one.value),
            performance.getEntries().map((one) => one.name), Object.keys(window).map((key) => String(window[key]))])",
    );
    let kept = kept.as_str().unwrap();
    assert!(
        kept.contains("제주삼다수") && kept.contains(r#"{"language":"ko"}"#),
        "the test reads the page"
    );
    for part in token.split('.') {
        assert!(!kept.contains(part), "{part}");
    }
    assert_eq!(page.value("get('password').value"), "");
    assert_eq!(page.value("indexedDB.databases().then((all) => all.length)"), 0);
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn page_sends_requests_to_its_own_server_only() {
    let page = Page::open().await;
    page.login("admin", "admin123");
    page.go("all");
    page.go("stats");
    page.click("#logout");
    page.until_says("said", "You are signed out.");
    let requests = page.requests();
    assert!(requests.len() > 15, "the test records the requests: {requests:?}");
    let origin = page.origin();
    for (_, url, token) in requests {
        assert!(url.starts_with(&origin), "{url}");
        assert!(token.is_none_or(|token| !url.contains(&token)), "{url}");
    }
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn hostile_user_agent_is_shown_as_plain_text() {
    let page = Page::open().await;
    let hostile = "<img/src=x/onerror=document.title='owned'>/1.0";
    page.elsewhere("jeju", "password123", hostile).await;
    page.login("jeju", "password123");
    assert!(
        page.holds("all('#mine-rows bdi').includes('<img')"),
        "{}",
        page.value("all('#mine-rows bdi')")
    );
    assert_eq!(page.value("document.querySelectorAll('main img, main script').length"), 0);
    page.click("#mine-rows .danger");
    page.until_says("said", "Session revoked: <img");
    assert_ne!(page.value("document.title"), "owned");
    page.assert_no_complaint_but(&[]);
}

/// The second line of defense: the content security policy blocks injected code.
#[tokio::test]
async fn content_security_policy_blocks_what_the_page_does_not_use() {
    let page = Page::open().await;
    // Runs from a timer, because the policy does not apply to code that the driver runs itself.
    page.script(
        "window.told = [];
        document.addEventListener('securitypolicyviolation', (told) => window.told.push(told.effectiveDirective));
        const element = (tag, attributes) => Object.assign(document.createElement(tag), attributes);
        const attempts = [
            () => { document.body.innerHTML = '<b>markup</b>'; },
            () => document.body.setAttribute('style', 'display: none'),
            () => document.head.append(element('style', { textContent: 'body { display: none }' })),
            () => document.body.append(element('iframe', { src: '/' })),
            () => document.body.append(element('img', { src: 'http://127.0.0.2/' })),
            () => fetch('http://127.0.0.2/').catch(() => {}),
            () => document.head.append(element('base', { href: 'http://127.0.0.2/' })),
            () => get('login').submit(),
        ];
        const get = (id) => document.getElementById(id);
        setTimeout(() => attempts.forEach((attempt) => { try { attempt(); } catch { /* said by the event */ } }));",
    );
    let stopped = [
        "base-uri",
        "connect-src",
        "form-action",
        "frame-src",
        "img-src",
        "require-trusted-types-for",
        "style-src-attr",
        "style-src-elem",
    ];
    page.until("all attempts are blocked", "window.told.length >= 8");
    assert_eq!(page.value("window.told.sort()"), json!(stopped));
    assert!(page.holds("document.body.checkVisibility() && !get('view-login').hidden"));
}
