//! What an attacker would like the page to do.

use serde_json::json;

use crate::page::{IPHONE, Page};

#[test]
fn the_token_is_in_memory_only() {
    let page = Page::open();
    page.login("jeju", "password123");
    let token = page.token();
    page.server.must("GET", "/api/data", &token);
    page.click("[data-language=ko]");
    let kept = page.value(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state,
            document.documentElement.outerHTML, [...document.querySelectorAll('input')].map((one) => one.value),
            performance.getEntries().map((one) => one.name), Object.keys(window).map((key) => String(window[key]))])",
    );
    let kept = kept.as_str().unwrap();
    assert!(
        kept.contains("제주삼다수") && kept.contains(r#"{"language":"ko"}"#),
        "the test sees the page"
    );
    for part in token.split('.') {
        assert!(!kept.contains(part), "{part}");
    }
    assert_eq!(page.value("get('password').value"), "");
    assert_eq!(page.value("indexedDB.databases().then((all) => all.length)"), 0);
    page.command("POST", "refresh", &json!({}));
    page.until(
        "a reload forgets it",
        "!get('view-login').hidden && get('who-id').textContent === ''",
    );
    page.assert_no_complaint_but(&[]);
}

#[test]
fn no_request_leaves_the_server() {
    let page = Page::open();
    page.login("admin", "admin123");
    page.go("all");
    page.go("stats");
    page.click("#logout");
    page.until_says("said", "You are logged out.");
    let requests = page.requests();
    assert!(requests.len() > 15, "the test sees the requests: {requests:?}");
    let origin = page.origin();
    for (_, url, token) in requests {
        // What the browser's empty first tab shows.
        if url != "data:," {
            assert!(url.starts_with(&origin), "{url}");
        }
        assert!(token.is_none_or(|token| !url.contains(&token)), "{url}");
    }
    page.assert_no_complaint_but(&[]);
}

#[test]
fn what_others_wrote_is_text() {
    let page = Page::open();
    let hostile = "<img/src=x/onerror=document.title='owned'>/1.0";
    page.server.login("jeju", "password123", hostile);
    page.login("jeju", "password123");
    assert!(
        page.holds("all('#mine-rows bdi').includes('<img')"),
        "{}",
        page.value("all('#mine-rows bdi')")
    );
    assert_eq!(page.value("document.querySelectorAll('main img, main script').length"), 0);
    page.click("#mine-rows .danger");
    page.until_says("said", "Session ended: <img");
    assert_ne!(page.value("document.title"), "owned");
    page.assert_no_complaint_but(&[]);
}

/// The second line: markup that got into the page all the same would do nothing.
#[test]
fn the_policy_stops_what_the_page_does_not_do() {
    let page = Page::open();
    page.server.login("jeju", "password123", IPHONE);
    for (attempt, code) in [
        ("markup", "document.body.innerHTML = '<b>x</b>'"),
        ("eval", "window.eval('1')"),
        (
            "a script from elsewhere",
            "const one = document.createElement('script'); one.src = 'https://example.com/x.js'; one.text = ''",
        ),
    ] {
        let refused = page.script(&format!(
            "try {{ {code}; return 'done'; }} catch (error) {{ return error.name; }}"
        ));
        assert_ne!(refused, "done", "{attempt}");
    }
    for (attempt, code) in [
        (
            "a style",
            "document.body.setAttribute('style', 'color: rgb(1, 2, 3)'); return getComputedStyle(document.body).color === 'rgb(1, 2, 3)'",
        ),
        (
            "a request elsewhere",
            "return fetch('http://127.0.0.1:1/').then(() => true, () => false)",
        ),
        (
            "a frame",
            "const one = document.createElement('iframe'); one.src = '/'; document.body.append(one); \
            return new Promise((done) => { one.onload = () => done(one.contentDocument?.title === 'tower-session-auth'); })",
        ),
    ] {
        assert_eq!(page.script(code), false, "{attempt}");
    }
    assert!(page.log("browser").len() >= 3, "the browser tells of it");
}
