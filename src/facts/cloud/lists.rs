//! What an account holds of a deployment, kind by kind. Where the look at all of it succeeded, that look is used; else each
//! kind is asked for alone, so that one call that is denied leaves open its own answer and no other.

use crate::facts::cloud::Address;
use crate::facts::cloud::FlowLog;
use crate::facts::cloud::Group;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Interface;
use crate::facts::cloud::Snapshot;
use crate::facts::cloud::Tagged;
use crate::facts::cloud::Tags;
use crate::facts::cloud::Volume;
use crate::facts::cloud::names;
use crate::machines::aws::Inventory;
use crate::machines::aws::Owner;
use crate::machines::aws::inventory::Kind;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::model::Gateway;
use crate::remote::aws::model::KeyPair;
use crate::remote::aws::model::RouteTable;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Vpc;

type List<T> = Result<Vec<T>, AwsError>;

/// Every kind with its own answer.
pub(super) struct Lists {
    pub(super) vpcs: List<Vpc>,
    pub(super) gateways: List<Gateway>,
    pub(super) subnets: List<Subnet>,
    pub(super) route_tables: List<RouteTable>,
    pub(super) groups: List<Group>,
    pub(super) key_pairs: List<KeyPair>,
    pub(super) instances: List<Instance>,
    pub(super) volumes: List<Volume>,
    pub(super) snapshots: List<Snapshot>,
    pub(super) addresses: List<Address>,
    pub(super) flow_logs: List<FlowLog>,
    pub(super) interfaces: List<Interface>,
}

impl From<Inventory> for Lists {
    fn from(all: Inventory) -> Self {
        Self {
            vpcs: Ok(all.vpcs),
            gateways: Ok(all.gateways),
            subnets: Ok(all.subnets),
            route_tables: Ok(all.route_tables),
            groups: Ok(all.groups),
            key_pairs: Ok(all.key_pairs),
            instances: Ok(all.instances),
            volumes: Ok(all.volumes),
            snapshots: Ok(all.snapshots),
            addresses: Ok(all.addresses),
            flow_logs: Ok(all.flow_logs),
            interfaces: Ok(all.interfaces),
        }
    }
}

/// Without what says that it is of another domain. What names none carries the deployment's name and is looked at.
fn ours<T>(list: List<T>, owner: &Owner, tags: fn(&T) -> &Tags) -> List<T> {
    let is_ours = |thing: &T| {
        tags(thing)
            .get(names::DOMAIN)
            .is_none_or(|domain| *domain == owner.domain)
    };
    list.map(|all| all.into_iter().filter(is_ours).collect())
}

impl Lists {
    /// Asks for each kind alone.
    pub(super) async fn asked(api: &Aws, owner: &Owner) -> Self {
        let tag = format!("tag:{}", names::DEPLOYMENT);
        let (tag, name) = (tag.as_str(), owner.deployment.as_str());
        let (vpcs, gateways, subnets, route_tables, groups, key_pairs) = tokio::join!(
            api.vpcs(tag, name),
            api.gateways(tag, name),
            api.subnets(tag, name),
            api.route_tables(tag, name),
            api.groups(tag, name),
            api.key_pairs(tag, name),
        );
        let (instances, volumes, snapshots, addresses, flow_logs, interfaces) = tokio::join!(
            api.instances(tag, name),
            api.volumes(tag, name),
            api.snapshots(tag, name),
            api.addresses(Some((tag, name))),
            api.flow_logs(tag, name),
            api.interfaces(tag, name),
        );
        Self {
            vpcs,
            gateways,
            subnets,
            route_tables,
            groups,
            key_pairs,
            instances,
            volumes,
            snapshots,
            addresses,
            flow_logs,
            interfaces,
        }
    }

