//! All connections of a store: address, credentials, TLS, pools, and the same-server checks.

pub(crate) mod address;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod pool;
pub(crate) mod pool_client;
pub(crate) mod pool_state;
pub(crate) mod replica_client;
pub(crate) mod same_server;
pub(crate) mod server;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use self::error::ConnectError;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, PushInfo};
use tokio::time::timeout;

use self::credentials::ErasedProvider;
use self::handle::{Closed, Handle};
#[cfg(feature = "tls")]
use self::tls::{Tls, after_handshake};
use super::error::{fault, fault_because};
use crate::store::{StoreError, StoreErrorKind};

/// The timeout of a credentials provider. A request waits no longer than its own timeout.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);

/// The server's address and the credentials for it. The pools, the invalidation connection and the
/// diagnosis share one endpoint.
pub(super) struct Endpoint {
    info: ConnectionInfo,
    credentials: Option<Arc<dyn ErasedProvider>>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
    /// The number of calls to the provider that have not returned.
    waiting: AtomicUsize,
}

impl Endpoint {
    pub(super) fn new(info: ConnectionInfo, credentials: Option<Arc<dyn ErasedProvider>>) -> Self {
        Self {
            info,
            credentials,
            #[cfg(feature = "tls")]
            tls: None,
            waiting: AtomicUsize::new(0),
        }
    }

    /// Returns the endpoint with TLS, if `tls` is set.
    #[cfg(feature = "tls")]
    pub(super) fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls: tls.map(Arc::new), ..self }
    }

    /// Returns the address with the credentials that are valid now.
    ///
    /// The provider has its own timeout, so the caller must not include this call in a connect
    /// timeout.
    pub(super) async fn target(&self) -> Result<Target, StoreError> {
        let Some(provider) = &self.credentials else {
            return Ok(self.at(self.info.clone()));
        };
        let _waiting = Waiting::new(&self.waiting);
        let asked = async { provider.credentials().await };
        let asked = timeout(PROVIDER_TIMEOUT, AssertUnwindSafe(asked).catch_unwind());
        let credentials = match asked.await {
            Ok(Ok(Ok(credentials))) => credentials,
            Ok(Ok(Err(error))) => {
                return Err(fault_because("the credentials provider failed", error));
            }
            Ok(Err(_panic)) => return Err(unavailable("the credentials provider panicked")),
            Err(_) => return Err(unavailable("the credentials provider did not answer in 10 s")),
        };
        let mut login = self.info.redis_settings().clone().set_password(credentials.password);
        if let Some(username) = credentials.username {
            login = login.set_username(username);
        }
        Ok(self.at(self.info.clone().set_redis_settings(login)))
    }

    fn at(&self, info: ConnectionInfo) -> Target {
        Target {
            info,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        }
    }

    /// Returns whether a call to the credentials provider is waiting for its answer. Until the
    /// answer, the connection that needs it cannot be made.
    pub(super) fn is_waiting_for_credentials(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// An address with credentials, for a connection that is made now.
pub(super) struct Target {
    info: ConnectionInfo,
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
}

impl Target {
    /// Makes a connection and logs in. The caller limits the time. If the driver panics, the result
    /// is an error. The task that reads the socket calls `hear` for each push message.
    pub(super) async fn connect(
        &self,
        config: AsyncConnectionConfig,
        hear: impl Fn(&PushInfo) + Send + Sync + 'static,
    ) -> Result<Handle, ConnectError> {
        let closed = Arc::<Closed>::default();
        let made = self.open(closed.listen(config, hear));
        let made = AssertUnwindSafe(made).catch_unwind().await;
        let made = made.unwrap_or_else(|_panic| {
            let what = "the driver panicked while it connected: read the panic message on standard \
                        error";
            Err(unavailable(what).into())
        });
        Ok(Handle::new(made?, closed))
    }

    async fn open(
        &self,
        config: AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, ConnectError> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let stream = tls.connect(self.info.tcp_settings()).await?;
            let (login, stream) = (self.info.redis_settings(), Box::pin(stream));
            let made = MultiplexedConnection::new_with_config(login, stream, config).await;
            let (connection, driver) = made.map_err(after_handshake)?;
            #[expect(
                clippy::disallowed_methods,
                reason = "this task reads the socket and ends with the last handle on the connection"
            )]
            tokio::spawn(driver);
            return Ok(connection);
        }
        let client = Client::open(self.info.clone())?;
        Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
    }
}

/// Counts a call to the provider as pending until this value is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn unavailable(what: &'static str) -> StoreError {
    fault(StoreErrorKind::Unavailable, what)
}

/// The driver settings of a short-lived connection. The caller limits the wait for answers.
pub(super) fn plain_config(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(None)
}
