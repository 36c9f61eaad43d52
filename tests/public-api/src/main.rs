//! Prints the public surface of a crate, one item a line. The argument is the JSON file of rustdoc.

use std::error::Error;
use std::io::{Write, stdout};

use public_api::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args_os().nth(1).ok_or("pass the JSON file of rustdoc")?;
    let surface = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    let mut out = stdout().lock();
    for item in surface.items() {
        writeln!(out, "{item}")?;
    }
    Ok(())
}
