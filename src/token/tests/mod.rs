//! Tests with forged tokens and with key files of every format.

pub(crate) mod forge;
mod hostile;
mod key_files;
