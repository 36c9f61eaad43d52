//! The networks under which an address is counted.

use std::net::{IpAddr, Ipv6Addr};

use crate::store::AttemptRule;

/// The networks for which an IPv6 address is counted. The first number of each pair is the length
/// of the network's prefix in bits. The second number is the factor for the allowed number of
/// attempts.
///
/// Providers assign one client a network with a prefix of 48 to 64 bits. If only networks of 64
/// bits were limited, a client with a network of 48 bits would have the attempts of 65,536
/// networks. If only networks of 48 bits were limited, one client could block all other clients in
/// its network of 48 bits.
const IPV6_NETWORKS: [(u32, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// The rules of an address and of the networks around it, the narrowest first.
#[derive(Clone, Debug)]
pub(super) struct NetworkRules([AttemptRule; 3]);

impl NetworkRules {
    /// Creates the rules from `rule`, which applies to an IPv4 address and to an IPv6 network of 64
    /// bits.
    pub(super) fn new(rule: &AttemptRule) -> Self {
        Self(IPV6_NETWORKS.map(|(_, times)| {
            let mut rule = rule.clone();
            rule.attempts = rule.attempts.saturating_mul(times_of(times));
            rule.after = rule.after.saturating_mul(times_of(times));
            rule
        }))
    }

    /// Returns the names under which an address is counted, and the rule of each name. The
    /// narrowest network comes first. An IPv4 address has one name, even if it is written as an
    /// IPv6 address. An IPv6 address has one name for each of its networks.
    pub(super) fn of(&self, address: IpAddr) -> impl Iterator<Item = (String, &AttemptRule)> {
        let address = address.to_canonical();
        let networks = IPV6_NETWORKS.iter().zip(&self.0);
        networks.map_while(move |((bits, times), rule)| match address {
            IpAddr::V4(_) => (*times == 1).then(|| (address.to_string(), rule)),
            IpAddr::V6(address) => Some((network(address, *bits), rule)),
        })
    }
}

/// Returns the first bits of an address as text.
fn network(address: Ipv6Addr, bits: u32) -> String {
    let first = Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> bits));
    format!("{first}/{bits}")
}

const fn times_of(times: u32) -> std::num::NonZeroU32 {
    match std::num::NonZeroU32::new(times) {
        Some(times) => times,
        None => std::num::NonZeroU32::MIN,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn ipv4_is_counted_per_address_and_ipv6_per_three_networks() {
        let attempts = NonZeroU32::new(100).unwrap();
        let mut rule = AttemptRule::new(attempts, Duration::from_secs(60));
        rule.after = NonZeroU32::new(10).unwrap();
        let rules = NetworkRules::new(&rule);
        let cases = [
            ("192.0.2.7", &["192.0.2.7"][..]),
            ("::ffff:192.0.2.7", &["192.0.2.7"]),
            (
                "2001:db8:1:2345:3:4:5:6",
                &["2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"],
            ),
            ("::1", &["::/64", "::/56", "::/48"]),
        ];
        for (address, names) in cases {
            let found: Vec<_> = rules.of(address.parse().unwrap()).collect();
            let named: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(named, names, "{address}");
            for ((_, rule), times) in found.iter().zip([1, 4, 16]) {
                assert_eq!((rule.attempts.get(), rule.after.get()), (100 * times, 10 * times));
            }
        }
    }
}
