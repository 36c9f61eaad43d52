//! Two tabs of one browser share the login, the refresh, and the logout.

use std::ops::Deref;

use serde_json::{Value, json};

use crate::page::{IPHONE, Page};
use crate::support::client::get;
use crate::support::forge::{decoded, forge, parts};
use crate::support::redis::RedisServer;
use crate::support::server::SECRET;

const REFRESH: &str = "POST /api/auth/refresh";

/// Two tabs that show the page.
struct Tabs {
    page: Page,
    handles: [String; 2],
}

impl Deref for Tabs {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Tabs {
    /// Opens a page and logs in. Then opens a second tab, which restores the login itself.
    async fn open(env: &[(&str, &str)]) -> Self {
        let page = Page::open_with(env, "en-GB").await;
        page.login("jeju", "password123");
        let first = page.command("GET", "window", &json!({}));
        let second = page.command("POST", "window/new", &json!({"type": "tab"}));
        let handles = [&first, &second["handle"]].map(|handle| handle.as_str().unwrap().to_owned());
        let tabs = Self { page, handles };
        tabs.to(1);
        tabs.visit(&tabs.origin());
        tabs.until("the second tab is logged in", "get('mine-rows').rows.length > 0");
        tabs
    }

    /// Switches to this tab.
    fn to(&self, tab: usize) {
        self.command("POST", "window", &json!({"handle": self.handles[tab]}));
    }

    /// Runs this script in both tabs.
    fn in_both(&self, script: &str) {
        for tab in [0, 1] {
            self.to(tab);
            self.script(script);
        }
    }

