//! How often logins may fail, and refresh tokens be shown.

mod login;
mod queue;
mod refresh;
mod settings;

use std::net::{IpAddr, Ipv6Addr};

use tokio::time::Instant;

pub(super) use self::login::{Account, LoginAttempt, Stop};
use self::queue::Queues;
pub use self::settings::{LoginLimit, RefreshLimit};
use crate::store::{AttemptKey, AttemptRule};

/// What is counted, by which rule; `None` is not.
pub(super) struct Limits {
    name: Option<AttemptRule>,
    account: Option<AttemptRule>,
    nobody: Option<AttemptRule>,
    address: Option<AttemptRule>,
    session: Option<AttemptRule>,
    bad_tokens: Option<AttemptRule>,
    queues: Queues,
    /// Waits of refreshes that this process knows of. Nothing ends one early.
    waits: quick_cache::sync::Cache<AttemptKey, Instant>,
}

/// How many waits a process knows of.
const WAITS_KNOWN: usize = 16_384;

impl Limits {
    pub(super) fn new(login: &LoginLimit, refresh: &RefreshLimit) -> Self {
        Self {
            name: login.of_name(),
            account: login.of_account(),
            nobody: login.of_nobody(),
            address: login.of_address(),
            session: refresh.of_session(),
            bad_tokens: refresh.of_address(),
            queues: Queues::default(),
            waits: quick_cache::sync::Cache::new(WAITS_KNOWN),
        }
    }
}

/// Who counts as one client: an IPv4 address, however it is written, or a network of IPv6, which one client may have all
/// addresses of.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_an_address_or_a_network_of_ipv6() {
        let cases = [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::1", "::"),
        ];
        for (address, one) in cases {
            assert_eq!(client(address.parse().unwrap()).to_string(), one, "{address}");
        }
    }
}
