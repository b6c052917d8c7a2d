//! Whom a relay must not carry to: one address of every network that is no part of the internet (IANA's special-purpose
//! address registries), as attackers write them.

use std::net::IpAddr;

/// An address and what it stands for.
pub(super) type Named = (&'static str, &'static str);

/// IPv4.
pub(super) const V4: &[Named] = &[
    ("127.0.0.1", "loopback"),
    ("127.8.8.8", "loopback"),
    // CVE-2020-26262: coturn before 4.5.2 took it for no loopback.
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "this network"),
    ("169.254.169.254", "link-local, a cloud's metadata"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("192.168.0.1", "private"),
    ("100.64.0.1", "carrier NAT"),
    ("192.0.0.1", "protocol assignments"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relays"),
    ("198.18.0.1", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
];

/// IPv6, and IPv4 inside of it.
pub(super) const V6: &[Named] = &[
    ("::1", "loopback"),
    ("::", "unspecified"),
    ("::ffff:127.0.0.1", "loopback, v4-mapped"),
    ("::ffff:10.0.0.1", "private, v4-mapped"),
    ("::127.0.0.1", "loopback, v4-compatible"),
    // coturn compares byte by byte, each for itself: a range from ::1 on does not hold it.
    ("::127.0.1.0", "loopback, v4-compatible"),
    ("64:ff9b::7f00:1", "loopback by NAT64"),
    ("64:ff9b:1::a00:1", "private by local NAT64"),
    ("2002:7f00:1::1", "loopback by 6to4"),
    ("2002:a00:1::1", "private by 6to4"),
    ("2001:0:7f00:1::1", "Teredo"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "unique local, a cloud's metadata"),
    ("fe80::1", "link-local"),
    ("fec0::1", "site-local"),
    ("100::1", "discard"),
    ("ff02::1", "multicast"),
];

/// Those that a TCP connection is asked to, which a relay that is open would really make.
pub(super) const TCP_V4: &[Named] = &[
    ("127.0.0.1", "loopback"),
    ("0.0.0.0", "unspecified"),
    ("169.254.169.254", "link-local, a cloud's metadata"),
    ("10.0.0.1", "private"),
    ("192.168.0.1", "private"),
    ("100.64.0.1", "carrier NAT"),
    ("224.0.0.1", "multicast"),
];
/// The same in IPv6.
pub(super) const TCP_V6: &[Named] = &[
    ("::1", "loopback"),
    ("::ffff:127.0.0.1", "loopback, v4-mapped"),
    ("::ffff:10.0.0.1", "private, v4-mapped"),
    ("fd00:ec2::254", "unique local, a cloud's metadata"),
    ("ff02::1", "multicast"),
];

/// Somebody else on the internet: a root name server, to which nothing is ever sent. A relay that carries to everybody
/// permits it.
pub(super) const ELSEWHERE_V4: Named = ("198.41.0.4", "a stranger on the internet");
/// The same in IPv6: an address of a root name server's network that ends in zeroes, which some ranges leave out.
pub(super) const ELSEWHERE_V6: Named = ("2001:503:ba3e::", "a stranger on the internet");

/// The addresses of a list, but for those that belong to the deployment itself.
pub(super) fn but(list: &[Named], own: &[IpAddr]) -> Vec<(IpAddr, &'static str)> {
    list.iter()
        .map(parsed)
        .filter(|(address, _)| !own.contains(address))
        .collect()
}

/// An address of the lists above.
pub(super) fn parsed(named: &Named) -> (IpAddr, &'static str) {
    (
        named.0.parse().expect("a test parses every address of the lists"),
        named.1,
    )
}

/// Whether a server that carried to it would carry to itself, so that its own STUN port answers.
pub(super) fn is_itself(what: &str) -> bool {
    what.starts_with("loopback") || what == "unspecified"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_one_and_stands_once() {
        for (list, v4) in [(V4, true), (V6, false), (TCP_V4, true), (TCP_V6, false)] {
            let parsed = but(list, &[]);
            assert!(parsed.iter().all(|(address, _)| address.is_ipv4() == v4));
            let mut once: Vec<IpAddr> = parsed.iter().map(|(address, _)| *address).collect();
            once.dedup();
            assert_eq!(once.len(), list.len());
        }
        assert!(parsed(&ELSEWHERE_V4).0.is_ipv4() && parsed(&ELSEWHERE_V6).0.is_ipv6());
        let own: IpAddr = "10.0.0.1".parse().unwrap();
        assert_eq!(but(V4, &[own]).len(), V4.len() - 1);
    }
}
