//! Pages of the documentation agree with the code.

use std::collections::BTreeSet;

use tower_session_auth::error::ErrorCode;

const EXISTING: &str = include_str!("../servers/frozen/golden/metrics.txt");

/// Returns the metrics that a text names, without the suffixes of a histogram.
fn metrics(text: &str) -> BTreeSet<&str> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split(|character| !is_name(character))
        .filter(|word| {
            word.strip_prefix("tower_session_auth_").is_some_and(|name| !name.is_empty())
        })
        .map(|word| {
            let suffixes = ["_bucket", "_sum", "_count"];
            suffixes.iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word)
        })
        .collect()
}

#[test]
fn alerts_dashboard_and_pages_name_only_metrics_that_exist() {
    let existing = metrics(EXISTING);
    assert!(existing.len() > 15, "the golden file lists the metrics");
    for (name, text, least) in [
        ("alerts.yml", include_str!("../../docs/monitoring/alerts.yml"), 10),
        ("dashboard.json", include_str!("../../docs/monitoring/dashboard.json"), 10),
        ("monitoring.md", include_str!("../../docs/monitoring.md"), 0),
        ("operations.md", include_str!("../../docs/operations.md"), 0),
    ] {
        let named = metrics(text);
        assert!(named.len() >= least, "{name} names {} metrics", named.len());
        let unknown: Vec<_> = named.difference(&existing).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
}

#[test]
fn dashboard_is_valid_json() {
    let dashboard = include_str!("../../docs/monitoring/dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}

#[test]
fn page_of_errors_has_a_row_for_each_code_with_its_status() {
    let page = include_str!("../../docs/errors.md");
    for code in ErrorCode::ALL {
        let row = format!("| `{code}` | {} |", code.status().as_u16());
        assert!(page.contains(&row), "{row}");
    }
}
