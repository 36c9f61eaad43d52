//! The type of a boxed answer of a store.

use std::future::Future;
use std::pin::Pin;

use super::StoreError;

/// A call of a store operation that is under way.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
