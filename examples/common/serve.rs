//! Serves HTTP/1.1 with limits against slow and hostile clients. `axum::serve` has no such limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::{BoxError, Service, ServiceExt as _};
use tower_session_auth::routes::PeerAddress;

use super::connections::{Answer, Client, Connections};
use super::proxies::TrustedProxies;

/// The limits for clients. Tests use shorter times.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The time for all headers of a request to arrive, also on a connection that is kept open.
    pub(crate) header_read: Duration,
    /// The time between two pieces of a request's body.
    pub(crate) body_read: Duration,
    /// The time for a client to accept a piece of the response.
    pub(crate) write: Duration,
    /// The time for a whole request.
    pub(crate) handler: Duration,
    /// The time for requests in progress at shutdown.
    pub(crate) grace: Duration,
    /// The number of connections at the same time. For a further connection, an idle one is closed;
    /// if none is idle, the new connection waits.
    pub(crate) connections: usize,
    /// The number of connections of one client (an IPv4 address, or an IPv6 network of 64 bits) at
    /// the same time. For a further connection, an idle one of this client is closed; if none is
    /// idle, the new connection is refused. Trusted proxies have no such limit.
    pub(crate) connections_per_client: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            body_read: Duration::from_secs(10),
            write: Duration::from_secs(10),
            handler: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            connections: 1024,
            connections_per_client: 128,
        }
    }
}

/// The number of bytes of a request's head that are read before its end is found. A head of about
/// twice this size is answered with 431.
const HEADER_BYTES: usize = 64 * 1024;

/// How long to wait for a connection to close before another one is closed.
const CLOSING: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, then waits for the requests in progress. Accepts any Tower service,
/// such as axum's router.
///
/// A client holds at most [`Limits::connections_per_client`] connections; this limit does not apply
/// to the peers in `proxies`. If there is no slot for a further connection, the connection that has
/// been idle for longest is closed.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    proxies: TrustedProxies,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    let connections = Connections::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            let (stream, peer) = listener.accept().await?;
            // Check the limit of the client first: a client above its limit must not take a slot of
            // other clients.
            let client = (!proxies.trust(peer.ip())).then(|| Client::of(peer.ip()));
            let Some(mut connection) = connections.open(client, limits.connections_per_client)
            else {
                tracing::debug!(%peer, "a client has too many connections");
                return Ok(None);
            };
            let mut slot = Arc::clone(&slots).try_acquire_owned();
            while slot.is_err() {
                connections.close_one();
                // If this connection does not end in time, close another one.
                let next = tokio::time::timeout(CLOSING, slots.acquire()).await;
                drop(next);
                slot = Arc::clone(&slots).try_acquire_owned();
            }
            connection.has_place();
            Ok::<_, std::io::Error>(slot.ok().map(|slot| (slot, connection, stream, peer)))
        };
        let (slot, connection, stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => match accepted {
                Ok(Some(accepted)) => accepted,
                Ok(None) => continue,
                Err(error) => {
                    // Usually there are no free file descriptors: a connection must end first.
                    tracing::warn!(%error, "cannot accept a connection");
                    connections.close_one();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let counter = connection.counter();
        let service = service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            let (under_way, service) = (counter(), service.clone());
            async move {
                let response = service.oneshot(request).await?;
                Ok::<_, Infallible>(response.map(|body| Answer::new(body, under_way)))
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        #[expect(clippy::disallowed_methods, reason = "a server starts one task per connection")]
        tokio::spawn(async move {
            let mut served = std::pin::pin!(served);
            let ended = tokio::select! {
                ended = &mut served => ended,
                () = connection.is_to_close() => {
                    // Before its first complete request there is no response to wait for.
                    if connection.was_used() {
                        served.as_mut().graceful_shutdown();
                        served.await
                    } else {
                        Ok(())
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
            drop((connection, slot));
        });
    }
    drop(listener);
    connections.close_all();
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.grace, slots.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}
