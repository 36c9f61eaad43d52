//! The errors that the compiler shows for wrong uses of this library's traits.
//!
//! Each file `ui/NAME.rs` is a program with one such error. `ui/NAME.stderr` holds the texts of the
//! library in that error: the message, the label of the place, and the notes. rustc's own lines
//! differ between its versions, so the test does not compare them.
//!
//! The test passes the cases to rustc, with the library that cargo has built for this test. It
//! compiles no dependency again, as trybuild would do.
//!
//! `UPDATE_UI=1 cargo test --test ui` writes the files again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails at the first unexpected result"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The traits with texts of their own, and the prefix of their cases.
const TRAITS: [(&str, &str); 8] = [
    ("CountAttempts", "optional_attempts"),
    ("MaintainStore", "optional_maintain"),
    ("ScanSessions", "optional_scans"),
    ("Credentials", "credentials"),
    ("Reject", "reject"),
    ("SessionData", "data"),
    ("SessionStore", "store"),
    ("UserDirectory", "directory"),
];

/// The crates that the cases use.
const CRATES: [&str; 3] = ["http", "tower", "tower_session_auth"];

#[test]
fn errors_name_the_call_to_make() {
    let library = Library::of_this_test();
    let mut wrong = Vec::new();
    for case in cases() {
        let shown = texts(&library.errors(&case), &case);
        let file = case.with_extension("stderr");
        if std::env::var_os("UPDATE_UI").is_some() {
            fs::write(&file, &shown).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        let is_shown = |line: &str| shown.lines().any(|it| it == line);
        if expected.is_empty() || !expected.lines().all(is_shown) {
            wrong.push(format!("{}:\n{shown}\ninstead of:\n{expected}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_trait_with_texts_has_a_case() {
    let mut found = BTreeSet::new();
    traits_with_texts(&Path::new(ROOT).join("src"), &mut found);
    assert_eq!(found, TRAITS.map(|(name, _)| name.to_owned()).into());
    for (name, prefix) in TRAITS {
        let has_prefix = |case: &PathBuf| {
            case.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with(prefix))
        };
        assert!(cases().iter().any(has_prefix), "{name} has no case");
    }
}

/// Adds the traits in the files of this folder that have an attribute `on_unimplemented`.
fn traits_with_texts(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            traits_with_texts(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for rest in text.split("#[diagnostic::on_unimplemented(").skip(1) {
            let (_, name) = rest.split_once("pub trait ").unwrap();
            let name = name.split(|end: char| !end.is_alphanumeric()).next().unwrap();
            found.insert(name.to_owned());
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(ROOT).join("tests/ui")).unwrap();
    let mut cases: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    cases.sort();
    cases
}

/// The library and its dependencies, as cargo has built them for this test.
struct Library {
    crates: BTreeMap<&'static str, PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Library {
    /// Asks cargo for the files. Cargo has just built them, so it builds nothing.
    fn of_this_test() -> Self {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["test", "--no-run", "--test", "ui", "--message-format", "json"]);
        build.arg("--manifest-path").arg(Path::new(ROOT).join("Cargo.toml"));
        build.arg("--target-dir").arg(folder.parent().unwrap());
        match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => {}
            Some(profile) => drop(build.args(["--profile", profile])),
        }
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (mut crates, mut folders) = (BTreeMap::new(), BTreeSet::new());
        for message in lines(&output.stdout) {
            let name = message["target"]["name"].as_str().unwrap_or_default().replace('-', "_");
            for file in message["filenames"].as_array().into_iter().flatten() {
                let file = PathBuf::from(file.as_str().unwrap());
                folders.insert(file.parent().unwrap().to_owned());
                if let Some(known) = CRATES.iter().find(|known| **known == name)
                    && file.extension().is_some_and(|extension| extension == "rlib")
                {
                    let other = crates.insert(*known, file);
                    assert!(other.is_none(), "two versions of {known} are in use");
                }
            }
        }
        assert_eq!(crates.len(), CRATES.len(), "{crates:?}");
        Self { crates, folders }
    }

    /// Compiles a case, and returns what rustc reports.
    fn errors(&self, case: &Path) -> Vec<Value> {
        let joined = |name: &str, path: &Path| {
            let mut joined = OsString::from(name);
            joined.push(path);
            joined
        };
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
        rustc.args(["--edition", "2024", "--crate-type", "lib", "--error-format", "json"]);
        rustc.args(["--emit", "metadata", "--out-dir"]).arg(env!("CARGO_TARGET_TMPDIR"));
        for folder in &self.folders {
            rustc.arg("-L").arg(joined("dependency=", folder));
        }
        for (name, file) in &self.crates {
            rustc.arg("--extern").arg(joined(&format!("{name}="), file));
        }
        // The names of closures and long types contain the path that rustc gets.
        rustc.current_dir(case.parent().unwrap()).arg(case.file_name().unwrap());
        let output = rustc.output().unwrap();
        assert!(!output.status.success(), "{} compiles", case.display());
        lines(&output.stderr)
    }
}

fn lines(output: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the library's texts in the only error of a case.
fn texts(reported: &[Value], case: &Path) -> String {
    let mut errors = reported.iter().filter(|it| it["level"] == "error" && it["code"].is_object());
    let error = errors.next().unwrap_or_else(|| panic!("{}: {reported:?}", case.display()));
    assert!(errors.next().is_none(), "{} has several errors", case.display());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut texts = format!("error: {}\n", text(&error["message"]));
    let spans = error["spans"].as_array().into_iter().flatten();
    for span in spans.filter(|span| span["is_primary"] == true) {
        // rustc labels the place itself if the attribute has no label.
        let label = text(&span["label"]);
        if !label.contains("trait") {
            texts.push_str(&format!("label: {label}\n"));
        }
    }
    for note in error["children"].as_array().into_iter().flatten() {
        let is_of_rustc = !note["spans"].as_array().unwrap().is_empty()
            || ["required ", "the full name ", "consider using `--verbose`"]
                .iter()
                .any(|start| text(&note["message"]).starts_with(start));
        if note["level"] == "note" && !is_of_rustc {
            texts.push_str(&format!("note: {}\n", text(&note["message"])));
        }
    }
    texts
}
