//! Calls that AWS only rehearses: they say whether a permission or a quota is lacking, and make nothing.

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::compute::metadata_request;

/// What can be rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsal {
    /// A VPC with this network.
    Vpc(String),
    /// An internet gateway.
    Gateway,
    /// A login key.
    KeyPair {
        /// Its name.
        name: String,
        /// The public half.
        public_key: String,
    },
    /// An Elastic IP address.
    Address,
    /// A machine.
    Instance {
        /// Image.
        image: String,
        /// Instance type.
        instance_type: String,
    },
    /// A subnet of a VPC that may not exist yet.
    Subnet(String),
    /// A route table of such a VPC.
    RouteTable,
    /// A security group of such a VPC.
    Group,
}

/// The id of a VPC that is not there: AWS looks at permissions first.
const NOWHERE: &str = "vpc-00000000000000000";

impl Aws {
    /// What would be in the way; `None` when nothing would.
    pub async fn rehearse(&self, what: &Rehearsal) -> Option<AwsError> {
        let error = self.dry_run(what).await.err()?;
        match error.why {
            Why::WouldWork => None,
            // The VPC does not exist yet; that it was looked for shows the permission.
            Why::NotFound if matches!(what, Rehearsal::Subnet(_) | Rehearsal::RouteTable | Rehearsal::Group) => None,
            _ => Some(error),
        }
    }

    async fn dry_run(&self, what: &Rehearsal) -> Result<(), AwsError> {
        let ec2 = &self.ec2;
        match what {
            Rehearsal::Vpc(cidr) => {
                let sent = ec2.create_vpc().cidr_block(cidr).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateVpc", e))
            }
            Rehearsal::Gateway => {
                let sent = ec2.create_internet_gateway().dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateInternetGateway", e))
            }
            Rehearsal::KeyPair { name, public_key } => {
                let material = aws_sdk_ec2::primitives::Blob::new(public_key.as_bytes());
                let request = ec2.import_key_pair().key_name(name).public_key_material(material);
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:ImportKeyPair", e))
            }
            Rehearsal::Address => {
                let sent = ec2.allocate_address().domain("vpc".into()).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:AllocateAddress", e))
            }
            Rehearsal::Instance { image, instance_type } => {
                let request = ec2.run_instances().min_count(1).max_count(1).image_id(image);
                let request = request
                    .instance_type(instance_type.as_str().into())
                    .metadata_options(metadata_request());
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:RunInstances", e))
            }
            Rehearsal::Subnet(cidr) => {
                let sent = ec2
                    .create_subnet()
                    .vpc_id(NOWHERE)
                    .cidr_block(cidr)
                    .dry_run(true)
                    .send()
                    .await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateSubnet", e))
            }
            Rehearsal::RouteTable => {
                let sent = ec2.create_route_table().vpc_id(NOWHERE).dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateRouteTable", e))
            }
            Rehearsal::Group => {
                let request = ec2
                    .create_security_group()
                    .vpc_id(NOWHERE)
                    .group_name("anteroom")
                    .description("rehearsal");
                let sent = request.dry_run(true).send().await;
                sent.map(drop).map_err(|e| self.error("ec2:CreateSecurityGroup", e))
            }
        }
    }
}
