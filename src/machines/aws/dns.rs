//! Whose a record in Route 53 is. Pure: only a plain record all of whose addresses are the deployment's is the
//! deployment's. Which zones hold one is written on the address, so that the record is found whatever the spec says now.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::machines::aws::error::Obstacle;
use crate::machines::aws::names;
use crate::remote::aws::model::Address;
use crate::remote::aws::model::DnsRecord;
use crate::remote::aws::model::Tags;

/// Where a record leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// To addresses of the deployment and nowhere else.
    Here,
    /// To addresses of the deployment and elsewhere, or as a policy chooses.
    Both,
    /// Elsewhere.
    Elsewhere,
}

/// Where a record leads, as seen by whoever has these addresses.
pub fn leads(record: &DnsRecord, ours: &BTreeSet<Ipv4Addr>) -> Leads {
    let is_ours = |address: &String| address.parse().is_ok_and(|ip| ours.contains(&ip));
    match record {
        DnsRecord::Alias(_) => Leads::Elsewhere,
        DnsRecord::Plain { addresses, .. } if !addresses.is_empty() && addresses.iter().all(is_ours) => Leads::Here,
        DnsRecord::Plain { addresses, .. } | DnsRecord::Routed(addresses) => {
            if addresses.iter().any(is_ours) {
                Leads::Both
            } else {
                Leads::Elsewhere
            }
        }
    }
}

/// The addresses of a list.
pub fn ips<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> BTreeSet<Ipv4Addr> {
    addresses.into_iter().map(|address| address.ip).collect()
}

/// Whether a record leads to this one address, and its zone is written on it.
pub fn is_settled(record: Option<&DnsRecord>, zone: &str, address: &Address) -> bool {
    let plain = match record {
        Some(DnsRecord::Plain { addresses, .. }) => addresses.iter().eq([&address.ip.to_string()]),
        _ => false,
    };
    plain && zones(&address.tags).contains(zone)
}

/// The zones that an address names.
pub fn zones(tags: &Tags) -> BTreeSet<String> {
    let named = tags.get(names::DNS_ZONE).map_or("", String::as_str);
    named.split_whitespace().map(str::to_owned).collect()
}

/// The tag of an address that a record in one more zone leads to.
pub fn with_zone(tags: &Tags, zone: &str) -> Tags {
    let mut all = zones(tags);
    all.insert(zone.to_owned());
    let all: Vec<String> = all.into_iter().collect();
    Tags::from([(names::DNS_ZONE.to_owned(), all.join(" "))])
}

/// A record that is somebody else's is not taken over.
pub fn foreign(domain: &str, record: &DnsRecord, ours: &BTreeSet<Ipv4Addr>) -> Option<Obstacle> {
    (leads(record, ours) != Leads::Here).then(|| Obstacle {
        what: format!("{domain} leads to {record} in Route 53, which is not of this deployment"),
        remedy: "remove the record, or leave `dns_zone` out and keep the name yourself".to_owned(),
    })
}

/// A zone holds names below its own only.
pub fn outside(domain: &str, zone: &str, name: &str) -> Option<Obstacle> {
    let (domain, name) = (domain.to_ascii_lowercase(), name.to_ascii_lowercase());
    let within = domain
        .strip_suffix(&name)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (!within).then(|| Obstacle {
        what: format!("the zone {zone} is of {name}, which {domain} is no part of"),
        remedy: format!("write the id of the zone that holds {domain} as `dns_zone`, or leave it out"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(addresses: &[&str]) -> DnsRecord {
        DnsRecord::Plain {
            addresses: addresses.iter().map(|ip| (*ip).to_owned()).collect(),
            ttl: 60,
        }
    }

    #[test]
    fn only_a_plain_record_all_of_whose_addresses_are_ours_is_ours() {
        let ours = BTreeSet::from([[203, 0, 113, 7].into(), [203, 0, 113, 8].into()]);
        let routed = |list: &[&str]| DnsRecord::Routed(list.iter().map(|ip| (*ip).to_owned()).collect());
        for (record, expected) in [
            (plain(&["203.0.113.7"]), Leads::Here),
            (plain(&["203.0.113.7", "203.0.113.8"]), Leads::Here),
            (plain(&["203.0.113.7", "198.51.100.1"]), Leads::Both),
            (plain(&["198.51.100.1"]), Leads::Elsewhere),
            (plain(&[]), Leads::Elsewhere),
            (DnsRecord::Alias("d1.cloudfront.net".to_owned()), Leads::Elsewhere),
            (routed(&["203.0.113.7"]), Leads::Both),
            (routed(&["198.51.100.1"]), Leads::Elsewhere),
        ] {
            assert_eq!(leads(&record, &ours), expected, "{record}");
            let refused = foreign("telemed.example.com", &record, &ours).is_some();
            assert_eq!(refused, expected != Leads::Here, "{record}");
        }
    }

    #[test]
    fn a_zone_holds_its_own_name_and_those_below_it() {
        for (domain, zone, refused) in [
            ("telemed.example.com", "example.com", false),
            ("telemed.example.com", "Telemed.Example.com", false),
            ("telemed.example.com", "ample.com", true),
            ("telemed.example.com", "example.org", true),
            ("example.com", "telemed.example.com", true),
        ] {
            assert_eq!(outside(domain, "Z1", zone).is_some(), refused, "{domain} in {zone}");
        }
    }

    #[test]
    fn a_record_is_settled_when_it_leads_to_the_address_alone_and_the_address_says_so() {
        let address = Address {
            id: "eipalloc-1".to_owned(),
            ip: [203, 0, 113, 7].into(),
            association: None,
            instance: None,
            tags: with_zone(&Tags::new(), "Z1"),
        };
        let there = plain(&["203.0.113.7"]);
        assert!(is_settled(Some(&there), "Z1", &address));
        assert!(!is_settled(Some(&there), "Z2", &address));
        assert!(!is_settled(
            Some(&plain(&["203.0.113.7", "203.0.113.8"])),
            "Z1",
            &address
        ));
        assert!(!is_settled(None, "Z1", &address));
        let untagged = Address {
            tags: Tags::new(),
            ..address
        };
        assert!(!is_settled(Some(&there), "Z1", &untagged));
    }

    #[test]
    fn an_address_remembers_every_zone_that_led_to_it() {
        let first = with_zone(&Tags::new(), "Z1");
        let second = with_zone(&first, "Z2");
        assert_eq!(zones(&second), BTreeSet::from(["Z1".to_owned(), "Z2".to_owned()]));
        assert_eq!(with_zone(&second, "Z1"), second);
        assert_eq!(zones(&Tags::new()), BTreeSet::new());
    }
}
