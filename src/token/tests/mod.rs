//! Tokens that no honest issuer makes, key files of every kind, and what becomes of both.

pub(crate) mod forge;
mod hostile;
mod key_files;
