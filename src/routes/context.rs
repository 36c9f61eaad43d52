//! The state that the handlers share.

use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::credentials::ErasedCredentials;
use super::delivery::{Delivery, Ways};
use super::device::Devices;
use super::limits::Limits;
use crate::authenticate::request_policy::FailurePolicy;
use crate::error::ConfigError;
use crate::id::UserId;
use crate::manager::SessionManager;
use crate::middleware::same_origin::SameOriginLayer;
use crate::session::SessionData;
use crate::telemetry::events::{Event, LoginRefusal};

/// Returns the client address of a request, if it is known.
pub(super) type ClientAddress = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// The state that the handlers share, at one mount point. Cheap to clone.
pub(super) struct Context<D> {
    shared: Arc<Shared<D>>,
    /// How tokens travel at this mount point.
    pub(super) delivery: Arc<Delivery>,
}

/// The part of the state that is the same at all mount points.
pub(super) struct Shared<D> {
    pub(super) manager: SessionManager<D>,
    pub(super) credentials: Box<dyn ErasedCredentials<D>>,
    pub(super) admin_roles: Vec<String>,
    pub(super) client_address: Box<ClientAddress>,
    pub(super) timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) token_only_logins: bool,
    /// The failure policy that `GET /health/ready` assumes.
    pub(super) readiness_policy: FailurePolicy,
    pub(super) ways: Ways,
    pub(super) same_origin: SameOriginLayer,
    pub(super) limits: Limits,
    /// `None` if logins set no device cookie.
    pub(super) devices: Option<Devices>,
    /// Hashes the typed name of an unknown user to a placeholder id. The typed name can be a
    /// password that was entered into the wrong field, so the store must not receive the text
    /// itself.
    pub(super) nobody: RandomState,
}

impl<D> Context<D> {
    /// Creates the state for routes whose mount point is unknown. The path of their refresh cookie
    /// is the configured path, or `/` if no path is configured.
    pub(super) fn new(shared: Shared<D>) -> Result<Self, ConfigError> {
        let delivery = Arc::new(shared.ways.at("/")?);
        Ok(Self { shared: Arc::new(shared), delivery })
    }

    /// Emits the event of a refused login. `user` must be a user who exists.
    pub(super) fn emit_login_refused(
        &self,
        user: Option<UserId>,
        refusal: LoginRefusal,
        ip_address: Option<IpAddr>,
    ) where
        D: SessionData,
    {
        self.manager.events().emit(Event::LoginRefused { user, refusal, ip_address });
    }

    /// Returns the same state for routes at this mount point.
    pub(super) fn at(&self, mount: &str) -> Self {
        // This cannot fail: a valid prefix is a valid cookie path, and `new` has checked the rest.
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

// Implemented by hand: a derive would require `D: Clone`.
impl<D> Clone for Context<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), delivery: Arc::clone(&self.delivery) }
    }
}
