//! Sockets and addresses, as iproute2 prints them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::facts::ListenerSeen;
use crate::render::Transport;

/// `ss -Hlntup`: listening TCP and UDP sockets with their processes; and the unit of each process that is part of one,
/// `PID<tab>UNIT` a line.
pub(crate) fn listeners(text: &str, units: &str) -> Result<Vec<ListenerSeen>, String> {
    let units: Option<BTreeMap<&str, &str>> = units.lines().map(|line| line.split_once('\t')).collect();
    let units = units.ok_or("listeners: a process without its unit")?;
    let sockets: Result<Vec<_>, String> = text
        .lines()
        .map(|line| listener(line, &units).ok_or_else(|| format!("listeners: ss printed {line:?}")))
        .collect();
    let mut sockets = sockets?;
    sockets.sort_by(|a, b| {
        let key = |seen: &ListenerSeen| (seen.port, seen.transport, seen.address);
        (key(a), &a.processes, &a.units).cmp(&(key(b), &b.processes, &b.units))
    });
    sockets.dedup();
    Ok(sockets)
}

fn listener(line: &str, units: &BTreeMap<&str, &str>) -> Option<ListenerSeen> {
    let mut fields = line.split_whitespace();
    let transport = match fields.next()? {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    let local = fields.nth(3)?;
    let (address, port) = local.rsplit_once(':')?;
    let _peer = fields.next()?;
    let users: String = fields.collect::<Vec<_>>().join(" ");
    // users:(("nginx",pid=7,fd=6),("nginx",pid=8,fd=6)); a process may call itself almost anything, so the last mark of
    // each counts.
    let holders: Vec<(&str, &str)> = users
        .split("(\"")
        .skip(1)
        .filter_map(|part| {
            let (name, rest) = part.rsplit_once("\",pid=")?;
            Some((name, rest.split_once(',')?.0))
        })
        .collect();
    let mut processes: Vec<String> = holders.iter().map(|(name, _)| (*name).to_owned()).collect();
    processes.sort();
    processes.dedup();
    let units = holders.iter().filter_map(|(_, pid)| units.get(pid));
    Some(ListenerSeen {
        transport,
        address: socket_address(address)?,
        port: port.parse().ok()?,
        processes,
        units: units.map(|unit| (*unit).to_owned()).collect(),
    })
}

/// `0.0.0.0`, `[::]`, `*` (both families), with `%interface` where bound to one.
fn socket_address(text: &str) -> Option<IpAddr> {
    let text = text.split('%').next()?.trim_matches(['[', ']']);
    match text {
        "*" => Some(Ipv6Addr::UNSPECIFIED.into()),
        "0.0.0.0" => Some(Ipv4Addr::UNSPECIFIED.into()),
        _ => text.parse().ok(),
    }
}

/// `ip -o addr`: the host's own addresses, loopback and link-local left out.
pub(crate) fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut addresses = Vec::new();
    for line in text.lines() {
        let mut fields = line.split_whitespace().skip(2);
        let family = fields.next();
        if !matches!(family, Some("inet" | "inet6")) {
            continue;
        }
        let address = fields
            .next()
            .and_then(|text| text.split('/').next())
            .and_then(|text| text.parse().ok());
        let Some(address) = address else {
            return Err(format!("addresses: ip printed {line:?}"));
        };
        let local = match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
        };
        if !local {
            addresses.push(address);
        }
    }
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn listeners_of_a_real_host() {
        let all = listeners(include_str!("../../../tests/fixtures/facts/ss"), "").unwrap();
        let on = |port: u16, transport| {
            all.iter()
                .filter(|seen| seen.port == port && seen.transport == transport)
                .collect::<Vec<_>>()
        };
        let ssh = on(22, Transport::Tcp);
        assert_eq!(ssh.len(), 2);
        assert_eq!(ssh[0].address, IpAddr::from(Ipv4Addr::UNSPECIFIED));
        assert_eq!(ssh[1].address, IpAddr::from(Ipv6Addr::UNSPECIFIED));
        assert_eq!(ssh[0].processes, ["sshd"]);
        assert_eq!(on(80, Transport::Tcp)[0].processes, ["nginx"]);
        assert!(
            on(3478, Transport::Udp).iter().any(|seen| seen.address.is_loopback()),
            "{all:?}"
        );
    }

    #[test]
    fn odd_addresses_are_read_and_odd_lines_refused() {
        let line = "udp UNCONN 0 0 [fe80::1%eth0]:546 [::]:* users:((\"a b\",pid=1,fd=2))";
        let seen = listener(line, &BTreeMap::from([("1", "odd.service")])).unwrap();
        assert_eq!(seen.units.first().unwrap(), "odd.service");
        assert_eq!((seen.address, seen.port), ("fe80::1".parse().unwrap(), 546));
        assert_eq!(seen.processes, ["a b"]);
        let seen = listener("tcp LISTEN 0 128 *:80 *:*", &BTreeMap::new()).unwrap();
        assert_eq!((seen.address, seen.processes.len()), (Ipv6Addr::UNSPECIFIED.into(), 0));
        assert!(listeners("Netid State\n", "").is_err());
        assert!(listeners("", "35 ssh.service\n").is_err());
        assert_eq!(
            socket_address("127.0.0.53%lo"),
            Some(Ipv4Addr::new(127, 0, 0, 53).into())
        );
    }

    #[test]
    fn a_socket_knows_its_unit_whatever_its_process_calls_itself() {
        let line = |name: &str| format!("tcp LISTEN 0 9 0.0.0.0:443 0.0.0.0:* users:((\"{name}\",pid=99,fd=3))");
        let units = "99\tcaddy.service\n35\tnginx.service\n";
        for name in ["caddy", "x\",pid=35,fd=3", "(\"nginx"] {
            let seen = listeners(&line(name), units).unwrap();
            assert_eq!(Vec::from_iter(&seen[0].units), ["caddy.service"], "{name}");
        }
        // By hand, out of any unit.
        assert!(listeners(&line("python3"), "").unwrap()[0].units.is_empty());
    }

    #[test]
    fn only_addresses_that_others_can_use_count() {
        let all = addresses(include_str!("../../../tests/fixtures/facts/ip-addr")).unwrap();
        assert_eq!(all, ["10.77.115.10".parse::<IpAddr>().unwrap()]);
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(
            text in "(tcp|udp|LISTEN|inet6?|[0-9.:*]{1,9}|users:\\(\\(\"|\",pid=|,|%| |\t|\n|.){0,80}",
            units in "([0-9]{1,3}\t|.|\n){0,20}",
        ) {
            let _ = (listeners(&text, &units), listeners(&text, ""), addresses(&text));
        }
    }
}
