//! Settings of a [`RedisStore`], their defaults, and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion};
#[cfg(feature = "tls")]
use zeroize::Zeroizing;

use super::address::Address;
#[cfg(not(feature = "tls"))]
use super::address::NO_TLS;
use super::credentials::{CredentialsProvider, ErasedProvider};
use super::diagnosis::Diagnosis;
use super::endpoint::Endpoint;
use super::era::Era;
use super::keys::Prefix;
use super::lane::Lane;
use super::pool::{Pool, PoolSetting};
use super::proof::Proofs;
use super::replicas::{self, ReplicaLane};
use super::sharing::Sharing;
use super::time::ServerClock;
#[cfg(feature = "tls")]
use super::tls::{Tls, TlsSettings};
use super::{Inner, RedisStore};
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::id::random_text;
use crate::store::WALK_TIMEOUT;

/// The longest timeout of an operation.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of a [`RedisStore`]; made by [`RedisStore::builder`].
#[must_use]
pub struct RedisStoreBuilder {
    info: Result<ConnectionInfo, ConfigError>,
    prefix: String,
    timeout: Duration,
    walk_timeout: Duration,
    pool_size: u32,
    wait_replicas: Option<(u32, Duration)>,
    credentials: Option<Arc<dyn ErasedProvider>>,
    #[cfg(feature = "tls")]
    tls: TlsSettings,
    host_clock: Option<Arc<dyn Clock>>,
    lease: Duration,
    address_check: Duration,
}

