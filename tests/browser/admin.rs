//! The views of administrators: all sessions, and statistics.

use serde_json::{Value, json};

use crate::page::{IPHONE, Page};

/// Logs a user in on `count` devices.
async fn logins(page: &Page, user: &str, count: usize) {
    for _ in 0..count {
        page.elsewhere(user, "password123", IPHONE).await;
    }
}

/// Logs in as an administrator and opens the view of all sessions.
fn open_all_sessions(page: &Page) {
    page.login("admin", "admin123");
    page.go("all");
}

/// A row of a session, not the heading of its user.
const SESSION_ROW: &str = "#all-rows [data-key]:not([data-user])";

/// Returns the name, the id with the count, and the number of session rows of each user, by user
/// id. Asserts that each session is in the group of its user.
fn groups(page: &Page) -> Value {
    page.value(
        "[...get('all-rows').tBodies]
            .map((body) => {
                const [heading, ...rows] = body.rows;
                const id = heading.dataset.user;
                const named = `\u{2068}${id}\u{2069}`;
                const strange = rows.find((row) => !row.querySelector('button').ariaLabel.includes(named));
                if (strange) throw new Error(`the group of ${id} has ${strange.textContent}`);
                if (heading.cells[0].scope !== 'rowgroup') throw new Error(`no header: ${id}`);
                const text = (part) => heading.querySelector(part).textContent;
                return { id, group: [text('bdi'), text('.under'), rows.length] };
            })
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map(({ group }) => group)",
    )
}

