//! Empty: the tests are in `tests/backends.rs`.
