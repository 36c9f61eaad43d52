//! Why a connection was not made.

use redis::RedisError;

use crate::store::StoreError;
use crate::store::redis::error::store_error;

/// Why a connection was not made.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The driver's error: a network error, or an error answer of the server.
    Driver(RedisError),
    /// An error of this library.
    Other(StoreError),
}

impl ConnectError {
    /// Returns whether the connection was closed while it was being made.
    pub(crate) fn is_connection_dropped(&self) -> bool {
        matches!(self, Self::Driver(error) if error.is_connection_dropped())
    }
}

impl From<RedisError> for ConnectError {
    fn from(error: RedisError) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for ConnectError {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

impl From<ConnectError> for StoreError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Driver(error) => store_error(&error),
            ConnectError::Other(error) => error,
        }
    }
}