    /// Without what says that it is of another domain.
    #[must_use]
    pub(super) fn ours(self, owner: &Owner) -> Self {
        Self {
            vpcs: ours(self.vpcs, owner, |thing| &thing.tags),
            gateways: ours(self.gateways, owner, |thing| &thing.tags),
            subnets: ours(self.subnets, owner, |thing| &thing.tags),
            route_tables: ours(self.route_tables, owner, |thing| &thing.tags),
            groups: ours(self.groups, owner, |thing| &thing.tags),
            key_pairs: ours(self.key_pairs, owner, |thing| &thing.tags),
            instances: ours(self.instances, owner, |thing| &thing.tags),
            volumes: ours(self.volumes, owner, |thing| &thing.tags),
            snapshots: ours(self.snapshots, owner, |thing| &thing.tags),
            addresses: ours(self.addresses, owner, |thing| &thing.tags),
            flow_logs: ours(self.flow_logs, owner, |thing| &thing.tags),
            interfaces: ours(self.interfaces, owner, |thing| &thing.tags),
        }
    }

    /// The VPC in use, where there is one.
    pub(super) fn vpc(&self) -> Result<Option<String>, AwsError> {
        let network = Inventory {
            vpcs: self.vpcs.clone()?,
            subnets: self.subnets.clone()?,
            groups: self.groups.clone()?,
            ..Inventory::default()
        };
        Ok(network.vpc().map(|vpc| vpc.id.clone()))
    }

    /// The tags of everything.
    pub(super) fn tagged(&self) -> List<Tagged> {
        let all = Inventory {
            vpcs: self.vpcs.clone()?,
            gateways: self.gateways.clone()?,
            subnets: self.subnets.clone()?,
            route_tables: self.route_tables.clone()?,
            groups: self.groups.clone()?,
            key_pairs: self.key_pairs.clone()?,
            instances: self.instances.clone()?,
            volumes: self.volumes.clone()?,
            snapshots: self.snapshots.clone()?,
            addresses: self.addresses.clone()?,
            flow_logs: self.flow_logs.clone()?,
            interfaces: self.interfaces.clone()?,
            ..Inventory::default()
        };
        let tagged = all.things().into_iter().map(|(kind, id, tags)| Tagged {
            thing: format!("{kind} {id}"),
            of_host: is_of_host(kind),
            tags: tags.clone(),
        });
        Ok(tagged.collect())
    }
}

/// Whether a thing of this kind is made for a single host.
fn is_of_host(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Address | Kind::Instance | Kind::Volume | Kind::Interface | Kind::Group
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpc(id: &str, domain: Option<&str>) -> Vpc {
        let domain = domain.map(|domain| (names::DOMAIN.to_owned(), domain.to_owned()));
        Vpc {
            id: id.to_owned(),
            cidr: "10.77.0.0/24".to_owned(),
            tags: domain.into_iter().collect(),
        }
    }

    #[test]
    fn another_domains_things_are_left_out_and_those_of_no_domain_are_not() {
        let owner = Owner {
            deployment: "clinic".to_owned(),
            domain: "telemed.example.com".to_owned(),
        };
        let all = vec![
            vpc("vpc-1", Some("other.example.com")),
            vpc("vpc-2", Some("telemed.example.com")),
            vpc("vpc-3", None),
        ];
        let kept = ours(Ok(all), &owner, |vpc| &vpc.tags).unwrap();
        let ids: Vec<&str> = kept.iter().map(|vpc| vpc.id.as_str()).collect();
        assert_eq!(ids, ["vpc-2", "vpc-3"]);
    }

    #[test]
    fn everything_is_told_with_its_tags_and_whether_a_host_has_it() {
        let lists = Lists::from(Inventory {
            vpcs: vec![vpc("vpc-1", None)],
            interfaces: vec![Interface {
                id: "eni-1".to_owned(),
                instance: None,
                ipv6: Default::default(),
                tags: Tags::new(),
            }],
            ..Inventory::default()
        });
        let told: Vec<(String, bool)> = lists
            .tagged()
            .unwrap()
            .into_iter()
            .map(|one| (one.thing, one.of_host))
            .collect();
        let expected = [("network interface eni-1", true), ("VPC vpc-1", false)];
        assert_eq!(told, expected.map(|(thing, of_host)| (thing.to_owned(), of_host)));
        assert_eq!(lists.vpc().unwrap().as_deref(), Some("vpc-1"));
    }
}
