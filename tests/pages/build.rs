//! Joins the Rust blocks of docs/tutorial.md to one file.

use std::path::Path;
use std::{env, fs};

fn main() {
    let page = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../docs/tutorial.md");
    println!("cargo::rerun-if-changed={}", page.display());
    let page = fs::read_to_string(page).unwrap();
    let blocks: Vec<_> = page
        .split("\n```rust\n")
        .skip(1)
        .map(|rest| rest.split_once("\n```\n").expect("a block ends").0)
        .collect();
    assert!(blocks.len() >= 6, "{} blocks", blocks.len());
    let program = Path::new(&env::var("OUT_DIR").unwrap()).join("tutorial.rs");
    fs::write(program, blocks.join("\n\n")).unwrap();
}
