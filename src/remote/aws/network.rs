//! VPCs, gateways, subnets, routes and flow logs.

use std::collections::BTreeMap;

use aws_sdk_ec2::operation::create_internet_gateway::builders::CreateInternetGatewayFluentBuilder;
use aws_sdk_ec2::operation::create_route_table::builders::CreateRouteTableFluentBuilder;
use aws_sdk_ec2::operation::create_subnet::builders::CreateSubnetFluentBuilder;
use aws_sdk_ec2::operation::create_vpc::builders::CreateVpcFluentBuilder;
use aws_sdk_ec2::types;
use aws_sdk_ec2::types::ResourceType;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::specification;
use crate::remote::aws::convert::tags;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::FlowLog;
use crate::remote::aws::model::Gateway;
use crate::remote::aws::model::RouteTable;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Tags;
use crate::remote::aws::model::Vpc;

/// Everywhere.
const ANYWHERE: &str = "0.0.0.0/0";

impl Aws {
    /// VPCs that a filter finds.
    pub async fn vpcs(&self, name: &str, value: &str) -> Result<Vec<Vpc>, AwsError> {
        let mut pages = self
            .ec2
            .describe_vpcs()
            .filters(filter(name, value))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(vpc) = pages.next().await {
            found.push(as_vpc(&vpc.map_err(|e| self.error("ec2:DescribeVpcs", e))?));
        }
        Ok(found)
    }

    /// Makes a VPC; asked once.
    pub async fn create_vpc(&self, cidr: &str, with: &Tags) -> Result<Vpc, AwsError> {
        let call = "ec2:CreateVpc";
        let sent = self.vpc_request(cidr, with).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.vpc().map(as_vpc).ok_or_else(|| self.silent(call))
    }

    pub(super) fn vpc_request(&self, cidr: &str, with: &Tags) -> CreateVpcFluentBuilder {
        let request = self.ec2_once.create_vpc().cidr_block(cidr);
        request.tag_specifications(specification(ResourceType::Vpc, with))
    }

    /// How many VPCs the region holds, whosever they are.
    pub async fn vpc_count(&self) -> Result<usize, AwsError> {
        let mut pages = self.ec2.describe_vpcs().into_paginator().items().send();
        let mut count = 0;
        while let Some(vpc) = pages.next().await {
            vpc.map_err(|e| self.error("ec2:DescribeVpcs", e))?;
            count += 1;
        }
        Ok(count)
    }

    /// Removes a VPC.
    pub async fn delete_vpc(&self, id: &str) -> Result<(), AwsError> {
        let request = self.ec2.delete_vpc().vpc_id(id);
        request
            .send()
            .await
            .map(drop)
            .map_err(|e| self.error("ec2:DeleteVpc", e))
    }

    /// Gateways that a filter finds.
    pub async fn gateways(&self, name: &str, value: &str) -> Result<Vec<Gateway>, AwsError> {
        let request = self.ec2.describe_internet_gateways().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(gateway) = pages.next().await {
            found.push(as_gateway(
                &gateway.map_err(|e| self.error("ec2:DescribeInternetGateways", e))?,
            ));
        }
        Ok(found)
    }

    /// Makes a gateway; asked once.
    pub async fn create_gateway(&self, with: &Tags) -> Result<Gateway, AwsError> {
        let call = "ec2:CreateInternetGateway";
        let sent = self.gateway_request(with).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.internet_gateway().map(as_gateway).ok_or_else(|| self.silent(call))
    }

    pub(super) fn gateway_request(&self, with: &Tags) -> CreateInternetGatewayFluentBuilder {
        let request = self.ec2_once.create_internet_gateway();
        request.tag_specifications(specification(ResourceType::InternetGateway, with))
    }

    /// Attaches a gateway.
    pub async fn attach_gateway(&self, id: &str, vpc: &str) -> Result<(), AwsError> {
        let request = self.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
        let sent = request.send().await;
        sent.map(drop).map_err(|e| self.error("ec2:AttachInternetGateway", e))
    }

    /// Detaches a gateway.
    pub async fn detach_gateway(&self, id: &str, vpc: &str) -> Result<(), AwsError> {
        let request = self.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
        let sent = request.send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DetachInternetGateway", e))
    }

    /// Removes a gateway.
    pub async fn delete_gateway(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_internet_gateway().internet_gateway_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteInternetGateway", e))
    }

