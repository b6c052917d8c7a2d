//! The shapes of `[machines]` as written: what makes the hosts, and the settings of each kind.

use crate::spec::section::section;
use crate::spec::values::Count;
use crate::spec::values::Map;
use crate::spec::values::choice;

/// Least GiB of a machine's disk: Debian, the packages, the logs, and what a change keeps.
const VOLUME_MIN: u32 = 20;
/// Most GiB of a gp3 disk.
const VOLUME_MAX: u32 = 16_384;

section! {
    /// Where the hosts come from.
    RawMachines("machines") {
        /// "existing" for hosts reached over SSH, "lab" for throwaway hosts on this computer, "terraform" for hosts that
        /// Terraform or OpenTofu makes, "aws" for machines made in AWS
        required kind: RawMachinesKind,
        /// folder of the Terraform root module that anteroom runs; only with kind = "terraform"
        optional folder: String,
        /// Terraform workspace; the selected one when left out
        optional workspace: String,
        /// variables of the root module as text, such as { region = "us-east-1" }; no secrets
        optional vars: Map,
        /// "terraform" (default) or "tofu"
        optional binary: RawTerraformBinary,
        /// in place of folder: the file that a pipeline's `terraform output -json` was written to
        optional outputs: String,
        /// where and how machines are made in AWS; only with kind = "aws"
        optional aws: RawAws,
    }
}

choice! {
    /// Where the hosts come from.
    RawMachinesKind { "existing" => Existing, "lab" => Lab, "terraform" => Terraform, "aws" => Aws, } later []
}

choice! {
    /// The program that runs a Terraform module.
    RawTerraformBinary { "terraform" => Terraform, "tofu" => Tofu, } later []
}

section! {
    /// Machines in AWS. Credentials are never written here: they are found as every AWS tool finds them.
    RawAws("aws") {
        /// the account's number, twelve digits as text, such as "123456789012"; required in production. Credentials of
        /// any other account are refused
        optional account: String,
        /// region such as "us-east-1"; only those that AWS itself runs, and not GovCloud
        required region: String,
        /// availability zone such as "us-east-1a"; when left out AWS chooses, once
        optional zone: String,
        /// instance type such as "c6i.xlarge", which is the default
        optional instance_type: String,
        /// "debian-12" (default) or "debian-13" for Debian's own newest image, pinned when a machine is made; or "ami-…"
        optional image: String,
        /// the public half of your login key, a file such as "~/.ssh/id_ed25519.pub"
        required public_key_file: String,
        /// the private half, a file; when left out the agent, then ssh_config's keys
        optional key: String,
        /// network of the VPC that is made, such as "10.77.0.0/24", which is the default
        optional network: String,
        /// an existing subnet, "subnet-…", in place of a VPC of its own
        optional subnet: String,
        /// GiB of each machine's disk; 40 when left out
        optional volume_gib: Count<VOLUME_MIN, VOLUME_MAX>,
        /// the key that disks are encrypted with: "account" (the account's default), "own" (made for this deployment
        /// and destroyed with it, the default in production), or the ARN of yours
        optional kms_key: String,
        /// ARN of the S3 bucket that flow logs go to, such as "arn:aws:s3:::clinic-flow-logs"; required in production,
        /// unless the subnet is yours
        optional flow_logs: String,
        /// a profile of the AWS configuration; when left out as the environment says
        optional profile: String,
        /// a hosted zone of Route 53, "Z…", that gets the domain's address
        optional dns_zone: String,
    }
}
