//! The boxed future that a store operation returns.

use std::future::Future;
use std::pin::Pin;

use super::StoreError;

/// The future of one store operation.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
