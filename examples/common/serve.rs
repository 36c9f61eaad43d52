//! Serving over HTTP/1.1 with what keeps a slow or hostile client from holding the server: `axum::serve` has none of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::{BoxError, Service, ServiceExt as _};

use super::proxies::Connection;

/// What a client may take of the server. Tests have less patience.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// For all of a request's headers to arrive, also on a connection that is kept open.
    pub(crate) header_read: Duration,
    /// Between two pieces of a request's body.
    pub(crate) body_read: Duration,
    /// For a client to take a piece of its answer.
    pub(crate) write: Duration,
    /// For a request as a whole.
    pub(crate) handler: Duration,
    /// For requests under way at shutdown.
    pub(crate) grace: Duration,
    /// Connections at once; further ones wait in the kernel's queue.
    pub(crate) connections: usize,
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
        }
    }
}

/// What is read of a request's head before its end is seen. About twice as much is answered with 431.
const HEADER_BYTES: usize = 64 * 1024;

/// Serves until `shutdown`, then lets requests under way end. A service made of anything will do: axum's router is one.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            // A slot first: what is not accepted costs no memory here.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => match accepted {
                (Ok(slot), Ok((stream, peer))) => (slot, stream, peer),
                (_, Err(error)) => {
                    // Out of file descriptors, mostly: existing connections must end first.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                (Err(_), _) => break,
            },
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let service = service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Connection(peer));
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        #[expect(clippy::disallowed_methods, reason = "a server starts a task a connection")]
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}
