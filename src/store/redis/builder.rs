//! Settings of a [`RedisStore`], with their defaults and reasons.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion};
#[cfg(feature = "tls")]
use zeroize::Zeroizing;

use super::RedisStore;
use super::connect::Endpoint;
use super::connect::address::Address;
#[cfg(not(feature = "tls"))]
use super::connect::address::NO_TLS;
use super::connect::credentials::{CredentialsProvider, ErasedProvider};
use super::connect::pool::{Pool, PoolSetting};
use super::connect::pool_client::PoolClient;
use super::connect::replica_client::{self, ReplicaClient};
use super::connect::same_server::SameServerChecks;
#[cfg(feature = "tls")]
use super::connect::tls::{Tls, TlsSettings};
use super::diagnosis::Diagnostics;
use super::era::Era;
use super::inner::Inner;
use super::keys::Prefix;
use super::sharing::Sharing;
use super::time::ServerClock;
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::id::random_text;
use crate::store::SCAN_TIMEOUT;

/// The longest timeout that the application can set for an operation.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of a [`RedisStore`]. Created by [`RedisStore::builder`].
#[must_use]
pub struct RedisStoreBuilder {
    info: Result<ConnectionInfo, ConfigError>,
    prefix: String,
    timeout: Duration,
    scan_timeout: Duration,
    pool_size: u32,
    wait_replicas: Option<(u32, Duration)>,
    credentials: Option<Arc<dyn ErasedProvider>>,
    #[cfg(feature = "tls")]
    tls: TlsSettings,
    host_clock: Option<Arc<dyn Clock>>,
    lease: Duration,
    address_check: Duration,
}

impl RedisStore {
    /// Creates a store with default settings at a URL such as `redis://user:password@host:6379/0`.
    /// Special characters in a password must be percent-encoded (see [`Address`]).
    ///
    /// # Errors
    ///
    /// The same errors as [`RedisStoreBuilder::build`]. The error text never contains the URL. An
    /// unreachable server causes no error here: call [`diagnose`](Self::diagnose) to find it.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Self::builder(url).build()
    }

    /// Returns a builder for a store with custom settings. The address can be a URL,
    /// `("host", 6379)`, or a `ConnectionInfo` of the `redis` crate, which takes user name and
    /// password separately (see [`Address`]).
    pub fn builder(address: impl Into<Address>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(address.into())
    }
}

impl RedisStoreBuilder {
    pub(super) fn new(address: Address) -> Self {
        Self {
            info: address.0,
            prefix: "session".to_owned(),
            timeout: Duration::from_millis(250),
            scan_timeout: SCAN_TIMEOUT,
            pool_size: 4,
            wait_replicas: None,
            credentials: None,
            #[cfg(feature = "tls")]
            tls: TlsSettings::default(),
            host_clock: None,
            lease: Duration::from_millis(500),
            address_check: Duration::from_secs(1),
        }
    }

    /// Sets the prefix of all keys: 1 to 128 bytes of `[A-Za-z0-9_.:-]`. Default: `session`.
    ///
    /// Applications that share a server need different prefixes. A prefix must not begin with
    /// another application's prefix and a `:`. For example, do not use `app:eu` together with
    /// `app`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the time limit of one operation, including the time to connect. Default: 250 ms. Range:
    /// 1 ms to 60 s.
    ///
    /// The store replaces a connection if an operation gives up its wait for an answer late: after
    /// at least half of this time, or after at least three quarters of the time that the operation
    /// had left when it sent its command. The shorter of these two limits applies. TCP also detects
    /// a host that has disappeared: keepalive starts after 10 s on an idle connection, and on Linux
    /// `TCP_USER_TIMEOUT` is 5 s. If the address passed to [`RedisStore::builder`] sets one of
    /// these TCP settings, the store keeps that value.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the time limit of a list, a page or a cleanup step. Default: 5 s. Range: 1 ms to 5 s,
    /// because the manager waits no longer for these operations.
    ///
    /// Lists, pages and cleanup steps use a separate connection, so they do not delay requests.
    /// This time limit also applies to two steps of [`RedisStore::diagnose`].
    pub fn scan_timeout(mut self, timeout: Duration) -> Self {
        self.scan_timeout = timeout;
        self
    }