#[tokio::test]
async fn admin_views_stay_hidden_when_a_user_opens_their_url() {
    let page = Page::open().await;
    page.visit(&format!("{}#all", page.origin()));
    page.login("jeju", "password123");
    assert_eq!(page.value("location.hash"), "#mine");
    assert_eq!(
        page.value("all('#views li:not([hidden])').map((one) => one.trim())"),
        json!(["Account"])
    );
    page.script("location.hash = '#stats'");
    page.until("nothing is loading", "document.querySelector('[aria-busy]') === null");
    assert!(page.holds("get('view-stats').hidden && get('view-all').hidden"));
    assert!(page.requests().iter().all(|(_, url, _)| !url.contains("/api/session/")));
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn admin_sees_all_sessions_and_can_search_for_one_user() {
    let page = Page::open().await;
    for user in ["jeju", "jeju", "user"] {
        page.elsewhere(user, "password123", IPHONE).await;
    }
    open_all_sessions(&page);
    page.until_focus("#all-title");
    assert_eq!(page.value("text('#all-caption')"), "4 sessions shown");
    assert_eq!(
        groups(&page),
        json!([
            ["Admin", "admin · 1 session", 1],
            ["제주삼다수", "jeju · 2 sessions", 2],
            ["Example User", "user · 1 session", 1],
        ])
    );

    page.fill("#search-user", "jeju");
    page.click("#search .main");
    page.until_says("all-caption", "2 active sessions of \u{2068}jeju\u{2069}");
    page.until_focus("#all-list");
    assert_eq!(groups(&page), json!([["제주삼다수", "jeju · 2 sessions", 2]]));
    // The response for one user also has the device, the address and the date of each session.
    let details = page.value("text('#all-rows [data-key]:not([data-user]) .under')");
    assert_eq!(details, "Safari on iPhone · 127.0.0.1");
    assert_eq!(page.value("all('#all-rows th time').length"), 2);
    page.click("#search-all");
    page.until_says("all-caption", "4 sessions shown");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn search_takes_special_characters_in_a_user_id_literally() {
    let page = Page::open().await;
    page.elsewhere("jeju", "password123", IPHONE).await;
    open_all_sessions(&page);
    for id in [
        "*",
        "j*",
        "[j]eju",
        "{jeju}",
        "je:ju",
        "../user/jeju",
        "jeju/",
        "%6aeju",
        "jeju?",
        "jeju#",
        " jeju",
        "제주",
    ] {
        page.fill("#search-user", id);
        page.click("#search .main");
        page.until_says("all-caption", &format!("\u{2068}{id}\u{2069} has no active sessions."));
        assert_eq!(groups(&page), json!([]), "{id}");
    }
    page.requests();
    for (id, words) in [
        (".", "This user ID cannot be used here."),
        ("..", "This user ID cannot be used here."),
        ("", "Enter a user ID."),
    ] {
        page.fill("#search-user", id);
        page.click("#search .main");
        page.until_says("search-wrong", words);
        page.until_focus("#search-user");
    }
    assert_eq!(page.requests(), []);
    // An id above the maximum length is rejected, and the page shows its own text.
    page.fill("#search-user", &"x".repeat(300));
    page.click("#search .main");
    page.until_says(
        "alarm",
        "The input is not valid. It may be too long or contain invalid characters.",
    );
    page.assert_no_complaint_but(&[422]);
}

#[tokio::test]
async fn admin_can_revoke_all_sessions_of_a_user() {
    let page = Page::open().await;
    let mut ended = Vec::new();
    for agent in ["curl/8.5.0", IPHONE] {
        ended.push(page.elsewhere("jeju", "password123", agent).await);
    }
    let stays = page.elsewhere("user", "password123", IPHONE).await;
    open_all_sessions(&page);
    let of_jeju = "#all-rows [data-user=jeju] .danger";
    let label = page.value(&format!("document.querySelector('{of_jeju}').ariaLabel"));
    assert_eq!(label, "Revoke all sessions of \u{2068}jeju\u{2069}");

    page.click(of_jeju);
    page.until("the confirmation dialog is open", "get('ask').open");
    assert_eq!(page.value("text('#ask-title')"), "Revoke all sessions of \u{2068}jeju\u{2069}?");
    page.click("#ask-no");
    page.until("the button No closes the dialog", "!get('ask').open");
    page.must("GET", "/api/data", &ended[0]).await;

    page.click(of_jeju);
    page.click("#ask-yes");
    page.until_says("said", "2 sessions of \u{2068}jeju\u{2069} revoked.");
    page.until_focus("#all-rows button");
    assert_eq!(
        groups(&page),
        json!([["Admin", "admin · 1 session", 1], ["Example User", "user · 1 session", 1]])
    );
    for token in &ended {
        page.assert_ended(token, "admin").await;
    }
    page.must("GET", "/api/data", &stays).await;
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn admin_can_revoke_one_session_and_the_others_of_the_user_stay_live() {
    let page = Page::open().await;
    let mut tokens = Vec::new();
    for agent in ["curl/8.5.0", IPHONE] {
        tokens.push(page.elsewhere("jeju", "password123", agent).await);
    }
    open_all_sessions(&page);
    let one = "#all-rows [aria-label^='Revoke session'][aria-label*='jeju']";
    page.click(one);
    page.until("the confirmation dialog is open", "get('ask').open");
    page.click("#ask-yes");
    page.until(
        "the page confirms the revocation",
        "/^Session .* of .*jeju.* revoked\\.$/.test(text('#said'))",
    );
    page.until_focus("#all-rows button");
    assert_eq!(
        groups(&page),
        json!([["Admin", "admin · 1 session", 1], ["제주삼다수", "jeju · 1 session", 1]])
    );
    let (mut live, mut gone) = (0, 0);
    for token in &tokens {
        if page.ask("GET", "/api/data", token).await.status == 200 {
            live += 1;
        } else {
            page.assert_ended(token, "admin").await;
            gone += 1;
        }
    }
    assert_eq!((live, gone), (1, 1));
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn admin_sees_the_reason_after_revoking_their_own_sessions() {
    let page = Page::open().await;
    open_all_sessions(&page);
    page.click("#all-rows .danger");
    page.click("#ask-yes");
    page.until_says("alarm", "An administrator revoked your session.");
    page.until_focus("#login-title");
    page.assert_no_complaint_but(&[401]);
}

#[tokio::test]
async fn further_pages_of_sessions_load_on_request() {
    let page = Page::open().await;
    logins(&page, "jeju", 60).await;
    logins(&page, "user", 60).await;
    open_all_sessions(&page);
    let shown = page.value(&format!("all('{SESSION_ROW}').length")).as_u64().unwrap();
    assert!((50..121).contains(&shown), "{shown}");
    assert_eq!(
        page.value("text('#all-caption')"),
        format!("{shown} sessions shown, more available")
    );
    // Further pages may have more sessions of each user, so the counts say that they are not final.
    assert!(page.holds("all('#all-rows .count').every((count) => count.endsWith(' shown'))"));
    while page.holds("!get('all-more').hidden") {
        page.click("#all-more");
        page.until("the next page has loaded", "get('all-more').ariaBusy === null");
    }
    assert_eq!(page.value("text('#all-caption')"), "121 sessions shown");
    let ids = page.value(&format!(
        "new Set([...document.querySelectorAll('{SESSION_ROW}')].map((row) => row.dataset.key)).size"
    ));
    assert_eq!(ids, 121);
    // Sessions of a user on different pages are in one group.
    assert_eq!(
        groups(&page),
        json!([
            ["Admin", "admin · 1 session", 1],
            ["제주삼다수", "jeju · 60 sessions", 60],
            ["Example User", "user · 60 sessions", 60],
        ])
    );
    // After the last page, a button in the rows has the focus.
    page.until_focus("#all-rows button");
    page.assert_no_complaint_but(&[]);
}

/// The server's names of the roles are for programs.
#[tokio::test]
async fn roles_are_shown_in_the_words_of_the_language() {
    let page = Page::open().await;
    page.elsewhere("jeju", "password123", IPHONE).await;
    open_all_sessions(&page);
    for (language, column, user, admin) in
        [("en", "Role", "User", "Super administrator"), ("ko", "역할", "사용자", "최고 관리자")]
    {
        page.click(&format!("[data-language={language}]"));
        let mut roles = page.value(&format!("all('#all-rows [data-label={column}]').sort()"));
        let mut known = [user, admin];
        known.sort_unstable();
        assert_eq!(roles.take(), json!(known));
        page.go("stats");
        let mut labels = page.value("all('#chart-role .label').sort()");
        assert_eq!(labels.take(), json!(known));
        page.go("mine");
        assert_eq!(page.value("text('#who-role')"), admin);
        page.go("all");
        assert!(!page.holds("document.body.textContent.includes('super_admin')"));
    }
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn cleanup_shows_the_number_of_removed_sessions() {
    let page = Page::open().await;
    open_all_sessions(&page);
    page.click("#all-cleanup");
    page.until(
        "the page shows the number",
        "/^\\d+ expired sessions? deleted\\.$/.test(text('#said'))",
    );
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn chart_and_table_show_the_numbers_of_the_statistics() {
    let page = Page::open().await;
    logins(&page, "jeju", 8).await;
    logins(&page, "user", 4).await;
    page.login("admin", "admin123");
    let token = page.token();
    page.go("stats");
    let stats = page.must("GET", "/api/session/stats", &token).await;
    assert_eq!(stats["total_sessions"], 13, "{stats}");
    assert_eq!(page.value("text('#stats-total')"), "13");
    let by_role = stats["sessions_by_role"].as_object().unwrap();
    assert_eq!(by_role.len(), 2, "{stats}");
    let counts = |figure: &str, what: &str| {
        let counts = page.value(&format!(
            "[...document.querySelectorAll('#{figure} {what}')].map((one) => Number(one.dataset.n))"
        ));
        counts.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect::<Vec<_>>()
    };
    let labels = page.value("all('#chart-role tbody th')");
    for (figure, columns) in [("chart-role", 2), ("chart-left", 7)] {
        let (bars, cells) = (counts(figure, ".bar"), counts(figure, "td[data-n]"));
        assert_eq!(bars, cells, "{figure}");
        assert_eq!((bars.len(), bars.iter().sum::<u64>()), (columns, 13), "{figure}");
        let written = page.value(&format!("all('#{figure} .value').map(Number)"));
        assert_eq!(written, json!(bars), "{figure}");
    }
    let roles = counts("chart-role", ".bar");
    assert_eq!(labels, json!(["User", "Super administrator"]));
    for (role, n) in ["user", "super_admin"].into_iter().zip(&roles) {
        assert_eq!(by_role[role], json!(n), "{stats}");
    }
    // The width of each bar is its share of the track: 12 of 13, and 1 of 13.
    let widths = page.value(
        "[...document.querySelectorAll('#chart-role .bar')].map((one) => one.getBBox().width)",
    );
    let widths: Vec<f64> = widths.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    let track = page.value("document.querySelector('#chart-role .track').getBBox().width");
    let shares: Vec<_> = widths.iter().map(|width| width / track.as_f64().unwrap()).collect();
    for (share, n) in shares.iter().zip([12.0, 1.0]) {
        assert!((share - n / 13.0).abs() < 0.01, "{shares:?}");
    }
    let written = page.value("all('#chart-role tbody td:nth-child(3)')");
    assert_eq!(written, json!(["92%", "8%"]), "the table's shares");
    // All sessions have almost an hour left.
    assert_eq!(counts("chart-left", ".bar")[3], 13);
    assert_eq!(page.value("text('#chart-left figcaption p')"), "Based on 13 sessions.");
    let told = page.value("document.querySelector('#chart-role svg').ariaLabel");
    assert_eq!(told, "By role. User: 12, Super administrator: 1");
    page.assert_no_complaint_but(&[]);
}
