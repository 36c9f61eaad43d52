//! Checks that README and the pages under `docs` agree with the code.

const README: &str = include_str!("../../README.md");
const REDIS_PAGE: &str = include_str!("../../docs/redis.md");

#[test]
fn documented_acl_rule_is_the_one_that_the_tests_use() {
    let shown: String =
        REDIS_PAGE.split("ACL SETUSER").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let words: Vec<_> = shown.split_whitespace().filter(|word| *word != "\\").collect();
    let rule: Vec<_> = crate::support::redis::ACL_RULE.split_whitespace().collect();
    assert_eq!(words[words.len() - rule.len()..], rule);
}

#[test]
fn readme_shows_both_commands_in_its_first_30_lines() {
    let screen: String = README.lines().take(30).collect::<Vec<_>>().join("\n");
    assert!(screen.contains("cargo run --example axum"));
    assert!(screen.contains("make test"));
}

#[test]
fn readme_has_at_most_150_lines() {
    assert!(README.lines().count() <= 150);
}

#[test]
fn every_feature_is_in_the_readme_and_in_the_tables_of_its_page_and_of_the_crate_docs() {
    let manifest = include_str!("../../Cargo.toml");
    let features = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let names = features
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "));
    let crate_docs = include_str!("../../src/lib.rs");
    let mut seen = 0;
    for (name, _) in names.filter(|(name, _)| *name != "default") {
        for table in [include_str!("../../docs/features.md"), crate_docs] {
            assert!(table.contains(&format!("| `{name}`")), "{name}");
        }
        assert!(README.contains(&format!("`{name}`")), "{name}");
        seen += 1;
    }
    assert!(seen >= 6);
}

#[test]
fn readme_server_has_the_shutdown_function_of_the_minimal_example() {
    // The test of the example covers the signals themselves.
    let example = include_str!("../../examples/minimal_axum.rs");
    let at = example.find("/// Ctrl-C, or").unwrap();
    assert!(README.contains(&example[at..]), "the function `shutdown` differs");
    assert!(README.contains("with_graceful_shutdown(shutdown()?)"));
}

#[test]
fn every_snippet_with_a_manager_starts_the_worker() {
    let pages = [
        README,
        include_str!("../../docs/lifetimes.md"),
        include_str!("../../docs/browsers.md"),
        include_str!("../../docs/refresh-tokens.md"),
        include_str!("../../docs/sessions.md"),
    ];
    for page in pages {
        let managers = page.matches("= SessionManager::builder()").count();
        assert_eq!(page.matches("(manager, worker) = SessionManager::builder()").count(), managers);
        assert_eq!(page.matches("worker.start()").count(), managers, "each worker is started");
    }
}