    /// Sets the maximum number of connections for requests, 1 or more. Default: 4.
    ///
    /// The connections for lists, replicas and invalidations do not count toward this number. Each
    /// connection carries any number of requests at once, so a few connections are enough. More
    /// connections only add load on the server.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections;
        self
    }

    /// Sets how long cache entries stay valid without another heartbeat. This time starts when the
    /// last answered heartbeat was sent. Default: 500 ms. Range: 50 ms to 10 s.
    ///
    /// The invalidation connection can fail without notice. In that case, this process can accept a
    /// revoked session for at most one lease. The store sends five heartbeats per lease. If this
    /// process or Redis is busy for a moment, a short lease can end before the next heartbeat is
    /// answered. After the lease has ended, each request asks Redis until a heartbeat is answered.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how often the store checks where its address leads. Default: 1 s. Range: 100 ms to 1 h.
    ///
    /// For each check, the store makes a new connection and writes a value over it. This value
    /// shows whether the new connection leads to the same server as the connections in use.
    ///
    /// An address such as a DNS name or a load balancer can start to lead to another server, while
    /// the old server stays a primary and keeps its connections. In that case, this process can use
    /// cache entries of the old server for at most this interval plus the [lease](Self::lease). The
    /// next check detects the other server, and the store gives up all connections to the old
    /// server.
    ///
    /// A check can also fail because it cannot connect or cannot compare the servers. In that case,
    /// the store does not extend the lease until a check succeeds. After the lease has ended, each
    /// request asks Redis over the existing connections.
    ///
    /// Cost while the near cache is in use: one connection and about six short commands per
    /// interval and process.
    pub fn address_check(mut self, interval: Duration) -> Self {
        self.address_check = interval;
        self
    }

    /// Makes each revocation wait until at least `replicas` replicas have received the revocation.
    /// The wait ends after `timeout` at the latest. Default: no wait. Range of `replicas`: 1 or
    /// more. Range of `timeout`: 1 ms to 10 s. The setting applies to `revoke`, and to the
    /// operations of the manager that call `revoke`.
    ///
    /// Replication is asynchronous. Without this setting, a failover right after a logout can make
    /// the session live again. With this setting, a failover can do so only if a replica without
    /// the revocation becomes the primary, which is unlikely. If too few replicas confirm the
    /// revocation in time, the session is still revoked on the primary. In that case, the result is
    /// [`Replicas::Missed`], and the manager logs a warning. Updates of a session (also
    /// `update_all`) and evictions by a login do not wait for replicas.
    ///
    /// Cost: one round trip to the replicas per revocation. Each revocation that waits for replicas
    /// uses one of up to 8 separate connections. While 8 revocations wait, the next revocation
    /// waits for a free connection. `timeout` includes this wait. The revocation does not wait for
    /// replicas if no connection becomes free in time, or if the store cannot open one. The Redis
    /// user needs the right `+wait`.
    ///
    /// [`Replicas::Missed`]: crate::store::Replicas::Missed
    pub fn wait_replicas(mut self, replicas: u32, timeout: Duration) -> Self {
        self.wait_replicas = Some((replicas, timeout));
        self
    }

    /// Sets a provider of user name and password. The store calls the provider for each connection
    /// that it makes, so the credentials can change without a restart. Default: no provider.
    /// Without a provider, the store uses the credentials in the address.
    ///
    /// The store uses the provider for all connections: for requests, lists, replicas,
    /// invalidations and [`diagnose`](RedisStore::diagnose). The provider's password replaces the
    /// password in the address. If the provider returns a user name, that name replaces the user
    /// name in the address. When a password changes, open connections stay open until the server
    /// closes them.
    ///
    /// If the provider fails, panics or takes longer than 10 s, the store does not make the
    /// connection. The operation that needed the connection fails with a
    /// [`StoreError`](crate::store::StoreError). The text of this error names the credentials
    /// provider as the cause.
    pub fn credentials_provider(mut self, provider: impl CredentialsProvider) -> Self {
        self.credentials = Some(Arc::new(provider));
        self
    }

    /// Sets the certificate authorities, as PEM text, that the store trusts for a `rediss://`
    /// address. The store trusts no other authorities. Default: the authorities of the system,
    /// which [`build`](Self::build) reads: what the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name, or the system's own store if neither is set.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_roots(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots = Some(pem.into());
        self
    }

    /// Sets the client certificate for a server that requires one (mutual TLS), for a `rediss://`
    /// address. The parameters are PEM texts: the certificate with its chain, and its private key
    /// (PKCS#8, PKCS#1 or SEC1, without a passphrase). Default: none.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.client = Some((chain_pem.into(), Zeroizing::new(key_pem.into())));
        self
    }

    /// Sets this host's clock. Default: the system's clock. [`RedisStore::diagnose`] compares it
    /// with the server's clock. The store also searches for other issuers under the prefix once an
    /// hour of its monotonic time. This clock does not influence how long a session lives.
    pub fn host_clock(mut self, clock: impl Clock) -> Self {
        self.host_clock = Some(Arc::new(clock));
        self
    }

    /// Builds the store. Makes no connection, so an application can start while Redis is down. Call
    /// [`RedisStore::diagnose`] to test whether the server is reachable.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the address or a setting cannot work, or when the system supplies no
    /// random numbers. With `rediss://`, also when a certificate or a private key cannot be read.
    /// The error text never contains the address.
    pub fn build(self) -> Result<RedisStore, ConfigError> {
        let info = self.info?;
        #[cfg(feature = "tls")]
        let tls = tls(info.addr(), self.tls)?;
        #[cfg(not(feature = "tls"))]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err(ConfigError::Store(NO_TLS));
        }
        if !info.addr().is_supported() {
            return Err(ConfigError::Store("this system does not support Unix sockets"));
        }
        let out_of_range = |setting, rule| ConfigError::OutOfRange { setting, rule };
        let prefix = Prefix::parse(&self.prefix)
            .ok_or(out_of_range("prefix", "must be 1 to 128 bytes of [A-Za-z0-9_.:-]"))?;
        if !(Duration::from_millis(1)..=MAX_TIMEOUT).contains(&self.timeout) {
            return Err(out_of_range("timeout", "must be 1 ms to 60 s"));
        }
        if !(Duration::from_millis(1)..=SCAN_TIMEOUT).contains(&self.scan_timeout) {
            return Err(out_of_range("scan_timeout", "must be 1 ms to 5 s"));
        }
        if self.pool_size == 0 {
            return Err(out_of_range("pool_size", "must be 1 or more"));
        }
        let waits = Duration::from_millis(1)..=Duration::from_secs(10);
        if self.wait_replicas.is_some_and(|(count, wait)| count == 0 || !waits.contains(&wait)) {
            return Err(out_of_range(
                "wait_replicas",
                "must be 1 or more replicas, with a wait of 1 ms to 10 s",
            ));
        }

        if !(Duration::from_millis(50)..=Duration::from_secs(10)).contains(&self.lease) {
            return Err(out_of_range("lease", "must be 50 ms to 10 s"));
        }
        let checks = Duration::from_millis(100)..=Duration::from_secs(60 * 60);
        if !checks.contains(&self.address_check) {
            return Err(out_of_range("address_check", "must be 100 ms to 1 h"));
        }

        // With RESP3, the driver reports when a connection is closed.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // `CLIENT SETINFO` is not sent: it needs a permission that no other command of the store
        // needs.
        let settings = settings.set_skip_set_lib_name();
        let tcp = tcp_settings(info.tcp_settings());
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);

        let clock = Arc::new(ServerClock::new());
        let endpoint = Endpoint::new(info, self.credentials);
        #[cfg(feature = "tls")]
        let endpoint = endpoint.with_tls(tls);
        let endpoint = Arc::new(endpoint);
        let name = random_text::<9>().map_err(|_| ConfigError::Store(NO_RANDOM))?;
        let eras = Arc::<Era>::default();
        let same_server = Arc::new(SameServerChecks::new(
            Arc::clone(&eras),
            prefix.probe_key(&name),
            self.timeout / 4,
        ));
        let setting = |size, timeout, is_reference| PoolSetting { size, timeout, is_reference };
        let pool = |setting| {
            let (endpoint, clock) = (Arc::clone(&endpoint), Arc::clone(&clock));
            Pool::new(endpoint, clock, Arc::clone(&same_server), setting)
        };
        let client = |setting: PoolSetting| PoolClient::new(pool(setting), setting.timeout);
        let requests = client(setting(self.pool_size, self.timeout, true));
        let scans = client(setting(1, self.scan_timeout, false));
        let replicas = self.wait_replicas.map(|(wanted, wait)| {
            let setting = setting(replica_client::AT_ONCE, self.timeout, false);
            ReplicaClient::new(pool(setting), wanted, wait, self.timeout)
        });
        let inner = Inner {
            requests,
            scans,
            replicas,
            sharing: Sharing::default(),
            diagnostics: Diagnostics::new(self.host_clock, self.scan_timeout),
            prefix,
            clock,
            endpoint,
            eras,
            same_server,
            lease: self.lease,
            address_check: self.address_check,
        };
        Ok(RedisStore { inner: Arc::new(inner) })
    }
}

