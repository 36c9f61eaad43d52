//! The settings that a layer and all its services share.

use std::sync::Arc;

use http::HeaderMap;

use super::extract::TokenSource;
use super::optional_mode::{ClearedCookie, OptionalMode};
use crate::authenticate::request_policy::RequestPolicy;
use crate::error::AuthError;
use crate::manager::SessionManager;

/// The settings of one layer: which requests pass, and how the layer answers all others.
pub(crate) struct Rules<D, R> {
    pub(crate) manager: SessionManager<D>,
    pub(crate) mode: Mode,
    pub(crate) source: TokenSource,
    pub(crate) request_policy: RequestPolicy,
    pub(crate) reject: Arc<R>,
}

/// Whether a layer rejects every request without a valid token, or lets some of them pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Required,
    Optional(OptionalMode),
}

impl<D, R> Rules<D, R> {
    /// Returns `None` if a request that failed with `error` is rejected. Returns `Some(None)` if
    /// the request passes without a session. Returns `Some(Some(cookie))` if the request passes and
    /// the response must clear this cookie.
    pub(crate) fn pass(
        &self,
        error: &AuthError,
        headers: &HeaderMap,
    ) -> Option<Option<ClearedCookie>> {
        match self.mode {
            Mode::Required => None,
            Mode::Optional(mode) => mode.pass(error, &self.source, headers),
        }
    }
}

// Manual implementation: a derive would require `D: Clone` and `R: Clone`.
impl<D, R> Clone for Rules<D, R> {
    fn clone(&self) -> Self {
        Self {
            manager: self.manager.clone(),
            mode: self.mode,
            source: self.source.clone(),
            request_policy: self.request_policy.clone(),
            reject: Arc::clone(&self.reject),
        }
    }
}