impl RedisStoreBuilder {
    pub(super) fn new(address: Address) -> Self {
        Self {
            info: address.0,
            prefix: "session".to_owned(),
            timeout: Duration::from_millis(250),
            walk_timeout: WALK_TIMEOUT,
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

    /// What all keys begin with: 1 to 128 bytes of `[A-Za-z0-9_.:-]`. Default: `session`.
    ///
    /// Applications that share a server need prefixes of their own, such that none is another's beginning plus `:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long an operation may take in all, connecting included. Default: 250 ms; 1 ms to 60 s.
    ///
    /// A connection on which somebody waited in vain for about half of this is given up. Those on which
    /// nobody waits are left to the system: keepalive after 10 s and, on Linux, `TCP_USER_TIMEOUT` of 5 s,
    /// unless the address that
    /// [`RedisStore::builder`] was given brings settings of its own.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same for lists, pages and steps of a cleanup, which have a connection of their own: no request waits for
    /// them, and they may be long. Default and most: 5 s, which is as long as a manager waits; at least 1 ms.
    pub fn walk_timeout(mut self, timeout: Duration) -> Self {
        self.walk_timeout = timeout;
        self
    }

    /// How many connections there are at most, beside the one for lists. Default: 4.
    ///
    /// Each carries any number of requests at once; more than a few only cost the server.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections;
        self
    }

    /// How long what this process remembers of a session counts without a word from Redis, which is asked for one five
    /// times as often: the bound on how late a logout can be seen when the connection is lost without a sign. Default:
    /// 500 ms; 50 ms to 10 s.
    ///
    /// A short one makes gaps, in which each request asks Redis, whenever this process or Redis is busy for a moment.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How often the store makes a connection to see whether its address still leads to the server that it uses, and
    /// compares the two by a write. Default: 1 s; 100 ms to 1 h.
    ///
    /// An address (a DNS name, a load balancer) may begin to lead to another server while the old server lives on as a
    /// primary and keeps its connections. The near cache is used no longer than this interval and the
    /// [lease](Self::lease) after that; the next comparison then ends all connections to the old server. If
    /// no connection can be made or compared, each request asks the store over the connections that it has.
    ///
    /// Costs one connection and about six short commands per interval and process, while the near cache is in use.
    pub fn address_check(mut self, interval: Duration) -> Self {
        self.address_check = interval;
        self
    }

    /// Lets each revocation (`delete`, `delete_all`, and what the manager makes of them) wait until `replicas` of them
    /// have it, 1 or more, for `timeout` at most, 1 ms to 10 s. Off by default.
    ///
    /// Replication is asynchronous: without this, a failover right after a logout may bring the session back. It is no
    /// promise either, as a replica without the revocation may be the one that takes over, but makes that unlikely. A
    /// session that only the primary knows to have ended has ended all the same: [`Replicas::Missed`] says so, and the
    /// manager logs a warning. Changes of a session, `update_all` included, and evictions by a login do not wait.
    ///
    /// Costs a revocation a round trip to the replicas, on one of up to 8 connections of its own. While as many
    /// revocations wait in vain, others wait for one of them for `timeout`, and then go on without. This user needs
    /// `+wait`.
    ///
    /// [`Replicas::Missed`]: crate::store::Replicas::Missed
    pub fn wait_replicas(mut self, replicas: u32, timeout: Duration) -> Self {
        self.wait_replicas = Some((replicas, timeout));
        self
    }

    /// Asks this provider for user name and password at each connect, so that both may change without a restart.
    /// Default: none; those of the address count.
    ///
    /// All connections ask it: requests, lists, replicas, the invalidation connection and
    /// [`diagnose`](RedisStore::diagnose). The provider's password replaces that of the address, and its user name too
    /// where it gives one. Connections that are open when a password changes stay open until the server closes them.
    ///
    /// An error, a panic or a hang of the provider is a [`StoreError`](crate::store::StoreError) that says so.
    pub fn credentials_provider(mut self, provider: impl CredentialsProvider) -> Self {
        self.credentials = Some(Arc::new(provider));
        self
    }

    /// Trusts the certificate authorities in this PEM text, and no others, when the address is `rediss://`. Default:
    /// those of the system (the file or folder of `SSL_CERT_FILE`, `SSL_CERT_DIR`, or the system's own store), read by
    /// [`build`](Self::build).
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_roots(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots = Some(pem.into());
        self
    }

    /// Shows this certificate to a server that asks for one (mutual TLS), when the address is `rediss://`: the PEM text
    /// of the certificate with its chain, and that of its private key (PKCS#8, PKCS#1 or SEC1, without a passphrase).
    /// Default: none.
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

    /// Sets this host's clock. Default: the system's. [`RedisStore::diagnose`] compares it with the
    /// server's, and its monotonic time tells when the hourly search for other issuers under the prefix
    /// is due. It plays no part in a session's life.
    pub fn host_clock(mut self, clock: impl Clock) -> Self {
        self.host_clock = Some(Arc::new(clock));
        self
    }

    /// Makes the store. No connection is made before it is needed, so a server starts without Redis;
    /// [`RedisStore::check`] looks whether it is there.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting cannot work, and with `rediss://` when a certificate or key cannot be read. Its
    /// text never holds the address.
    pub fn build(self) -> Result<RedisStore, ConfigError> {
        let info = self.info?;
        #[cfg(feature = "tls")]
        let tls = tls(info.addr(), self.tls)?;
        #[cfg(not(feature = "tls"))]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err(ConfigError::Store(NO_TLS));
        }
        if !info.addr().is_supported() {
            return Err(ConfigError::Store("this system has no Unix sockets"));
        }
        let out_of_range = |setting, rule| ConfigError::OutOfRange { setting, rule };
        let prefix = Prefix::parse(&self.prefix)
            .ok_or(out_of_range("prefix", "must be 1 to 128 bytes of [A-Za-z0-9_.:-]"))?;
        if !(Duration::from_millis(1)..=MAX_TIMEOUT).contains(&self.timeout) {
            return Err(out_of_range("timeout", "must be 1 ms to 60 s"));
        }
        if !(Duration::from_millis(1)..=WALK_TIMEOUT).contains(&self.walk_timeout) {
            return Err(out_of_range("walk_timeout", "must be 1 ms to 5 s"));
        }
        if self.pool_size == 0 {
            return Err(out_of_range("pool_size", "must be 1 or more"));
        }
        let waits = Duration::from_millis(1)..=Duration::from_secs(10);
        if self.wait_replicas.is_some_and(|(count, wait)| count == 0 || !waits.contains(&wait)) {
            return Err(out_of_range("wait_replicas", "must be 1 or more, for 1 ms to 10 s"));
        }

        if !(Duration::from_millis(50)..=Duration::from_secs(10)).contains(&self.lease) {
            return Err(out_of_range("lease", "must be 50 ms to 10 s"));
        }
        let checks = Duration::from_millis(100)..=Duration::from_secs(60 * 60);
        if !checks.contains(&self.address_check) {
            return Err(out_of_range("address_check", "must be 100 ms to 1 h"));
        }

        // RESP3 tells of closed connections, and Nagle's algorithm would hold commands back.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // Needs a permission that nothing else here needs.
        let settings = settings.set_skip_set_lib_name();
        let tcp = tcp_settings(info.tcp_settings());
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);

