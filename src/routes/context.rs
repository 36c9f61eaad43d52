//! What the handlers need.

use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::credentials::ErasedCredentials;
use super::limits::Limits;
use crate::manager::SessionManager;

pub(super) type ClientAddress = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// What the handlers need. Cheap to clone.
pub(super) struct Context<D> {
    shared: Arc<Shared<D>>,
}

pub(super) struct Shared<D> {
    pub(super) manager: SessionManager<D>,
    pub(super) credentials: Box<dyn ErasedCredentials<D>>,
    pub(super) admin_roles: Vec<String>,
    pub(super) client_address: Box<ClientAddress>,
    pub(super) timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) token_only_logins: bool,
    pub(super) limits: Limits,
    /// Names nobody: what is typed there may be a password, and must not reach the store as it is.
    pub(super) nobody: RandomState,
}

impl<D> Context<D> {
    pub(super) fn new(shared: Shared<D>) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl<D> std::ops::Deref for Context<D> {
    type Target = Shared<D>;

    fn deref(&self) -> &Shared<D> {
        &self.shared
    }
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Context<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
