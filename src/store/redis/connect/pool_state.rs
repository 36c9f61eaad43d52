//! Whether a pool can open connections, and the error if it cannot.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use bb8_redis::bb8;
use tokio::sync::Notify;

use super::Endpoint;
use super::same_server::SameServerChecks;
use crate::store::redis::era::Era;
use crate::store::redis::error::fault;
use crate::store::{StoreError, StoreErrorKind};
use crate::trace;

pub(crate) const NO_CREDENTIALS: &str = "the credentials provider did not answer in time";

/// An error that bb8 reports about a connection.
#[derive(Debug)]
pub(crate) enum ConnectionError {
    /// A connection could not be opened.
    Failed(StoreError),
    /// A connection was found closed at check-out. The pool opens another one.
    Closed,
}

/// Whether connections can be opened, and the error if not.
pub(crate) struct State {
    pub(crate) endpoint: Arc<Endpoint>,
    last: Mutex<Option<StoreError>>,
    pub(crate) failure: Notify,
    pub(crate) eras: Arc<Era>,
    pub(crate) same_server: Arc<SameServerChecks>,
    /// See [`Pool::changes`](super::pool::Pool::changes).
    pub(crate) changes: Arc<AtomicU64>,
}

impl State {
    pub(crate) fn new(endpoint: Arc<Endpoint>, same_server: Arc<SameServerChecks>) -> Self {
        Self {
            endpoint,
            last: Mutex::default(),
            failure: Notify::new(),
            eras: Arc::clone(same_server.era()),
            same_server,
            changes: Arc::default(),
        }
    }

    fn failed(&self, error: &StoreError) {
        let first = self.swap(Some(error.clone())).is_none();
        if first {
            let cause = std::error::Error::source(error);
            trace::error!(
                "cannot connect to redis",
                kind = error.kind().as_str(),
                cause = cause.map(|cause| trace::Chain(cause).to_string()).unwrap_or_default()
            );
        }
        self.failure.notify_waiters();
    }

    pub(crate) fn connected(&self) {
        if self.swap(None).is_some() {
            trace::info!("connected to redis again");
        }
    }

    fn swap(&self, new: Option<StoreError>) -> Option<StoreError> {
        std::mem::replace(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner), new)
    }

    /// Returns the reason why there is no connection.
    pub(crate) fn reason(&self) -> StoreError {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.unwrap_or_else(|| {
            let what = if self.endpoint.is_waiting_for_credentials() {
                NO_CREDENTIALS
            } else {
                "no connection was free in time"
            };
            fault(StoreErrorKind::Unavailable, what)
        })
    }
}

/// Receives the errors of failed connects.
pub(crate) struct Sink(pub(crate) Arc<State>);

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

impl bb8::ErrorSink<ConnectionError> for Sink {
    fn sink(&self, error: ConnectionError) {
        if let ConnectionError::Failed(error) = error {
            self.0.failed(&error);
        }
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectionError>> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}
