//! What IAM asks for before it lets a call through: every call that is made here, which command makes it, what it may be
//! limited to, and which further permissions AWS wants to see. From the Service Authorization Reference; of disks from
//! "Requirements for Amazon EBS encryption", of flow logs from the VPC guide. Knows no account and asks nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use self::Command::Apply;
use self::Command::Audit;
use self::Command::Destroy;
use self::Command::Plan;
use self::Command::Reap;
use self::On::Alias;
use self::On::Any;
use self::On::Deliveries;
use self::On::Everything;
use self::On::Grants;
use self::On::Made;
use self::On::Ours;
use self::On::Records;
use self::On::Use;
use self::On::WhileMaking;

/// The tag that says whose a thing is.
const DEPLOYMENT: &str = "anteroom:deployment";
/// The tag that says whether it is a test.
const ENVIRONMENT: &str = "anteroom:environment";

/// A command that calls AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// `plan`.
    Plan,
    /// `audit`.
    Audit,
    /// `apply`, with the plan before and the audit after it.
    Apply,
    /// `destroy`.
    Destroy,
    /// `reap`.
    Reap,
}

/// All of them.
pub const COMMANDS: [Command; 5] = [Plan, Audit, Apply, Destroy, Reap];

impl Command {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Plan => "plan",
            Audit => "audit",
            Apply => "apply",
            Destroy => "destroy",
            Reap => "reap",
        }
    }
}

/// What an action is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    /// Everything: the action knows no resources, or has to see what is not ours.
    Everything,
    /// What the call makes, which has to get the deployment's tags.
    Made,
    /// Things that carry the deployment's tags.
    Ours,
    /// Things without regard to whose they are: the operator's own, or, in a rehearsal, what is not there yet. Kinds are
    /// named as ARNs name them.
    Any(&'static [&'static str]),
    /// Tags of things in the moment they are made.
    WhileMaking,
    /// Deliveries of flow logs, which know no resources.
    Deliveries,
    /// The deployment's alias.
    Alias,
    /// The disks' key, to encrypt and decrypt with.
    Use,
    /// The disks' key, to let AWS itself use it.
    Grants,
    /// Address records.
    Records,
}

/// One action of IAM.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// Its name, which is that of the call.
    pub name: &'static str,
    /// Commands that make the call; none where AWS only asks for it with another one.
    by: &'static [Command],
    /// Further actions that AWS asks for with it.
    pub also: &'static [&'static str],
    on: &'static [On],
}

const EACH: &[Command] = &COMMANDS;
const OWNS: &[Command] = &[Plan, Apply, Destroy, Reap];
const CHECKS: &[Command] = &[Audit, Apply];
const MAKES: &[Command] = &[Apply];
const ENDS: &[Command] = &[Destroy, Reap];
const REMOVES: &[Command] = &[Apply, Destroy, Reap];

const TAGS: &[&str] = &["ec2:CreateTags"];
const DISKS: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
];
const TAGS_AND_DISKS: &[&str] = &[
    "ec2:CreateTags",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
];

const ALL: &[On] = &[Everything];

const fn action(
    name: &'static str,
    by: &'static [Command],
    also: &'static [&'static str],
    on: &'static [On],
) -> Action {
    Action { name, by, also, on }
}

