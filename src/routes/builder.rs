//! The builder of the routes: every setting, its default, and the reason for it.

use std::fmt;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::request::Parts;

use super::Routes;
use super::context::{ClientAddress, Context, Shared};
use super::cookie::{AccessCookie, RefreshDelivery};
use super::credentials::{Credentials, ErasedCredentials};
use super::delivery::Ways;
use super::device::{DeviceCookie, DeviceSetting, Devices};
use super::limits::{Limits, LoginLimit, RefreshLimit};
use crate::authenticate::request_policy::FailurePolicy;
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::middleware::same_origin::SameOriginLayer;
use crate::session::SessionData;
use crate::trace;

/// Configures [`Routes`]. Every setting has a default.
#[must_use = "a builder does nothing until it is built"]
pub struct RoutesBuilder<D = ()> {
    manager: SessionManager<D>,
    credentials: Box<dyn ErasedCredentials<D>>,
    admin_roles: Vec<String>,
    client_address: Option<Box<ClientAddress>>,
    timeout: Duration,
    body_timeout: Duration,
    token_only_logins: bool,
    readiness_policy: FailurePolicy,
    refresh_delivery: RefreshDelivery,
    access_cookie: Option<AccessCookie>,
    device_cookie: DeviceSetting,
    trusted_origins: Vec<String>,
    login_limit: LoginLimit,
    refresh_limit: RefreshLimit,
}

impl<D: SessionData> RoutesBuilder<D> {
    pub(super) fn new(manager: SessionManager<D>, credentials: impl Credentials<D>) -> Self {
        Self {
            manager,
            credentials: Box::new(credentials),
            admin_roles: vec!["admin".to_owned(), "super_admin".to_owned()],
            client_address: None,
            timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            token_only_logins: false,
            readiness_policy: FailurePolicy::Refuse,
            refresh_delivery: RefreshDelivery::default(),
            access_cookie: None,
            device_cookie: DeviceSetting::default(),
            trusted_origins: Vec::new(),
            login_limit: LoginLimit::default(),
            refresh_limit: RefreshLimit::default(),
        }
    }

