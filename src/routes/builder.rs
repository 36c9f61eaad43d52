//! Every setting of the routes, its default, and why.

use std::fmt;
use std::hash::RandomState;
use std::net::IpAddr;
use std::time::Duration;

use http::request::Parts;

use super::Routes;
use super::context::{ClientAddress, Context, Shared};
use super::credentials::{Credentials, ErasedCredentials};
use super::limits::{Limits, LoginLimit, RefreshLimit};
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::session::SessionData;

/// Configures [`Routes`]. Everything has a default.
#[must_use = "a builder does nothing until it is built"]
pub struct RoutesBuilder<D = ()> {
    manager: SessionManager<D>,
    credentials: Box<dyn ErasedCredentials<D>>,
    admin_roles: Vec<String>,
    client_address: Box<ClientAddress>,
    timeout: Duration,
    body_timeout: Duration,
    token_only_logins: bool,
    login_limit: LoginLimit,
    refresh_limit: RefreshLimit,
}

impl<D: SessionData> RoutesBuilder<D> {
    pub(super) fn new(manager: SessionManager<D>, credentials: impl Credentials<D>) -> Self {
        Self {
            manager,
            credentials: Box::new(credentials),
            admin_roles: vec!["admin".to_owned(), "super_admin".to_owned()],
            client_address: Box::new(|_| None),
            timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            token_only_logins: false,
            login_limit: LoginLimit::default(),
            refresh_limit: RefreshLimit::default(),
        }
    }

    /// Which roles may use the administrators' routes. `admin` and `super_admin` by default.
    pub fn admin_roles<T: Into<String>>(mut self, roles: impl IntoIterator<Item = T>) -> Self {
        self.admin_roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Where a login comes from, for the list of devices, for events, and for the [limit](LoginLimit) of each address. Not known by default: how the connection's
    /// address gets into a request's extensions is the server's way, and which forwarding headers may be believed is for
    /// whoever runs the proxies to say.
    pub fn client_address(
        mut self,
        address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.client_address = Box::new(address);
        self
    }

    /// How long a request may take as a whole before it is answered with 408. 30 seconds by default, 1 millisecond to 1
    /// hour. A cleanup or statistics of many million sessions may need longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a client may take to send a body (16 KiB at most) before it is answered with 408. 10 seconds by default,
    /// 1 millisecond to 1 hour.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Lets a login with good credentials through while the store is away, with a
    /// [token without a session](SessionManager::token_without_session): good for routes behind
    /// [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) until the store answers, and for nothing afterwards.
    /// By default such a login is 503.
    pub fn token_only_logins(mut self) -> Self {
        self.token_only_logins = true;
        self
    }

    /// How many logins may fail before they are answered with 429. 10 in 60 seconds for an account by default, and 100 for
    /// an address, if [`client_address`](Self::client_address) tells one.
    pub fn login_limit(mut self, limit: LoginLimit) -> Self {
        self.login_limit = limit;
        self
    }

    /// How often refresh tokens may be shown before the answer is 429. In 60 seconds, 60 times for a session by default, and
    /// 100 bad ones for an address.
    pub fn refresh_limit(mut self, limit: RefreshLimit) -> Self {
        self.refresh_limit = limit;
        self
    }

    /// Makes the routes. No I/O.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for the first setting that cannot work.
    pub fn build(self) -> Result<Routes<D>, ConfigError> {
        let Self {
            manager,
            credentials,
            admin_roles,
            client_address,
            timeout,
            body_timeout,
            token_only_logins,
            login_limit,
            refresh_limit,
        } = self;
        let named = !admin_roles.is_empty() && admin_roles.iter().all(|role| !role.is_empty());
        let rules = [
            ("admin_roles", "must be one role at least, and none empty", named),
            ("timeout", "must be 1 millisecond to 1 hour", fits(timeout)),
            ("body_timeout", "must be 1 millisecond to 1 hour", fits(body_timeout)),
        ];
        if let Some(&(setting, rule, _)) = rules.iter().find(|(_, _, holds)| !holds) {
            return Err(ConfigError::OutOfRange { setting, rule });
        }
        login_limit.check()?;
        refresh_limit.check()?;
        let context = Context::new(Shared {
            manager,
            credentials,
            admin_roles,
            client_address,
            timeout,
            body_timeout,
            token_only_logins,
            limits: Limits::new(&login_limit, &refresh_limit),
            nobody: RandomState::new(),
        });
        Ok(Routes { context })
    }
}

fn fits(duration: Duration) -> bool {
    (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&duration)
}

impl<D> fmt::Debug for RoutesBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutesBuilder")
            .field("manager", &self.manager)
            .field("admin_roles", &self.admin_roles)
            .field("timeout", &self.timeout)
            .field("body_timeout", &self.body_timeout)
            .field("token_only_logins", &self.token_only_logins)
            .field("login_limit", &self.login_limit)
            .field("refresh_limit", &self.refresh_limit)
            .finish_non_exhaustive()
    }
}
