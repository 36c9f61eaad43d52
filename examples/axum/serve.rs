//! Serving over HTTP/1.1 with what keeps a slow or hostile client from holding the server: `axum::serve` has none of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::peer::Connection;

/// For all of a request's headers to arrive.
const HEADER_READ: Duration = Duration::from_secs(10);
/// Between two pieces of a request's body.
pub(crate) const BODY_READ: Duration = Duration::from_secs(10);
/// For a request as a whole.
pub(crate) const HANDLER: Duration = Duration::from_secs(30);
/// For requests under way at shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1024;
/// All headers of a request together.
const HEADER_BYTES: usize = 64 * 1024;

/// Whether a body could not be read because its client was too slow.
pub(crate) fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    let mut link = Some(error);
    while let Some(error) = link {
        if error.is::<tower_http::timeout::TimeoutError>() {
            return true;
        }
        link = error.source();
    }
    false
}

/// Serves until `shutdown`, then lets requests under way end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
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
        let service =
            TowerToHyperService::new(router.clone().layer(axum::Extension(Connection(peer))));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
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
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}
