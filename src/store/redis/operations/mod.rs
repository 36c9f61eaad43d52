//! The store's operations on Redis: the arguments and the answers of each script, and pipelines of
//! several calls.

pub(crate) mod attempts;
pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod read;
pub(crate) mod replicas;
pub(crate) mod touch;
pub(crate) mod update;
