//! Compiles the code blocks of pages that need other crates than the library does.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/tonic.md")]
struct Tonic;