    /// Subnets that a filter finds.
    pub async fn subnets(&self, name: &str, value: &str) -> Result<Vec<Subnet>, AwsError> {
        let request = self.ec2.describe_subnets().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(subnet) = pages.next().await {
            found.push(as_subnet(&subnet.map_err(|e| self.error("ec2:DescribeSubnets", e))?));
        }
        Ok(found)
    }

    /// Makes a subnet; asked once.
    pub async fn create_subnet(&self, vpc: &str, cidr: &str, zone: &str, with: &Tags) -> Result<Subnet, AwsError> {
        let call = "ec2:CreateSubnet";
        let sent = self.subnet_request(vpc, cidr, zone, with).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.subnet().map(as_subnet).ok_or_else(|| self.silent(call))
    }

    pub(super) fn subnet_request(&self, vpc: &str, cidr: &str, zone: &str, with: &Tags) -> CreateSubnetFluentBuilder {
        let request = self.ec2_once.create_subnet().vpc_id(vpc).cidr_block(cidr);
        let request = request.availability_zone(zone);
        request.tag_specifications(specification(ResourceType::Subnet, with))
    }

    /// Removes a subnet.
    pub async fn delete_subnet(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_subnet().subnet_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteSubnet", e))
    }

    /// Route tables that a filter finds.
    pub async fn route_tables(&self, name: &str, value: &str) -> Result<Vec<RouteTable>, AwsError> {
        let request = self.ec2.describe_route_tables().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(table) = pages.next().await {
            found.push(as_table(&table.map_err(|e| self.error("ec2:DescribeRouteTables", e))?));
        }
        Ok(found)
    }

    /// Makes a route table; the token keeps a repetition from making another.
    pub async fn create_route_table(&self, vpc: &str, token: &str, with: &Tags) -> Result<RouteTable, AwsError> {
        let call = "ec2:CreateRouteTable";
        let sent = self.route_table_request(vpc, with).client_token(token).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.route_table().map(as_table).ok_or_else(|| self.silent(call))
    }

    pub(super) fn route_table_request(&self, vpc: &str, with: &Tags) -> CreateRouteTableFluentBuilder {
        let request = self.ec2_once.create_route_table().vpc_id(vpc);
        request.tag_specifications(specification(ResourceType::RouteTable, with))
    }

    /// Leads everything to a gateway, whatever a route said before.
    pub async fn route_out(&self, table: &RouteTable, gateway: &str) -> Result<(), AwsError> {
        if table.way_out.is_some() {
            let request = self.ec2.replace_route().route_table_id(&table.id).gateway_id(gateway);
            let sent = request.destination_cidr_block(ANYWHERE).send().await;
            return sent.map(drop).map_err(|e| self.error("ec2:ReplaceRoute", e));
        }
        let request = self.ec2.create_route().route_table_id(&table.id).gateway_id(gateway);
        let sent = request.destination_cidr_block(ANYWHERE).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:CreateRoute", e))
    }

    /// Gives a subnet its route table.
    pub async fn associate_routes(&self, table: &str, subnet: &str) -> Result<(), AwsError> {
        let request = self.ec2.associate_route_table().route_table_id(table).subnet_id(subnet);
        let sent = request.send().await;
        sent.map(drop).map_err(|e| self.error("ec2:AssociateRouteTable", e))
    }

