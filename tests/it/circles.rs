//! No source file depends on itself through the files that it uses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::architecture::sources;

/// A module, as the names of its path from the crate's root.
type Module = Vec<String>;

/// The name and the code of each source file, by its module. Comments and tests are removed from
/// the code.
fn codes() -> BTreeMap<Module, (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let names = sources().into_iter().map(|(_, path, text)| {
        (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text)
    });
    let product =
        names.filter(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"));
    product.map(|(name, text)| (module(&name), (name, code(&text)))).collect()
}

fn module(file: &str) -> Module {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Module::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The lines that are neither comments nor parts of unit tests.
fn code(text: &str) -> String {
    let mut lines = Vec::new();
    let (mut in_tests, mut for_tests) = (false, false);
    for line in text.lines() {
        in_tests |= for_tests && line.starts_with("mod ") && line.ends_with('{');
        if !in_tests && !line.trim_start().starts_with("//") {
            lines.push(line);
        }
        in_tests &= line != "}";
        for_tests = line == "#[cfg(test)]" || for_tests && line.starts_with("#[");
    }
    lines.join("\n")
}

/// The paths of a `use` tree, such as `a::{b, c::d as e}`, each with the name under which it is
/// imported.
fn paths(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some((prefix, list)) = tree.split_once('{') {
        let prefix: Vec<_> = prefix.split("::").filter(|name| !name.is_empty()).collect();
        let list = list.rsplit_once('}').unwrap().0;
        let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
        for (at, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(&list[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&list[start..]);
        let parts = parts.into_iter().filter(|part| !part.trim().is_empty()).flat_map(paths);
        return parts
            .map(|(path, name)| {
                let whole = prefix.iter().map(|name| (*name).to_owned()).chain(path).collect();
                (whole, name)
            })
            .collect();
    }
    let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
    let path: Vec<_> = path.split("::").map(|name| name.trim().to_owned()).collect();
    let name = if name.is_empty() { path.last().unwrap().clone() } else { name.trim().to_owned() };
    vec![(path, name)]
}

/// Returns the absolute form of `path`, which begins with `crate`, `self` or `super` in `module`.
fn absolute(path: &[String], module: &Module) -> Option<Vec<String>> {
    let mut base = if path.first()? == "crate" { Module::new() } else { module.clone() };
    let mut rest = path.iter().skip_while(|name| *name == "crate" || *name == "self").peekable();
    while rest.next_if(|name| *name == "super").is_some() {
        base.pop()?;
    }
    base.extend(rest.filter(|name| *name != "self" && *name != "*").cloned());
    Some(base)
}

/// Returns the `use` declarations of a file: for each, whether it re-exports names, and its tree.
fn uses(code: &str) -> impl Iterator<Item = (bool, &str)> {
    code.split(';').filter_map(|statement| {
        let (before, tree) = statement.rsplit_once("use ")?;
        let is_path = ["crate::", "self::", "super::"].iter().any(|first| tree.starts_with(first));
        is_path.then(|| (before.lines().last().unwrap_or_default().trim().starts_with("pub"), tree))
    })
}

#[test]
fn no_files_use_one_another_in_a_circle() {
    let sources = codes();
    assert!(sources.len() > 100, "the test sees the sources");
    let mut reexports = HashMap::new();
    for (module, (_, code)) in &sources {
        for (path, name) in uses(code).filter(|(public, _)| *public).flat_map(|(_, t)| paths(t)) {
            if let Some(target) = absolute(&path, module) {
                reexports.insert([module.as_slice(), &[name]].concat(), target);
            }
        }
    }
    // Returns the module that defines an item. First follows the re-exports of the item's path. The
    // module is then the longest prefix of the path that is the name of a module.
    let file_of = |path: Vec<String>| {
        let mut path = path;
        for _ in 0..8 {
            let through = (1..=path.len()).rev().find_map(|length| {
                let target = reexports.get(&path[..length]).filter(|to| ***to != path[..length])?;
                Some([target.as_slice(), &path[length..]].concat())
            });
            match through {
                Some(next) => path = next,
                None => break,
            }
        }
        (0..=path.len()).rev().find_map(|length| sources.get_key_value(&path[..length])).unwrap().0
    };
    let mut edges: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    for (module, (_, code)) in &sources {
        let trees = uses(code).filter(|(public, _)| !public).flat_map(|(_, tree)| paths(tree));
        let targets = trees.filter_map(|(path, _)| absolute(&path, module)).map(file_of);
        edges.insert(module, targets.filter(|target| *target != module).collect());
    }
    let reach = |from: &Module| {
        let (mut open, mut seen) =
            (edges[from].iter().copied().collect::<Vec<_>>(), BTreeSet::new());
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges[next].iter().copied());
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = edges.keys().map(|module| (*module, reach(module))).collect();
    for (module, targets) in &reached {
        for target in targets.iter().filter(|target| *target > module) {
            let [one, other] = [*module, *target].map(|module| &*sources[module].0);
            let circle = reached[*target].contains(*module);
            assert!(!circle, "{one} and {other} use each other");
        }
    }
}

#[test]
fn a_use_tree_is_read_to_its_leaves() {
    let found: Vec<_> = paths("super::{a, b::{C, self}, d as e}")
        .into_iter()
        .map(|(path, name)| format!("{} {name}", path.join("::")))
        .collect();
    assert_eq!(found, ["super::a a", "super::b::C C", "super::b::self self", "super::d e"]);
}