/// Adds the TCP settings that detect a host that disappeared without closing its connections. By
/// default, the operating system needs about a quarter of an hour to detect this, and never checks
/// an idle connection. A keepalive or user timeout that the application has set is kept.
/// `TCP_NODELAY` is always set, because Nagle's algorithm would delay commands.
fn tcp_settings(given: &TcpSettings) -> TcpSettings {
    const PROBE: Duration = Duration::from_secs(10);
    const GIVE_UP: Duration = Duration::from_secs(5);
    let mut tcp = given.clone().set_nodelay(true);
    if given.keepalive().is_none() {
        tcp = tcp.set_keepalive(TcpKeepalive::new().with_time(PROBE).with_interval(GIVE_UP));
    }
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    if given.user_timeout().is_none() {
        tcp = tcp.set_user_timeout(GIVE_UP);
    }
    tcp
}

const NO_RANDOM: &str = "the operating system returned no random bytes";

/// Returns the TLS connector, if the address uses `rediss://`.
#[cfg(feature = "tls")]
fn tls(address: &ConnectionAddr, settings: TlsSettings) -> Result<Option<Tls>, ConfigError> {
    match address {
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(ConfigError::Store(
            "`#insecure` in the address would trust every server: remove it and set `tls_roots`",
        )),
        ConnectionAddr::TcpTls { tls_params: Some(_), .. } => Err(ConfigError::Store(
            "certificates within a `ConnectionInfo` are not read: set `tls_roots` and \
             `tls_client_certificate`",
        )),
        ConnectionAddr::TcpTls { host, port, .. } => Tls::new(settings, host, *port).map(Some),
        _ if settings.are_default() => Ok(None),
        _ => Err(ConfigError::Store(
            "`tls_roots` and `tls_client_certificate` need an address with rediss://",
        )),
    }
}

// `Debug` does not show the address, because it may hold a password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("scan_timeout", &self.scan_timeout)
            .field("pool_size", &self.pool_size)
            .field("wait_replicas", &self.wait_replicas)
            .field("lease", &self.lease)
            .field("address_check", &self.address_check)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
