//! Protection against calls that may get no answer. Each call has a timeout and needs a permit of a
//! circuit breaker. A bulkhead limits the effect of a failure to one kind of call.
//!
//! The manager calls the session store through the [`StoreClient`], and the user directory through
//! a separate [`Bulkhead`].

mod breaker;
mod bulkhead;
mod operation;
mod store_client;
mod unavailable;

pub(crate) use self::bulkhead::{Bulkhead, BulkheadError, BulkheadName};
pub(crate) use self::operation::Operation;
pub(crate) use self::store_client::StoreClient;
pub(crate) use self::unavailable::{CallError, StoreUnavailable};
