//! The client's address: that of the connection, or the one that a trusted proxy reports.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;
use tower_session_auth::routes::{PeerAddress, peer_address};

/// Headers in which proxies report the client's address.
const FORWARDING: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// The addresses and networks whose `X-Forwarded-For` is used. All clones together warn only once.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    networks: Vec<IpNet>,
    warned: Arc<AtomicBool>,
}

impl TrustedProxies {
    /// Parses a comma-separated list of addresses and networks.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let networks =
            list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
                entry
                    .parse::<IpNet>()
                    .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from))
                    .map_err(|_| {
                        format!("TRUSTED_PROXIES: {entry:?} is neither an address nor a network")
                    })
            });
        let networks = networks.collect::<Result<_, _>>()?;
        Ok(Self { networks, warned: Arc::default() })
    }

    /// Returns whether this is the address of a trusted proxy.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Returns the client's address. The search starts at the address of the connection and
    /// continues through the header from right to left. It ends at the first address that is not a
    /// trusted proxy. That client may have written the entries further to the left, so they prove
    /// nothing.
    pub(super) fn client(&self, connection: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = connection.to_canonical();
        let values: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        // A value that is not text contains no address and ends the search.
        let hops = values.iter().rev().flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        // Empty elements of a list are ignored (RFC 9110 section 5.6.1).
        for hop in hops.filter(|hop| !hop.trim().is_empty()) {
            if !self.trust(client) {
                break;
            }
            let Some(address) = address(hop.trim()) else { break };
            client = address.to_canonical();
        }
        client
    }

    /// Returns the client's address of a request; `None` if the connection's address is unknown.
    pub(crate) fn client_of(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = peer_address::<PeerAddress>(parts)?;
        self.warn_of(peer, &parts.headers);
        Some(self.client(peer, &parts.headers))
    }

    /// Warns once when a peer that is not trusted sends a forwarding header. Usually a proxy is
    /// missing in the settings; all clients behind it then share one address.
    fn warn_of(&self, peer: IpAddr, headers: &HeaderMap) {
        let Some(header) = FORWARDING.into_iter().find(|name| headers.contains_key(*name)) else {
            return;
        };
        if !self.trust(peer.to_canonical()) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header,
                "a peer that is not in TRUSTED_PROXIES sends a forwarding header, which is not believed: if it is your \
                 proxy, add it there; until then its address counts for all of its clients"
            );
        }
    }
}

/// Parses an address with or without a port, because some proxies write one.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(with_port).or_else(bracketed)
}