        let clock = Arc::new(ServerClock::new());
        let endpoint = Endpoint::new(info, self.credentials);
        #[cfg(feature = "tls")]
        let endpoint = endpoint.with_tls(tls);
        let endpoint = Arc::new(endpoint);
        let name = random_text::<9>().map_err(|_| ConfigError::Store(NO_RANDOM))?;
        let eras = Arc::new(Era::new(Proofs::new(prefix.canary(&name), self.timeout / 4)));
        let setting = |size, timeout, is_reference| PoolSetting { size, timeout, is_reference };
        let lane = |setting| {
            Lane::new(Arc::clone(&endpoint), Arc::clone(&clock), Arc::clone(&eras), setting)
        };
        let requests = lane(setting(self.pool_size, self.timeout, true));
        let walks = lane(setting(1, self.walk_timeout, false));
        let replicas = self.wait_replicas.map(|(wanted, wait)| {
            let setting = setting(replicas::AT_ONCE, self.timeout, false);
            let (clock, eras) = (Arc::clone(&clock), Arc::clone(&eras));
            let pool = Pool::new(Arc::clone(&endpoint), clock, eras, setting);
            ReplicaLane::new(pool, wanted, wait, self.timeout)
        });
        let inner = Inner {
            requests,
            walks,
            replicas,
            sharing: Sharing::default(),
            diagnosis: Diagnosis::new(self.host_clock, self.walk_timeout),
            prefix,
            clock,
            endpoint,
            eras,
            lease: self.lease,
            address_check: self.address_check,
        };
        Ok(RedisStore { inner: Arc::new(inner) })
    }
}

/// With what finds a host that has vanished without a word: without it, that takes the system a quarter of an
/// hour, and an idle connection is looked at by nobody. What the application has set stays.
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

const NO_RANDOM: &str = "the system gives no random numbers";

/// What makes TLS connections, where the address asks for them.
#[cfg(feature = "tls")]
fn tls(address: &ConnectionAddr, settings: TlsSettings) -> Result<Option<Tls>, ConfigError> {
    match address {
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(ConfigError::Store(
            "`#insecure` in the address would trust every server: remove it and set `tls_roots`",
        )),
        ConnectionAddr::TcpTls { tls_params: Some(_), .. } => Err(ConfigError::Store(
            "certificates within a `ConnectionInfo` are not read: set `tls_roots` and `tls_client_certificate`",
        )),
        ConnectionAddr::TcpTls { host, port, .. } => Tls::new(settings, host, *port).map(Some),
        _ if settings.are_default() => Ok(None),
        _ => Err(ConfigError::Store(
            "`tls_roots` and `tls_client_certificate` need an address with rediss://",
        )),
    }
}

// The address may hold a password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("walk_timeout", &self.walk_timeout)
            .field("pool_size", &self.pool_size)
            .field("wait_replicas", &self.wait_replicas)
            .field("lease", &self.lease)
            .field("address_check", &self.address_check)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
