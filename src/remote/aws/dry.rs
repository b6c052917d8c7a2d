//! Calls that AWS only rehearses: they say whether a permission or, of some, a quota is lacking, and make nothing. Each is the
//! request that would be sent, with what does not exist yet left out or named by an id that leads nowhere.

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Launch;
use crate::remote::aws::Why;
use crate::remote::aws::model::Tags;

/// What can be rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsal {
    /// A VPC with this network.
    Vpc(String, Tags),
    /// An internet gateway.
    Gateway(Tags),
    /// A login key.
    KeyPair {
        /// Its name.
        name: String,
        /// The public half.
        public_key: String,
        /// Tags.
        tags: Tags,
    },
    /// An Elastic IP address.
    Address(Tags),
    /// A machine.
    Instance(Box<Launch>),
    /// A subnet.
    Subnet {
        /// The VPC, where it is there.
        vpc: Option<String>,
        /// Its network.
        cidr: String,
        /// Its zone.
        zone: String,
        /// Tags.
        tags: Tags,
    },
    /// A route table.
    RouteTable {
        /// The VPC, where it is there.
        vpc: Option<String>,
        /// Tags.
        tags: Tags,
    },
    /// A security group.
    Group {
        /// The VPC, where it is there.
        vpc: Option<String>,
        /// Its name.
        name: String,
        /// What it says of itself.
        about: String,
        /// Tags.
        tags: Tags,
    },
}

/// What a rehearsal showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsed {
    /// As far as AWS looks, nothing is in the way.
    Fine,
    /// AWS did not look, since something that the call stands on is not there yet.
    NotYet(AwsError),
    /// This is in the way.
    Refused(AwsError),
}

/// The id of a VPC that is not there: AWS looks at permissions first.
const NOWHERE: &str = "vpc-00000000000000000";
/// Without a subnet, AWS looks at the account's default VPC. These say that there is none, or none with a subnet.
const NO_DEFAULT: &[&str] = &["VPCIdNotSpecified", "VPCResourceNotSpecified", "MissingInput"];

impl Aws {
    /// Rehearses a call.
    pub async fn rehearse(&self, what: &Rehearsal) -> Rehearsed {
        match self.dry_run(what).await {
            Ok(()) => Rehearsed::Fine,
            Err(error) => judged(what, error),
        }
    }

    async fn dry_run(&self, what: &Rehearsal) -> Result<(), AwsError> {
        match what {
            Rehearsal::Vpc(cidr, tags) => {
                let sent = self.vpc_request(cidr, tags).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateVpc", e))
            }
            Rehearsal::Gateway(tags) => {
                let sent = self.gateway_request(tags).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateInternetGateway", e))
            }
            Rehearsal::KeyPair { name, public_key, tags } => {
                let request = self.key_pair_request(name, public_key, tags);
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:ImportKeyPair", e))
            }
            Rehearsal::Address(tags) => {
                let sent = self.address_request(tags).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:AllocateAddress", e))
            }
            Rehearsal::Instance(launch) => {
                let sent = self.launch_request(launch).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:RunInstances", e))
            }
            Rehearsal::Subnet { vpc, cidr, zone, tags } => {
                let request = self.subnet_request(or_nowhere(vpc), cidr, zone, tags);
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateSubnet", e))
            }
            Rehearsal::RouteTable { vpc, tags } => {
                let request = self.route_table_request(or_nowhere(vpc), tags);
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateRouteTable", e))
            }
            Rehearsal::Group { vpc, name, about, tags } => {
                let request = self.group_request(or_nowhere(vpc), name, about, tags);
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateSecurityGroup", e))
            }
        }
    }
}

fn or_nowhere(vpc: &Option<String>) -> &str {
    vpc.as_deref().unwrap_or(NOWHERE)
}

/// What an answer to a rehearsal means.
fn judged(what: &Rehearsal, error: AwsError) -> Rehearsed {
    let stands_nowhere = match what {
        Rehearsal::Subnet { vpc, .. } | Rehearsal::RouteTable { vpc, .. } | Rehearsal::Group { vpc, .. } => {
            vpc.is_none()
        }
        _ => false,
    };
    let homeless = matches!(what, Rehearsal::Instance(launch) if launch.subnet.is_none());
    match error.why {
        Why::WouldWork => Rehearsed::Fine,
        // That the VPC was looked for shows the permission.
        Why::NotFound if stands_nowhere => Rehearsed::Fine,
        _ if homeless && NO_DEFAULT.contains(&error.code.as_str()) => Rehearsed::NotYet(error),
        _ => Rehearsed::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(why: Why, code: &str) -> AwsError {
        AwsError {
            code: code.to_owned(),
            ..AwsError::ours("ec2:CreateSubnet", "us-east-1", why, "")
        }
    }

    fn subnet(vpc: Option<&str>) -> Rehearsal {
        Rehearsal::Subnet {
            vpc: vpc.map(str::to_owned),
            cidr: "10.77.0.0/24".to_owned(),
            zone: "us-east-1a".to_owned(),
            tags: Tags::new(),
        }
    }

    #[test]
    fn only_a_vpc_that_was_never_there_may_be_missing() {
        let missing = error(Why::NotFound, "InvalidVpcID.NotFound");
        assert_eq!(judged(&subnet(None), missing.clone()), Rehearsed::Fine);
        assert_eq!(
            judged(&subnet(Some("vpc-1")), missing.clone()),
            Rehearsed::Refused(missing)
        );
        let quota = error(Why::Quota, "VcpuLimitExceeded");
        assert_eq!(judged(&subnet(None), quota.clone()), Rehearsed::Refused(quota));
        let no_default = error(Why::Refused, "VPCIdNotSpecified");
        assert_eq!(
            judged(&subnet(None), no_default.clone()),
            Rehearsed::Refused(no_default)
        );
        assert_eq!(
            judged(&subnet(None), error(Why::WouldWork, "DryRunOperation")),
            Rehearsed::Fine
        );
    }
}