// A row is one line, so that the columns can be read.
#[rustfmt::skip]
const TABLE: &[Action] = &[
    action("artifact:ListCustomerAgreements", CHECKS, &[], ALL),
    action("cloudtrail:DescribeTrails", CHECKS, &[], ALL),
    action("cloudtrail:GetTrailStatus", CHECKS, &[], ALL),
    action("ec2:AllocateAddress", MAKES, TAGS, &[Made]),
    action("ec2:AssociateAddress", MAKES, &[], &[Ours]),
    action("ec2:AssociateRouteTable", MAKES, &[], &[Ours]),
    action("ec2:AttachInternetGateway", MAKES, &[], &[Ours]),
    action("ec2:AuthorizeSecurityGroupEgress", MAKES, &[], &[Ours, Any(&["security-group-rule"])]),
    action("ec2:AuthorizeSecurityGroupIngress", MAKES, &[], &[Ours, Any(&["security-group-rule"])]),
    action("ec2:CreateFlowLogs", MAKES, &["ec2:CreateTags", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"], &[Made, Any(&["subnet", "vpc"])]),
    action("ec2:CreateInternetGateway", MAKES, TAGS, &[Made]),
    action("ec2:CreateRoute", MAKES, &[], &[Ours]),
    action("ec2:CreateRouteTable", MAKES, TAGS, &[Made, Any(&["vpc"])]),
    action("ec2:CreateSecurityGroup", MAKES, TAGS, &[Made, Any(&["vpc"])]),
    action("ec2:CreateSubnet", MAKES, TAGS, &[Made, Any(&["vpc"])]),
    action("ec2:CreateTags", MAKES, &[], &[WhileMaking, Ours]),
    action("ec2:CreateVpc", MAKES, TAGS, &[Made]),
    action("ec2:DeleteFlowLogs", REMOVES, &["logs:DeleteLogDelivery"], &[Ours]),
    action("ec2:DeleteInternetGateway", REMOVES, &[], &[Ours]),
    action("ec2:DeleteKeyPair", REMOVES, &[], &[Ours]),
    action("ec2:DeleteNetworkInterface", ENDS, &[], &[Ours]),
    action("ec2:DeleteRouteTable", REMOVES, &[], &[Ours]),
    action("ec2:DeleteSecurityGroup", REMOVES, &[], &[Ours]),
    action("ec2:DeleteSnapshot", ENDS, &[], &[Ours]),
    action("ec2:DeleteSubnet", REMOVES, &[], &[Ours]),
    action("ec2:DeleteTags", MAKES, &[], &[Ours]),
    action("ec2:DeleteVolume", ENDS, &[], &[Ours]),
    action("ec2:DeleteVpc", REMOVES, &[], &[Ours]),
    action("ec2:DescribeAccountAttributes", MAKES, &[], ALL),
    action("ec2:DescribeAddresses", EACH, &[], ALL),
    action("ec2:DescribeFlowLogs", EACH, &[], ALL),
    action("ec2:DescribeImages", REMOVES, &[], ALL),
    action("ec2:DescribeInstanceAttribute", EACH, &[], &[Ours]),
    action("ec2:DescribeInstances", EACH, &[], ALL),
    action("ec2:DescribeInstanceTypeOfferings", MAKES, &[], ALL),
    action("ec2:DescribeInstanceTypes", REMOVES, &[], ALL),
    action("ec2:DescribeInternetGateways", EACH, &[], ALL),
    action("ec2:DescribeKeyPairs", EACH, &[], ALL),
    action("ec2:DescribeNetworkInterfaces", EACH, &[], ALL),
    action("ec2:DescribeRegions", OWNS, &[], ALL),
    action("ec2:DescribeRouteTables", EACH, &[], ALL),
    action("ec2:DescribeSecurityGroups", EACH, &[], ALL),
    action("ec2:DescribeSnapshotAttribute", CHECKS, &[], ALL),
    action("ec2:DescribeSnapshots", EACH, &[], ALL),
    action("ec2:DescribeSubnets", EACH, &[], ALL),
    action("ec2:DescribeTags", &[Plan, Apply, Reap], &[], ALL),
    action("ec2:DescribeVolumes", EACH, &[], ALL),
    action("ec2:DescribeVolumesModifications", MAKES, &[], ALL),
    action("ec2:DescribeVpcs", EACH, &[], ALL),
    action("ec2:DetachInternetGateway", REMOVES, &[], &[Ours]),
    action("ec2:DisassociateAddress", REMOVES, &[], &[Ours]),
    action("ec2:DisassociateRouteTable", REMOVES, &[], &[Ours]),
    action("ec2:GetConsoleOutput", MAKES, &[], &[Ours]),
    action("ec2:GetEbsEncryptionByDefault", CHECKS, &[], ALL),
    action("ec2:GetSnapshotBlockPublicAccessState", CHECKS, &[], ALL),
    action("ec2:ImportKeyPair", MAKES, TAGS, &[Made]),
    action("ec2:ModifyInstanceAttribute", REMOVES, &[], &[Ours]),
    action("ec2:ModifyInstanceMetadataOptions", MAKES, &[], &[Ours]),
    action("ec2:ModifyVolume", MAKES, &[], &[Ours]),
    action("ec2:ReleaseAddress", REMOVES, &[], &[Ours]),
    action("ec2:ReplaceRoute", MAKES, &[], &[Ours]),
    action("ec2:RevokeSecurityGroupEgress", MAKES, &[], &[Ours]),
    action("ec2:RevokeSecurityGroupIngress", MAKES, &[], &[Ours]),
    action("ec2:RunInstances", MAKES, TAGS_AND_DISKS, &[Made, Ours, Any(&["image", "security-group", "snapshot", "subnet"])]),
    action("ec2:StartInstances", MAKES, DISKS, &[Ours]),
    action("ec2:StopInstances", MAKES, &[], &[Ours]),
    action("ec2:TerminateInstances", REMOVES, &[], &[Ours]),
    action("kms:CreateAlias", MAKES, &[], &[Alias, Ours]),
    action("kms:CreateGrant", &[], &[], &[Grants]),
    action("kms:CreateKey", MAKES, &["kms:TagResource"], &[Made]),
    action("kms:Decrypt", &[], &[], &[Use]),
    action("kms:DeleteAlias", ENDS, &[], &[Alias, Ours]),
    action("kms:DescribeKey", EACH, &[], ALL),
    action("kms:EnableKeyRotation", MAKES, &[], &[Ours]),
    action("kms:GenerateDataKeyWithoutPlaintext", &[], &[], &[Use]),
    action("kms:GetKeyRotationStatus", EACH, &[], ALL),
    action("kms:ListKeys", EACH, &[], ALL),
    action("kms:ListResourceTags", EACH, &[], ALL),
    action("kms:ReEncrypt*", &[], &[], &[Use]),
    action("kms:ScheduleKeyDeletion", REMOVES, &[], &[Ours]),
    action("kms:TagResource", MAKES, &[], &[Made, Ours]),
    action("kms:UntagResource", MAKES, &[], &[Ours]),
    action("kms:UpdateAlias", MAKES, &[], &[Alias, Ours]),
    action("logs:CreateLogDelivery", &[], &[], &[Deliveries]),
    action("logs:DeleteLogDelivery", &[], &[], &[Deliveries]),
    action("route53:ChangeResourceRecordSets", REMOVES, &[], &[Records]),
    action("route53:GetHostedZone", MAKES, &[], ALL),
    action("route53:ListResourceRecordSets", EACH, &[], ALL),
    action("sts:GetCallerIdentity", EACH, &[], ALL),
];

/// Every action that anything here needs, in the order of their names.
pub fn actions() -> &'static [Action] {
    TABLE
}

impl Action {
    /// Whether a command needs it, for a call of its own or with another one.
    pub fn is_needed_by(&self, command: Command) -> bool {
        let with = |other: &Self| other.by.contains(&command) && other.also.contains(&self.name);
        self.by.contains(&command) || TABLE.iter().any(with)
    }
}

/// What has to be allowed for a call, in words.
pub(super) fn needed(call: &str) -> String {
    match TABLE.iter().find(|action| action.name == call) {
        Some(action) if !action.also.is_empty() => format!("{call}, and with it {}", action.also.join(", ")),
        _ => call.to_owned(),
    }
}

/// Whose things a policy is for. Without a deployment: those of any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct For {
    /// The deployment's name.
    pub deployment: Option<String>,
    /// ARN of the operator's own key for disks, which does not carry the deployment's tags.
    pub disk_key: Option<String>,
}

