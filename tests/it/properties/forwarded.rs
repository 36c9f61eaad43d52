//! Client addresses that proxies forward, as the example servers read them.

#[allow(dead_code, unreachable_pub, reason = "the examples use the remaining items")]
#[path = "../../../examples/common/proxies.rs"]
mod proxies;

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use tower_session_auth::routes::PeerAddress;

use self::proxies::TrustedProxies;
use crate::support::property::holds;

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        "10\\.0\\.0\\.[1-9]".prop_map(|text| text.parse().unwrap()),
        "(192\\.0\\.2|198\\.51\\.100)\\.[1-9]".prop_map(|text| text.parse().unwrap()),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        "::ffff:10\\.0\\.0\\.[1-9]".prop_map(|text| text.parse().unwrap()),
    ]
}

fn hop() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => address().prop_map(|address| address.to_string()),
        1 => (address(), any::<u16>()).prop_map(|(address, port)| match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        }),
        1 => "[ -~]{0,20}",
    ]
}

#[test]
fn client_is_the_peer_or_an_address_written_by_a_trusted_proxy() {
    let trusted = TrustedProxies::parse("10.0.0.0/8").unwrap();
    let is_trusted = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(_) => false,
    };
    let request = (address(), vec(vec(hop(), 0..5), 0..3));
    holds(5_000, &request, |(peer, values)| {
        let mut headers = HeaderMap::new();
        for value in &values {
            let Ok(value) = HeaderValue::from_str(&value.join(", ")) else { return };
            headers.append("x-forwarded-for", value);
        }
        let client = client(&trusted, peer, headers);
        let hops: Vec<_> = values.iter().flatten().flat_map(|hop| hop.split(',')).collect();
        let is_written = hops.iter().any(|hop| {
            let hop = hop.trim();
            let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next());
            let port = hop.rsplit_once(':').map(|(address, _)| address);
            let all = [Some(hop), bare, port].into_iter().flatten();
            all.filter_map(|text| text.parse::<IpAddr>().ok()).any(|it| it.to_canonical() == client)
        });
        assert!(client == peer.to_canonical() || is_written, "{client}");
        if !is_trusted(peer) {
            assert_eq!(client, peer.to_canonical(), "the header of an untrusted peer is ignored");
        }
        // The client is the rightmost hop that is not a trusted proxy. If all hops are trusted
        // proxies, the client is the leftmost hop.
        let hops = hops.iter().map(|hop| hop.trim()).filter(|hop| !hop.is_empty());
        let plain: Option<Vec<IpAddr>> = hops.map(|hop| hop.parse().ok()).collect();
        if let Some(plain) = plain.filter(|_| is_trusted(peer)) {
            let expected = plain.iter().rev().find(|hop| !is_trusted(**hop)).or(plain.first());
            let expected = expected.map_or(peer, |hop| *hop).to_canonical();
            assert_eq!(client, expected);
        }
    });
}

fn client(trusted: &TrustedProxies, peer: IpAddr, headers: HeaderMap) -> IpAddr {
    let mut request = http::Request::new(());
    *request.headers_mut() = headers;
    request.extensions_mut().insert(PeerAddress((peer, 1).into()));
    let (parts, ()) = request.into_parts();
    trusted.client_of(&parts).unwrap()
}

#[test]
fn arbitrary_proxy_lists_are_parsed_or_rejected() {
    let list = prop_oneof!["[0-9a-f.:/, ]{0,40}", any::<String>()];
    holds(2_000, &list, |list| {
        if let Err(error) = TrustedProxies::parse(&list) {
            assert!(error.contains("TRUSTED_PROXIES"), "{error}");
        }
    });
}