    /// Takes it away again.
    pub async fn disassociate_routes(&self, association: &str) -> Result<(), AwsError> {
        let sent = self
            .ec2
            .disassociate_route_table()
            .association_id(association)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("ec2:DisassociateRouteTable", e))
    }

    /// Removes a route table.
    pub async fn delete_route_table(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_route_table().route_table_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteRouteTable", e))
    }

    /// Flow logs that a filter finds.
    pub async fn flow_logs(&self, name: &str, value: &str) -> Result<Vec<FlowLog>, AwsError> {
        let mut pages = self
            .ec2
            .describe_flow_logs()
            .filter(filter(name, value))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(log) = pages.next().await {
            found.push(as_flow_log(&log.map_err(|e| self.error("ec2:DescribeFlowLogs", e))?));
        }
        Ok(found)
    }

    /// Records all traffic of a VPC or subnet in a bucket.
    pub async fn create_flow_log(
        &self,
        (resource, kind): (&str, Recorded),
        bucket: &str,
        token: &str,
        with: &Tags,
    ) -> Result<(), AwsError> {
        let call = "ec2:CreateFlowLogs";
        let kind = match kind {
            Recorded::Vpc => types::FlowLogsResourceType::Vpc,
            Recorded::Subnet => types::FlowLogsResourceType::Subnet,
        };
        let request = self
            .ec2_once
            .create_flow_logs()
            .resource_ids(resource)
            .resource_type(kind)
            .client_token(token);
        let request = request
            .traffic_type(types::TrafficType::All)
            .log_destination_type(types::LogDestinationType::S3)
            .log_destination(bucket)
            .tag_specifications(specification(ResourceType::VpcFlowLog, with));
        let made = request.send().await.map_err(|e| self.error(call, e))?;
        // AWS answers 200 although an item of the list failed.
        let Some(item) = made.unsuccessful().first() else {
            return Ok(());
        };
        let fault = item.error();
        let code = text(fault.and_then(|fault| fault.code()));
        let said = text(fault.and_then(|fault| fault.message()));
        Err(AwsError {
            why: crate::remote::aws::error::classify(&code, &said, 400),
            code,
            ..AwsError::ours(call, self.region(), Why::Refused, said)
        })
    }

    /// Ends a flow log.
    pub async fn delete_flow_log(&self, id: &str) -> Result<(), AwsError> {
        let call = "ec2:DeleteFlowLogs";
        let done = self
            .ec2
            .delete_flow_logs()
            .flow_log_ids(id)
            .send()
            .await
            .map_err(|e| self.error(call, e))?;
        let Some(fault) = done.unsuccessful().first().and_then(|item| item.error()) else {
            return Ok(());
        };
        let (code, said) = (text(fault.code()), text(fault.message()));
        Err(AwsError {
            why: crate::remote::aws::error::classify(&code, &said, 400),
            code,
            ..AwsError::ours(call, self.region(), Why::Refused, said)
        })
    }

    /// AWS left out what has to be known of a thing.
    pub(super) fn unsaid(&self, call: &'static str, id: Option<&str>) -> AwsError {
        let said = format!(
            "the answer leaves out what has to be known of {}",
            id.unwrap_or("a thing")
        );
        AwsError::ours(call, self.region(), Why::Refused, said)
    }

    /// AWS said yes and nothing else.
    pub(super) fn silent(&self, call: &'static str) -> AwsError {
        AwsError::ours(call, self.region(), Why::Lost, "the answer does not say what was made")
    }
}

/// What a flow log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// A whole VPC.
    Vpc,
    /// One subnet.
    Subnet,
}

fn as_vpc(vpc: &types::Vpc) -> Vpc {
    Vpc {
        id: text(vpc.vpc_id()),
        cidr: text(vpc.cidr_block()),
        tags: tags(vpc.tags()),
    }
}

fn as_gateway(gateway: &types::InternetGateway) -> Gateway {
    Gateway {
        id: text(gateway.internet_gateway_id()),
        vpc: gateway
            .attachments()
            .first()
            .and_then(|a| a.vpc_id())
            .map(str::to_owned),
        tags: tags(gateway.tags()),
    }
}

fn as_subnet(subnet: &types::Subnet) -> Subnet {
    Subnet {
        id: text(subnet.subnet_id()),
        vpc: text(subnet.vpc_id()),
        cidr: text(subnet.cidr_block()),
        zone: text(subnet.availability_zone()),
        tags: tags(subnet.tags()),
    }
}

fn as_table(table: &types::RouteTable) -> RouteTable {
    let out = table
        .routes()
        .iter()
        .find(|route| route.destination_cidr_block() == Some(ANYWHERE));
    let pair = |a: &types::RouteTableAssociation| {
        let id = a.route_table_association_id()?;
        Some((id.to_owned(), a.subnet_id()?.to_owned()))
    };
    RouteTable {
        id: text(table.route_table_id()),
        vpc: text(table.vpc_id()),
        way_out: out.map(|route| {
            let known = [route.gateway_id(), route.nat_gateway_id(), route.network_interface_id()];
            known
                .into_iter()
                .flatten()
                .next()
                .unwrap_or("something else")
                .to_owned()
        }),
        subnets: table.associations().iter().filter_map(pair).collect::<BTreeMap<_, _>>(),
        tags: tags(table.tags()),
    }
}

fn as_flow_log(log: &types::FlowLog) -> FlowLog {
    FlowLog {
        id: text(log.flow_log_id()),
        resource: text(log.resource_id()),
        destination: text(log.log_destination()),
        active: log.flow_log_status() == Some("ACTIVE")
            && log.traffic_type() == Some(&types::TrafficType::All)
            && log.deliver_logs_error_message().is_none(),
        tags: tags(log.tags()),
    }
}