/// The policy that lets a command do its work and no more: what it makes must get the deployment's tags, and what it
/// changes or removes must carry them. `reap` touches only what is tagged as a test.
pub fn policy(command: Command, whose: &For) -> Value {
    let mut statements: BTreeMap<(&str, Vec<String>), BTreeSet<&str>> = BTreeMap::new();
    for action in TABLE.iter().filter(|action| action.is_needed_by(command)) {
        for on in action.on {
            // Where the key is the operator's, none is made, named, rotated or ended.
            let own_key = action.name.starts_with("kms:") && matches!(on, Made | Ours | Alias);
            if !own_key || whose.disk_key.is_none() {
                let place = (title(*on, whose), arns(action.name, *on, whose));
                statements.entry(place).or_default().insert(action.name);
            }
        }
    }
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let list: Vec<Value> = statements
        .into_iter()
        .map(|((title, resources), actions)| {
            let number = numbers.entry(title).and_modify(|number| *number += 1).or_insert(1);
            let mut statement = json!({
                "Sid": format!("{title}{number}"), "Effect": "Allow", "Action": actions, "Resource": resources,
            });
            if let Some(condition) = condition(title, command, whose) {
                statement["Condition"] = condition;
            }
            statement
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": list })
}

/// What a statement is about; those with the same title have the same condition.
fn title(on: On, whose: &For) -> &'static str {
    let given = whose.disk_key.is_some();
    match on {
        Everything => "Look",
        Made => "Make",
        Use if given => "UseGiven",
        Ours | Use => "Change",
        Any(_) => "StandOn",
        WhileMaking => "TagNew",
        Deliveries => "Deliver",
        Alias => "Name",
        Grants if given => "GrantGiven",
        Grants => "Grant",
        Records => "Record",
    }
}

/// Resources of a statement. Where tags decide, they decide alone.
fn arns(action: &str, on: On, whose: &For) -> Vec<String> {
    match (on, &whose.disk_key) {
        (Everything | Made | Ours | Deliveries, _) | (Use | Grants, None) => vec!["*".to_owned()],
        (Use | Grants, Some(key)) => vec![key.clone()],
        (Any(kinds), _) => kinds.iter().map(|kind| arn(action, kind)).collect(),
        (WhileMaking, _) => vec![arn(action, "*")],
        (Alias, _) => vec![format!(
            "arn:aws:kms:*:*:alias/anteroom-{}",
            whose.deployment.as_deref().unwrap_or("*")
        )],
        (Records, _) => vec!["arn:aws:route53:::hostedzone/*".to_owned()],
    }
}

fn arn(action: &str, kind: &str) -> String {
    let service = action.split(':').next().unwrap_or_default();
    // Images and snapshots of others have no account in their names.
    let account = if matches!(kind, "image" | "snapshot") { "" } else { "*" };
    format!("arn:aws:{service}:*:{account}:{kind}/*")
}

fn condition(title: &str, command: Command, whose: &For) -> Option<Value> {
    let carrying = |key: &str| {
        let name = format!("{key}/{DEPLOYMENT}");
        let mut condition = match &whose.deployment {
            Some(deployment) => json!({ "StringEquals": { name: deployment } }),
            None => json!({ "Null": { name: "false" } }),
        };
        if command == Reap {
            condition["StringEquals"][format!("{key}/{ENVIRONMENT}")] = "test".into();
        }
        condition
    };
    let for_aws = json!({ "kms:GrantIsForAWSResource": "true" });
    match title {
        "Make" => Some(carrying("aws:RequestTag")),
        "Change" => Some(carrying("aws:ResourceTag")),
        "TagNew" => Some(json!({ "StringEquals": { "ec2:CreateAction": making(command) } })),
        "Grant" => {
            let mut condition = carrying("aws:ResourceTag");
            condition["Bool"] = for_aws;
            Some(condition)
        }
        "GrantGiven" => Some(json!({ "Bool": for_aws })),
        "Record" => Some(json!({
            "ForAllValues:StringEquals": { "route53:ChangeResourceRecordSetsRecordTypes": ["A"] },
        })),
        _ => None,
    }
}

/// Calls of a command that tag what they make.
fn making(command: Command) -> Vec<&'static str> {
    let of_command = TABLE.iter().filter(|action| action.by.contains(&command));
    let tagging = of_command.filter(|action| action.also.contains(&"ec2:CreateTags"));
    tagging.filter_map(|action| action.name.strip_prefix("ec2:")).collect()
}

#[cfg(test)]
mod tests;
