//! What the handlers need.

use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::credentials::ErasedCredentials;
use super::delivery::{Delivery, Ways};
use super::device::Devices;
use super::limits::Limits;
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::same_origin::SameOriginLayer;

pub(super) type ClientAddress = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// What the handlers need. Cheap to clone.
pub(super) struct Context<D> {
    shared: Arc<Shared<D>>,
    /// At this mount.
    pub(super) delivery: Arc<Delivery>,
}

pub(super) struct Shared<D> {
    pub(super) manager: SessionManager<D>,
    pub(super) credentials: Box<dyn ErasedCredentials<D>>,
    pub(super) admin_roles: Vec<String>,
    pub(super) client_address: Box<ClientAddress>,
    pub(super) timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) token_only_logins: bool,
    pub(super) ways: Ways,
    pub(super) same_origin: SameOriginLayer,
    pub(super) limits: Limits,
    /// `None` where logins set no device cookie.
    pub(super) devices: Option<Devices>,
    /// Names nobody: what is typed there may be a password, and must not reach the store as it is.
    pub(super) nobody: RandomState,
}

impl<D> Context<D> {
    /// For routes whose mount is not known.
    pub(super) fn new(shared: Shared<D>) -> Result<Self, ConfigError> {
        let delivery = Arc::new(shared.ways.at("/")?);
        Ok(Self { shared: Arc::new(shared), delivery })
    }

    /// The same at a mount.
    pub(super) fn at(&self, mount: &str) -> Self {
        // A prefix is a good path, and all else was looked at when this was made.
        let delivery = self.ways.at(mount).map_or_else(|_| Arc::clone(&self.delivery), Arc::new);
        Self { shared: Arc::clone(&self.shared), delivery }
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
        Self { shared: Arc::clone(&self.shared), delivery: Arc::clone(&self.delivery) }
    }
}
