//! The store's operations on Redis: the arguments and answers of each script, and how many of them share one pipeline.

pub(crate) mod attempts;
pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod read;
pub(crate) mod replicas;
pub(crate) mod touch;
pub(crate) mod update;
