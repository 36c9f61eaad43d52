//! Checks the order of the modules and the length of the source files. A module uses only modules
//! on its own line of `ORDER` or on the lines below. So modules on different lines never form a
//! cycle.

use std::fs;
use std::path::{Path, PathBuf};

/// From the top to the bottom. A module may use the modules on its own line and on the lines below.
const ORDER: [&[&str]; 14] = [
    &["lib", "auth_layer", "testing"],
    &["routes"],
    &["middleware"],
    &["authenticate", "manager", "rate_limit"],
    &["cache"],
    &["worker"],
    &["resilience", "session"],
    &["token", "store", "directory"],
    &["telemetry"],
    &["error"],
    &["trace"],
    &["clock"],
    &["coherence"],
    &["guide", "id", "reason", "timer_elision"],
];

const MAX_LINES: usize = 400;

fn rank(module: &str) -> usize {
    ORDER
        .iter()
        .position(|line| line.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` is not in ORDER"))
}

/// Every source file with the name of the top-level module it belongs to.
pub(crate) fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let first =
                    path.strip_prefix(&root).unwrap().iter().next().unwrap().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                found.push((module, path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The top-level modules that a line of code names through `crate::`.
fn used(code: &str) -> impl Iterator<Item = &str> {
    let code = code.trim_start();
    let code = if code.starts_with("//") { "" } else { code };
    code.match_indices("crate::").filter(move |(at, _)| !code[..*at].ends_with('$')).map(
        move |(at, found)| {
            let name = &code[at + found.len()..];
            &name[..name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len())]
        },
    )
}

#[test]
fn modules_use_only_modules_beside_or_below_them() {
    let sources = sources();
    assert!(sources.len() > 20, "the test must find the source files");
    for (module, path, text) in &sources {
        for (number, line) in text.lines().enumerate() {
            for used in used(line).filter(|used| used != module) {
                let place = format!("{}:{}", path.display(), number + 1);
                assert!(
                    !used.is_empty(),
                    "{place}: name the module, not a re-export of lib.rs: {line}"
                );
                assert!(rank(used) >= rank(module), "{place}: `{module}` may not use `{used}`");
            }
        }
    }
}

#[test]
fn no_source_file_exceeds_the_maximum_number_of_lines() {
    for (_, path, text) in sources() {
        assert!(text.lines().count() <= MAX_LINES, "{} has over {MAX_LINES} lines", path.display());
    }
}

#[test]
fn used_finds_crate_paths_in_code_but_not_in_comments() {
    assert_eq!(used("use crate::store::Record;").collect::<Vec<_>>(), ["store"]);
    assert_eq!(
        used("    fn f(a: crate::id::UserId, b: crate::SessionId)").collect::<Vec<_>>(),
        ["id", ""]
    );
    assert!(used("//! see `crate::layer`").next().is_none());
}
