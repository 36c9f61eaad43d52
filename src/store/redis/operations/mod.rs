//! The store's operations on Redis: the arguments and answers of each script, and pipelines of
//! several calls.

pub(crate) mod attempts;
pub(crate) mod batch;
pub(crate) mod create;
mod health;
mod login_fence;
mod mark;
pub(crate) mod read;
mod revoke;
pub(crate) mod touch;
pub(crate) mod update;
