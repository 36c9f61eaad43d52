//! Calls to what may not answer: each has a timeout and passes a circuit breaker, and a bulkhead keeps one kind of calls
//! from failing another kind.
//!
//! The manager reaches the session store through the [`StoreClient`], and the user directory through a [`Bulkhead`] of its
//! own.

mod breaker;
mod bulkhead;
mod operation;
mod store_client;
mod unavailable;

pub(crate) use self::bulkhead::{Bulkhead, BulkheadError, BulkheadName};
pub(crate) use self::operation::Operation;
pub(crate) use self::store_client::StoreClient;
pub(crate) use self::unavailable::{CallError, StoreUnavailable};
