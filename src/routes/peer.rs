//! The client's address for servers without a proxy: the address of the connection's peer.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

use http::request::Parts;

/// The address of a connection's peer, for a server that puts it into the extensions of each
/// request.
///
/// axum has its own type for this, `ConnectInfo<SocketAddr>`. With hyper, insert a `PeerAddress`
/// into each request of a connection:
///
/// ```
/// use std::net::SocketAddr;
/// use http::Request;
/// use tower::ServiceExt as _;
/// use tower_session_auth::routes::PeerAddress;
///
/// # fn served<S, B>(router: S, peer: SocketAddr) -> impl tower::Service<Request<B>, Response = S::Response>
/// # where S: tower::Service<Request<B>>, B: 'static {
/// // `peer` is what `listener.accept()` returned with the connection.
/// let service = router.map_request(move |mut request: Request<_>| {
///     request.extensions_mut().insert(PeerAddress(peer));
///     request
/// });
/// # service
/// # }
/// # let _ = served::<tower::util::BoxService<Request<()>, (), ()>, ()>;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper of one address")]
pub struct PeerAddress(pub SocketAddr);

impl Deref for PeerAddress {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}

/// Returns the address of the connection's peer from the extension `E` of a request, for
/// [`RoutesBuilder::client_address`](super::RoutesBuilder::client_address). Returns `None` if the
/// request has no such extension.
///
/// Converts an IPv4-mapped IPv6 address to the IPv4 address: a dual-stack listener reports an IPv4
/// client as `::ffff:192.0.2.7`, and this function returns `192.0.2.7`.
///
/// Use this function only if clients connect to the server directly. Behind a proxy, every
/// connection comes from the proxy, so all clients would share one limit of failed logins. In that
/// case, read the header that your proxy writes, and only if the peer is one of your proxies.
///
/// With axum, `E` is `ConnectInfo<SocketAddr>`, which `into_make_service_with_connect_info`
/// inserts. With hyper, `E` is [`PeerAddress`].
///
/// ```
/// use std::net::SocketAddr;
/// use axum::extract::ConnectInfo;
/// use tower_session_auth::error::ConfigError;
/// use tower_session_auth::routes::{Credentials, Routes, peer_address};
/// use tower_session_auth::SessionManager;
///
/// async fn serve(
///     manager: SessionManager,
///     accounts: impl Credentials,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let routes = Routes::builder(manager, accounts)
///         .client_address(peer_address::<ConnectInfo<SocketAddr>>)
///         .build()?;
///     let service = routes.standard().into_make_service_with_connect_info::<SocketAddr>();
///     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8000").await?, service).await?;
///     Ok(())
/// }
/// ```
#[must_use]
pub fn peer_address<E>(parts: &Parts) -> Option<IpAddr>
where
    E: Deref<Target = SocketAddr> + Send + Sync + 'static,
{
    parts.extensions.get::<E>().map(|peer| peer.ip().to_canonical())
}
