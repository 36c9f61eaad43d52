//! See `tests/backends.rs`.
