//! How the page looks and reads: light and dark, wide and narrow, and to a screen reader.

use serde_json::{Value, json};

use crate::page::{IPHONE, Page};

fn scheme(page: &Page, scheme: &str) {
    let features = json!([
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]);
    page.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
}

fn width(page: &Page, width: u32) {
    let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
    page.devtools("Emulation.setDeviceMetricsOverride", &size);
}

/// Text that has less than WCAG AA's contrast to what is behind it.
fn assert_contrast(page: &Page, what: &str) {
    let weak = page.script(include_str!("contrast.js"));
    assert!(weak["seen"].as_u64().unwrap() >= 4, "{what}: the test sees the text: {weak}");
    assert_eq!(weak["weak"], json!([]), "{what}");
}

fn assert_nothing_sticks_out(page: &Page, what: &str) {
    let sizes = page.value("[document.documentElement.scrollWidth, innerWidth]");
    assert_eq!(sizes[0], sizes[1], "{what} scrolls sideways");
}

/// Everything that can be worked has a name, and a role that tells how.
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
async fn all_views_can_be_read_in_light_and_dark_wide_and_narrow() {
    let page = Page::open().await;
    let look = |view: &str| {
        for (size, pixels) in [("wide", 1280), ("narrow", 320)] {
            width(&page, pixels);
            assert_nothing_sticks_out(&page, &format!("{view}, {size}"));
            for colours in ["light", "dark"] {
                scheme(&page, colours);
                assert!(
                    page.holds(&format!("matchMedia('(prefers-color-scheme: {colours})').matches"))
                );
                assert_contrast(&page, &format!("{view}, {size}, {colours}"));
                page.screenshot(&format!("{view}-{size}-{colours}"));
            }
            assert_named(&page, &format!("{view}, {size}"));
        }
        width(&page, 1280);
        scheme(&page, "light");
    };
    page.click("#login-go");
    page.until("something is wrong", "text('#login-wrong') !== ''");
    look("login");
    page.elsewhere("admin", "admin123", IPHONE).await;
    page.elsewhere("user", "password123", IPHONE).await;
    page.login("admin", "admin123");
    look("mine");
    page.go("all");
    look("all");
    page.click("#all-rows .danger");
    page.until("it asks", "get('ask').open");
    assert_contrast(&page, "the dialog");
    page.screenshot("ask");
    page.click("#ask-no");
    page.go("stats");
    page.click("#chart-role summary");
    look("stats");
    page.click("[data-language=ko]");
    page.screenshot("stats-korean");
    page.go("mine");
    page.screenshot("mine-korean");
    assert_named(&page, "mine, Korean");
    width(&page, 320);
    assert_nothing_sticks_out(&page, "mine, Korean, narrow");
    page.screenshot("mine-korean-narrow");
    page.assert_no_complaint_but(&[]);
}

#[tokio::test]
async fn the_colours_follow_the_system() {
    let page = Page::open().await;
    let ground = |colours: &str| {
        scheme(&page, colours);
        page.value("getComputedStyle(document.body).backgroundColor")
    };
    let (light, dark) = (ground("light"), ground("dark"));
    assert_ne!(light, dark);
    // Fields and scrollbars, which the browser draws, follow as well.
    assert_eq!(page.value("getComputedStyle(document.documentElement).colorScheme"), "light dark");
}

#[tokio::test]
async fn rows_of_a_narrow_table_are_still_rows_to_a_screen_reader() {
    let page = Page::open().await;
    page.login("jeju", "password123");
    width(&page, 320);
    let tree = page.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let count = |role: &str| {
        nodes
            .iter()
            .filter(|node| node["ignored"] == false && node["role"]["value"] == role)
            .count()
    };
    let counts = ["table", "row", "columnheader", "rowheader", "cell"].map(count);
    assert_eq!(counts, [1, 2, 5, 1, 4]);
    let table = nodes.iter().find(|node| node["role"]["value"] == "table").unwrap();
    assert_eq!(table["name"]["value"], "Devices 1 live session");
}
