//! Golden files: the expected text of each frozen surface.

use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/servers/frozen/golden")
        .join(name)
        .with_extension("txt")
}

/// Panics if `text` differs from the golden file, and shows the first line that differs. If
/// `UPDATE_FROZEN` is set, it writes the file instead.
pub(crate) fn assert_frozen(name: &str, text: &str) {
    let path = file(name);
    if std::env::var_os("UPDATE_FROZEN").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let frozen = fs::read_to_string(&path).unwrap();
    if frozen == text {
        return;
    }
    let (mut before, mut now) = (frozen.lines(), text.lines());
    for number in 1.. {
        let (before, now) = (before.next(), now.next());
        assert!(
            before == now && before.is_some(),
            "{name}, line {number}: the frozen surface changed\n  frozen: {before:?}\n  now:    {now:?}"
        );
    }
}
