//! The SDK's shapes as ours and back. A field that AWS left out is empty, never guessed.

use std::collections::BTreeSet;

use aws_sdk_ec2::types;

use crate::remote::aws::model::Permission;
use crate::remote::aws::model::Tags;

/// Text, or nothing.
pub(super) fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// Tags as a map.
pub(super) fn tags(list: &[types::Tag]) -> Tags {
    let pair = |tag: &types::Tag| Some((tag.key()?.to_owned(), text(tag.value())));
    list.iter().filter_map(pair).collect()
}

/// Tags as a list.
pub(super) fn tag_list(tags: &Tags) -> Vec<types::Tag> {
    let tag = |(key, value): (&String, &String)| types::Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

/// Tags that a thing gets in the moment it is made.
pub(super) fn specification(kind: types::ResourceType, tags: &Tags) -> types::TagSpecification {
    types::TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tag_list(tags)))
        .build()
}

/// A filter.
pub(super) fn filter(name: impl Into<String>, value: impl Into<String>) -> types::Filter {
    types::Filter::builder().name(name).values(value).build()
}

/// One rule for each peer of a list of permissions.
pub(super) fn permissions(list: &[types::IpPermission]) -> BTreeSet<Permission> {
    let mut found = BTreeSet::new();
    for permission in list {
        let protocol = text(permission.ip_protocol());
        let port = |number: Option<i32>| number.and_then(|number| u16::try_from(number).ok());
        let ports = port(permission.from_port()).zip(port(permission.to_port()));
        let v4 = permission.ip_ranges().iter().filter_map(|range| range.cidr_ip());
        let v6 = permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6());
        let groups = permission
            .user_id_group_pairs()
            .iter()
            .filter_map(|pair| pair.group_id());
        let lists = permission
            .prefix_list_ids()
            .iter()
            .filter_map(|list| list.prefix_list_id());
        for peer in v4.chain(v6).chain(groups).chain(lists) {
            found.insert(Permission {
                protocol: protocol.clone(),
                ports,
                peer: peer.to_owned(),
            });
        }
    }
    found
}

/// Permissions as the SDK wants them.
pub(super) fn permission_list(permissions: &BTreeSet<Permission>) -> Vec<types::IpPermission> {
    permissions.iter().map(one).collect()
}

fn one(permission: &Permission) -> types::IpPermission {
    let built = types::IpPermission::builder()
        .ip_protocol(&permission.protocol)
        .set_from_port(permission.ports.map(|(first, _)| i32::from(first)))
        .set_to_port(permission.ports.map(|(_, last)| i32::from(last)));
    let peer = &permission.peer;
    if peer.starts_with("sg-") {
        return built
            .user_id_group_pairs(types::UserIdGroupPair::builder().group_id(peer).build())
            .build();
    }
    if peer.starts_with("pl-") {
        return built
            .prefix_list_ids(types::PrefixListId::builder().prefix_list_id(peer).build())
            .build();
    }
    if peer.contains(':') {
        return built
            .ipv6_ranges(types::Ipv6Range::builder().cidr_ipv6(peer).build())
            .build();
    }
    built.ip_ranges(types::IpRange::builder().cidr_ip(peer).build()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_come_back_as_they_went() {
        let rule = |protocol: &str, ports, peer: &str| Permission {
            protocol: protocol.to_owned(),
            ports,
            peer: peer.to_owned(),
        };
        let all = BTreeSet::from([
            rule("tcp", Some((22, 22)), "203.0.113.0/28"),
            rule("udp", Some((10_000, 10_000)), "0.0.0.0/0"),
            rule("tcp", Some((443, 443)), "2001:db8::/48"),
            rule("tcp", Some((443, 443)), "sg-1"),
            rule("tcp", Some((443, 443)), "pl-1"),
            rule("-1", None, "0.0.0.0/0"),
        ]);
        assert_eq!(permissions(&permission_list(&all)), all);
    }
}
