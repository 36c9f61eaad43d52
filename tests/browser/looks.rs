//! Appearance and accessibility of the page: color schemes, widths, contrast, and screen readers.

use serde_json::{Value, json};

use crate::page::{IPHONE, Page};

fn set_color_scheme(page: &Page, scheme: &str) {
    let features = json!([
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]);
    page.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
}

fn set_width(page: &Page, width: u32) {
    let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
    page.devtools("Emulation.setDeviceMetricsOverride", &size);
}

/// Asserts that all text has at least the contrast of WCAG AA to its background.
fn assert_contrast(page: &Page, what: &str) {
    let weak = page.script(include_str!("contrast.js"));
    assert!(weak["seen"].as_u64().unwrap() >= 4, "{what}: the test reads the text: {weak}");
    assert_eq!(weak["weak"], json!([]), "{what}");
}

fn assert_no_horizontal_scroll(page: &Page, what: &str) {
    let sizes = page.value("[document.documentElement.scrollWidth, innerWidth]");
    assert_eq!(sizes[0], sizes[1], "{what} scrolls sideways");
}

/// Asserts that each control has a role and a name for screen readers.
fn assert_named(page: &Page, what: &str) {
    let tree = page.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes: Vec<&Value> =
        tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false).collect();
    let of = |roles: &[&str]| -> Vec<&str> {
        let found = nodes
            .iter()
            .filter(|node| roles.contains(&node["role"]["value"].as_str().unwrap_or("")));
        found.map(|node| node["name"]["value"].as_str().unwrap_or("").trim()).collect()
    };
    let worked = of(&["button", "link", "textbox", "searchbox", "DisclosureTriangle", "combobox"]);
    let there = page.value(
        "[...document.querySelectorAll('a[href], button, input, summary')].filter((one) => one.checkVisibility()).length",
    );
    assert_eq!(json!(worked.len()), there, "{what}: {worked:?}");
    for names in [worked, of(&["table", "dialog", "image", "figure", "navigation", "heading"])] {
        assert!(names.iter().all(|name| !name.is_empty()), "{what}: {names:?}");
    }
    assert_eq!(of(&["main"]).len(), 1, "{what}");
    assert_eq!(of(&["banner"]).len(), 1, "{what}");
    let headings =
        page.value("document.querySelectorAll('main > section:not([hidden]) h1').length");
    assert_eq!(headings, 1, "{what}");
}

#[tokio::test]
async fn all_views_are_readable_in_light_and_dark_schemes_and_at_both_widths() {
    let page = Page::open().await;
    let look = |view: &str| {
        for (size, pixels) in [("wide", 1280), ("narrow", 320)] {
            set_width(&page, pixels);
            assert_no_horizontal_scroll(&page, &format!("{view}, {size}"));
            for colours in ["light", "dark"] {
                set_color_scheme(&page, colours);
                assert!(
                    page.holds(&format!("matchMedia('(prefers-color-scheme: {colours})').matches"))
                );
                assert_contrast(&page, &format!("{view}, {size}, {colours}"));
                page.screenshot(&format!("{view}-{size}-{colours}"));
            }
            assert_named(&page, &format!("{view}, {size}"));
        }
        set_width(&page, 1280);
        set_color_scheme(&page, "light");
    };
    page.click("#login-go");
    page.until("an error is shown", "text('#login-wrong') !== ''");
    look("login");
    page.elsewhere("admin", "admin123", IPHONE).await;
    page.elsewhere("user", "password123", IPHONE).await;
    page.login("admin", "admin123");
    look("mine");
    page.go("all");
    look("all");
    page.click("#all-rows .danger");
    page.until("the confirmation dialog is open", "get('ask').open");
    assert_contrast(&page, "the dialog");
    page.screenshot("ask");
    page.click("#ask-no");
    page.go("stats");
    page.click("#chart-role summary");
    look("stats");
    page.click("[data-language=ko]");
    page.screenshot("stats-korean");
    page.go("all");
    assert_named(&page, "all, Korean");
    set_width(&page, 320);
    assert_no_horizontal_scroll(&page, "all, Korean, narrow");
    page.screenshot("all-korean-narrow");
    set_width(&page, 1280);
    page.go("mine");
    page.screenshot("mine-korean");
    assert_named(&page, "mine, Korean");
    set_width(&page, 320);
    assert_no_horizontal_scroll(&page, "mine, Korean, narrow");
    page.screenshot("mine-korean-narrow");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn colors_follow_the_system_color_scheme() {
    let page = Page::open().await;
    let ground = |colours: &str| {
        set_color_scheme(&page, colours);
        page.value("getComputedStyle(document.body).backgroundColor")
    };
    let (light, dark) = (ground("light"), ground("dark"));
    assert_ne!(light, dark);
    // The browser draws fields and scrollbars. They follow the color scheme, too.
    assert_eq!(page.value("getComputedStyle(document.documentElement).colorScheme"), "light dark");
}

#[tokio::test]
async fn narrow_table_keeps_its_rows_for_screen_readers() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    set_width(&page, 320);
    let tree = page.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let count = |role: &str| {
        nodes
            .iter()
            .filter(|node| node["ignored"] == false && node["role"]["value"] == role)
            .count()
    };
    let counts = ["table", "row", "columnheader", "rowheader", "cell"].map(count);
    assert_eq!(counts, [1, 2, 6, 1, 5]);
    let table = nodes.iter().find(|node| node["role"]["value"] == "table").unwrap();
    assert_eq!(table["name"]["value"], "Your sessions 1 active session");
}