    /// Makes each tab send ten data requests. Both tabs start at the same moment if the machine is
    /// fast enough. Returns the results of each tab.
    fn burst(&self) -> [Value; 2] {
        let at = self.value("performance.timeOrigin + performance.now() + 1000");
        self.in_both(&format!(
            "window.went = null;
            const burst = async () => {{
                const {{ call }} = await import('/page/api.js');
                const asked = Array.from({{ length: 10 }}, () => call('GET', '/api/data'));
                const went = await Promise.allSettled(asked);
                window.went = went.map((one) => one.value?.user_id ?? String(one.reason));
            }};
            setTimeout(burst, {at} - performance.timeOrigin - performance.now());"
        ));
        [0, 1].map(|tab| {
            self.to(tab);
            self.until("all requests have answers", "window.went !== null");
            self.value("window.went")
        })
    }
}

/// Stores the token of the latest data request in `window.seen`. A data request with the token
/// `window.replaced` is sent with the token `window.replacement` instead. All other requests are
/// unchanged.
const WATCH_TOKENS: &str = "const real = window.fetch;
    window.fetch = (input, init) => {
        const headers = new Headers(init?.headers ?? input.headers);
        const token = headers.get('authorization');
        if (!String(input.url ?? input).endsWith('/api/data')) return real(input, init);
        window.seen = token;
        if (token === window.replaced) headers.set('authorization', window.replacement);
        return real(input, { ...init, headers });
    };";

/// Returns the same token with earlier times, so that it expired an hour ago.
fn expired(bearer: &str) -> String {
    let (header, payload, _) = parts(bearer.strip_prefix("Bearer ").unwrap());
    let mut claims: Value = serde_json::from_str(&decoded(payload)).unwrap();
    for time in ["iat", "nbf", "exp"] {
        claims[time] = (claims[time].as_i64().unwrap() - 7_200).into();
    }
    let token = forge(&decoded(header), &claims.to_string(), SECRET.as_bytes());
    format!("Bearer {token}")
}

/// The page detects an expired token in two ways: by its own clock, and by the answer of the
/// server. The real tokens are valid for an hour, so none of them expires on a slow machine.
#[tokio::test]
async fn ten_requests_in_each_of_two_tabs_share_one_refresh() {
    let tabs = Tabs::open(&[("JWT_SECRET", SECRET)]).await;
    tabs.in_both(WATCH_TOKENS);
    let all = Value::from(vec!["jeju"; 10]);
    let before = tabs.count(REFRESH);
    let data = tabs.count("GET /api/data");
    tabs.in_both("const real = Date.now; Date.now = () => real() + 3_600_000;");
    assert_eq!(tabs.burst(), [all.clone(), all.clone()]);
    assert_eq!(tabs.count(REFRESH), before + 1);
    assert_eq!(tabs.count("GET /api/data"), data + 20, "no request was sent twice");

    // Both tabs have the token of that refresh.
    let token = tabs.value("window.seen");
    let expired = expired(token.as_str().unwrap());
    let reply = get(tabs.address, "/api/data", expired.strip_prefix("Bearer ")).await;
    assert_eq!(reply.code(), "token_expired");
    tabs.in_both(&format!("window.replaced = {token}; window.replacement = '{expired}';"));
    assert_eq!(tabs.burst(), [all.clone(), all]);
    assert_eq!(tabs.count(REFRESH), before + 2);
    let sent = tabs.count("GET /api/data") - data - 20;
    assert!((21..=40).contains(&sent), "{sent}: each rejected request is sent once more");
    tabs.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn logout_and_login_in_one_tab_show_in_the_other() {
    let tabs = Tabs::open(&[]).await;
    assert_eq!(tabs.value("text('#who-id')"), "jeju");
    tabs.click("#logout");
    tabs.until_says("said", "You are signed out.");
    tabs.to(0);
    tabs.until_says("said", "You signed out in another tab.");
    assert!(tabs.holds("!get('view-login').hidden && get('who-id').textContent === ''"));

    // The next login shows in the other tab, too.
    tabs.login("user", "password123");
    tabs.to(1);
    tabs.until_says("said", "You signed in with another tab.");
    tabs.until_says("who-id", "user");
    tabs.click("#mine-everywhere");
    tabs.until("the confirmation dialog is open", "get('ask').open");
    tabs.click("#ask-yes");
    tabs.until_says("said", "Signed out of 1 session.");
    tabs.to(0);
    tabs.until_says("said", "You signed out of all sessions in another tab.");
    tabs.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn both_tabs_show_why_the_session_was_revoked() {
    let tabs = Tabs::open(&[]).await;
    let admin = tabs.elsewhere("admin", "admin123", IPHONE).await;
    tabs.must("DELETE", "/api/session/user/jeju", &admin).await;
    tabs.click("#mine-reload");
    for tab in [1, 0] {
        tabs.to(tab);
        tabs.until_says("alarm", "An administrator revoked your session.");
        tabs.until_focus("#login-title");
        assert_eq!(tabs.value("text('#who-id')"), "");
    }
    tabs.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn login_of_another_user_in_one_tab_logs_out_the_other_tab() {
    let tabs = Tabs::open(&[]).await;
    tabs.value("import('/page/api.js').then(({ login }) => login('user', 'password123'))");
    tabs.to(0);
    tabs.until_says("alarm", "Another user signed in with another tab. You are signed out here.");
    assert_eq!(tabs.value("text('#who-id')"), "");
    tabs.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn reload_restores_the_login_and_the_view() {
    let page = Page::open().await;
    page.login("admin", "admin123");
    page.go("stats");
    let before = page.count(REFRESH);
    let token = page.token();
    page.command("POST", "refresh", &json!({}));
    page.until("the view is restored", "!get('view-stats').hidden");
    page.until("the statistics have loaded", "text('#stats-total') === '1'");
    assert_eq!(page.count(REFRESH), before + 1);
    let next = page.token();
    assert_ne!(token, next);
    // The previous token stays valid, because other tabs may still use it.
    page.must("GET", "/api/data", &token).await;

    page.click("#logout");
    page.until_says("said", "You are signed out.");
    page.command("POST", "refresh", &json!({}));
    page.until("a reload after the logout shows the login view", "!get('view-login').hidden");
    for token in [&token, &next] {
        page.assert_ended(token, "logout").await;
    }
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn reload_shows_why_the_session_was_revoked() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    let admin = page.elsewhere("admin", "admin123", IPHONE).await;
    page.must("DELETE", "/api/session/user/jeju", &admin).await;
    page.command("POST", "refresh", &json!({}));
    page.until_says("alarm", "An administrator revoked your session.");
    assert!(page.holds("!get('view-login').hidden"));
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn reload_during_a_store_outage_keeps_the_login() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]).await;
    let env = [("REDIS_URL", &*redis.url()), ("JWT_SECRET", SECRET)];
    let page = Page::open_with(&env, "en-GB").await;
    page.login("jeju", "password123");
    redis.stop();
    page.command("POST", "refresh", &json!({}));
    page.until_says(
        "waiting",
        "The service is unavailable. Trying again in 1 second. You stay signed in.",
    );
    assert!(page.holds("get('view-login').hidden"), "the login view stays hidden");
    redis.restart().await;
    page.until_says("who-id", "jeju");
    page.assert_no_complaint_but(&[503]);
}

/// Scripts cannot read the cookies. The refresh cookie is sent to the auth routes only.
#[tokio::test]
async fn scripts_cannot_read_the_cookies() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    let cookies = page.devtools("Network.getAllCookies", &json!({}));
    let cookies = cookies["cookies"].as_array().unwrap();
    let paths: Vec<_> = cookies.iter().map(|cookie| (&cookie["name"], &cookie["path"])).collect();
    for known in [("__Secure-refresh_token", "/api/auth"), ("__Host-login_device", "/")] {
        assert!(paths.contains(&(&json!(known.0), &json!(known.1))), "{known:?} of {paths:?}");
    }
    assert_eq!(paths.len(), 2, "{paths:?}");
    let seen = page.value(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href,
            performance.getEntries().map((one) => one.name), Object.keys(window).map((key) => String(window[key]))])",
    );
    for cookie in cookies {
        assert_eq!(
            ["httpOnly", "secure", "sameSite"].map(|name| &cookie[name]),
            [&json!(true), &json!(true), &json!("Strict")],
            "{cookie}"
        );
        let value = cookie["value"].as_str().unwrap();
        assert!(value.len() > 40, "{cookie}");
        assert!(!seen.as_str().unwrap().contains(value), "{seen}");
    }
}