    /// Sets the roles that may use the routes for administrators. Default: `admin` and
    /// `super_admin`. There must be at least one role, and no role may be empty.
    pub fn admin_roles<T: Into<String>>(mut self, roles: impl IntoIterator<Item = T>) -> Self {
        self.admin_roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the function that returns the client address of a request. The routes use the address
    /// in the list of devices, in events, and for the limits by address ([`LoginLimit`],
    /// [`RefreshLimit`]).
    ///
    /// If clients connect to the server directly, use [`peer_address`](super::peer_address): with
    /// axum `.client_address(peer_address::<ConnectInfo<SocketAddr>>)`, with hyper
    /// `.client_address(peer_address::<PeerAddress>)`. Behind a proxy, read the header that the
    /// proxy writes.
    ///
    /// There is no function by default, because the peer's address is wrong behind a proxy. A
    /// builder without a function has these effects:
    ///
    /// - The routes limit neither logins nor invalid refresh tokens by address.
    /// - The list of devices shows `null` instead of an address.
    /// - [`build`](Self::build) logs a warning, unless both limits by address are off. The limit of
    ///   logins by address is off with [`LoginLimit::address_attempts`] of 0. The limit of invalid
    ///   refresh tokens by address is off if the second argument of [`RefreshLimit::new`] is 0.
    ///
    /// The routes log a warning for the first request for which the function finds no address. They
    /// do not repeat the warning. They log no warning if both limits by address are off.
    pub fn client_address(
        mut self,
        address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.client_address = Some(Box::new(address));
        self
    }

    /// Sets the time limit of a whole request. The routes answer a slower request with 408.
    /// Default: 30 seconds. Range: 1 millisecond to 1 hour. A cleanup or statistics of many million
    /// sessions can take longer than the default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a client may take to send a body (16 KiB at most). The routes answer a slower
    /// body with 408. Default: 10 seconds. Range: 1 millisecond to 1 hour.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Lets users log in while the store is unavailable. During that time, a login with valid
    /// credentials returns a [token without a session](SessionManager::token_without_session).
    ///
    /// Routes behind [`FailurePolicy::TokenOnly`] accept such a token while the store is
    /// unavailable. When the store answers again, no route accepts the token. Routes with another
    /// failure policy never accept it. Without this setting, the routes answer 503 to a login while
    /// the store is unavailable.
    pub fn token_only_logins(mut self) -> Self {
        self.token_only_logins = true;
        self
    }

    /// Sets the failure policy that `GET /health/ready` assumes. Default:
    /// [`FailurePolicy::Refuse`], so that the route answers 503 while the store is unavailable.
    ///
    /// If layers of the service have another [failure
    /// policy](crate::SessionAuthLayer::failure_policy), set that policy here too. The route then
    /// answers 200 as long as that policy can let requests pass. [`Health::is_ready`] lists the
    /// conditions.
    ///
    /// [`Health::is_ready`]: crate::manager::Health::is_ready
    pub fn readiness_policy(mut self, policy: FailurePolicy) -> Self {
        self.readiness_policy = policy;
        self
    }

    /// Sets how refresh tokens travel between the routes and clients. Default: in a
    /// [cookie](RefreshDelivery::Cookie).
    ///
    /// This setting has an effect only if the manager issues refresh tokens. Without
    /// [`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys) the auth routes have
    /// no `POST /refresh`.
    pub fn refresh_delivery(mut self, delivery: impl Into<RefreshDelivery>) -> Self {
        self.refresh_delivery = delivery.into();
        self
    }

    /// Puts the access token into a cookie, and also leaves it in the response bodies. A login and
    /// a refresh set the cookie, a logout clears it, and these routes read it. Without this
    /// setting, the access token is only in response bodies, and clients store it themselves.
    ///
    /// The layers around your own routes do not read the cookie by default. To change this, set the
    /// cookie's [token source](AccessCookie::token_source) on these layers. Your own routes then
    /// need [protection against cross-site requests](crate::same_origin::SameOriginLayer).
    pub fn access_cookie(mut self, cookie: AccessCookie) -> Self {
        self.access_cookie = Some(cookie);
        self
    }

    /// Sets the [device cookie](DeviceCookie). With this cookie, a device that has logged in to an
    /// account before can log in to it again, even while others guess the password of that account.
    ///
    /// Without this setting, the routes set the cookie of [`DeviceCookie::new`] if tokens travel in
    /// cookies, and no device cookie otherwise. With this setting, the routes set the given cookie
    /// with every [delivery](RefreshDelivery). Exception: if the [`login_limit`](Self::login_limit)
    /// has no limit by name, the routes never set a device cookie.
    pub fn device_cookie(mut self, cookie: DeviceCookie) -> Self {
        self.device_cookie = DeviceSetting::Always(cookie);
        self
    }

    /// Turns the device cookie off. While others guess an account's password, all devices of the
    /// account have to wait before they can log in.
    pub fn without_device_cookie(mut self) -> Self {
        self.device_cookie = DeviceSetting::Never;
        self
    }

    /// Sets other origins whose pages may use the routes that set or read token cookies, for
    /// example `https://app.example.com`. Default: none.
    ///
    /// Write each origin exactly as browsers write it in the `Origin` header: without a wildcard, a
    /// default port, a path or a slash at the end. Without this setting, a browser's request passes
    /// only if `Sec-Fetch-Site` or `Origin` shows that the request comes from the server's own
    /// origin. The routes answer any other request of a browser with 403 `cross_site`, even if it
    /// comes from another host of the same domain. [`SameOriginLayer`] lists the exact rules.
    ///
    /// A proxy must leave `Host` and `Origin` unchanged. For a page of a trusted origin, put a CORS
    /// layer that allows credentials around these routes. The page must belong to the same site as
    /// the server, because browsers send `SameSite=Strict` cookies only for pages of the same site.
    pub fn trusted_origins<T: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = T>,
    ) -> Self {
        self.trusted_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many logins may fail before the routes answer 429. Default: 10 in 60 seconds for
    /// each name, and 100 in 60 seconds for each address. The limit by address applies only if
    /// [`client_address`](Self::client_address) returns an address.
    pub fn login_limit(mut self, limit: LoginLimit) -> Self {
        self.login_limit = limit;
        self
    }

    /// Sets how many refresh tokens a client may present before the routes answer 429. Default: in
    /// 60 seconds, 60 tokens for each session and 100 invalid tokens for each address.
    pub fn refresh_limit(mut self, limit: RefreshLimit) -> Self {
        self.refresh_limit = limit;
        self
    }

    /// Builds the routes. Does no I/O.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for the first invalid setting.
    pub fn build(self) -> Result<Routes<D>, ConfigError> {
        let Self {
            manager,
            credentials,
            admin_roles,
            client_address,
            timeout,
            body_timeout,
            token_only_logins,
            readiness_policy,
            refresh_delivery,
            access_cookie,
            device_cookie,
            trusted_origins,
            login_limit,
            refresh_limit,
        } = self;
        let named = !admin_roles.is_empty() && admin_roles.iter().all(|role| !role.is_empty());
        let rules = [
            ("admin_roles", "must be one or more roles, none of them empty", named),
            ("timeout", "must be 1 millisecond to 1 hour", fits(timeout)),
            ("body_timeout", "must be 1 millisecond to 1 hour", fits(body_timeout)),
        ];
        if let Some(&(setting, rule, _)) = rules.iter().find(|(_, _, holds)| !holds) {
            return Err(ConfigError::OutOfRange { setting, rule });
        }
        let refresh = manager.issues_refresh_tokens().then_some(refresh_delivery);
        login_limit.check()?;
        refresh_limit.check()?;
        let limited = login_limit.counts_addresses() || refresh_limit.counts_addresses();
        let client_address = checked_address(client_address, limited);
        let mut ways = Ways { refresh, access: access_cookie, device: false };
        let devices = Devices::new(device_cookie, &ways)?.filter(|_| login_limit.counts_devices());
        ways.device = devices.is_some();
        let context = Context::new(Shared {
            manager,
            credentials,
            admin_roles,
            client_address,
            timeout,
            body_timeout,
            token_only_logins,
            readiness_policy,
            ways,
            same_origin: SameOriginLayer::new().trusted_origins(trusted_origins)?,
            limits: Limits::new(&login_limit, &refresh_limit),
            devices,
            nobody: RandomState::new(),
        })?;
        Ok(Routes { context })
    }
}

/// Returns the function that finds a client's address. Logs a warning if there is no such function
/// although a limit by address is on. The returned function logs a warning for the first request
/// without an address if a limit by address is on.
fn checked_address(given: Option<Box<ClientAddress>>, limited: bool) -> Box<ClientAddress> {
    let Some(given) = given else {
        if limited {
            trace::warn!(
                "rate limits by address are off: the routes know no client address; set \
                 `client_address`, for example to `peer_address::<ConnectInfo<SocketAddr>>`"
            );
        }
        return Box::new(|_| None);
    };
    let told = AtomicBool::new(!limited);
    Box::new(move |parts| {
        let address = given(parts);
        if address.is_none() && !told.swap(true, Ordering::Relaxed) {
            trace::warn!(
                "a request is not limited by address: `client_address` returned none; with axum, \
                 serve `into_make_service_with_connect_info::<SocketAddr>()`"
            );
        }
        address
    })
}

/// Returns whether a time limit is from 1 millisecond to 1 hour.
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
            .field("readiness_policy", &self.readiness_policy)
            .field("refresh_delivery", &self.refresh_delivery)
            .field("access_cookie", &self.access_cookie)
            .field("device_cookie", &self.device_cookie)
            .field("trusted_origins", &self.trusted_origins)
            .field("login_limit", &self.login_limit)
            .field("refresh_limit", &self.refresh_limit)
            .finish_non_exhaustive()
    }
}
