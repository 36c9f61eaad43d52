//! Checks that the pages of the documentation agree with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tower_session_auth::error::ErrorCode;

const EXISTING: &str = include_str!("../servers/frozen/golden/metrics.txt");

/// Returns the metric names in a text, without the suffixes of histograms.
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

/// Returns the path and the text of each Markdown page.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder =
        |folder: PathBuf| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = in_folder(root.to_owned()).chain(in_folder(root.join("docs")));
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Returns the link targets in a page that are other files of the project.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':') && !target.contains(' '))
}

#[test]
fn links_in_pages_lead_to_files_that_exist() {
    let pages = pages();
    let mut checked = 0;
    for (path, text) in &pages {
        // Links in code blocks are not checked, because they are part of the code.
        for prose in text.split("```").step_by(2) {
            for target in links(prose) {
                let leads_to = path.parent().unwrap().join(target);
                assert!(leads_to.exists(), "{}: {target}", path.display());
                checked += 1;
            }
        }
    }
    assert!(pages.len() > 25 && checked > 100, "{checked} links in {} pages", pages.len());
}

#[test]
fn architecture_page_names_only_source_files_that_exist() {
    let page = include_str!("../../docs/architecture.md");
    let named = page.split('`').filter(|word| {
        let is_file = word.ends_with(".rs") || word.ends_with(".lua");
        is_file && word.contains('/') && !word.contains([' ', '{', '*'])
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for name in named {
        let exists = ["", "src"].iter().any(|folder| root.join(folder).join(name).exists());
        assert!(exists, "{name}");
        checked += 1;
    }
    assert!(checked > 15, "{checked} files");
}
