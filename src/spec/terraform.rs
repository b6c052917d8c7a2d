//! `[machines] kind = "terraform"`, judged: who runs Terraform on what, and how its hosts are logged in to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::spec::HostKeyPolicy;
use crate::spec::HostName;

/// Hosts that Terraform or OpenTofu makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terraform {
    /// Where the hosts' addresses come from.
    pub source: TerraformSource,
    /// What the spec says of logins, by host; what it leaves out, the outputs or `ssh_config` say.
    pub logins: BTreeMap<HostName, Login>,
}

/// Who runs Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerraformSource {
    /// We do.
    Run(TerraformRun),
    /// A pipeline does, and leaves what `terraform output -json` prints in this file.
    Outputs(PathBuf),
}

/// A root module that we run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformRun {
    /// Which of the two programs.
    pub binary: TerraformBinary,
    /// The folder of the root module.
    pub folder: PathBuf,
    /// The workspace; `None`: the one that is selected there.
    pub workspace: Option<String>,
    /// Variables of the root module, beside `anteroom`.
    pub vars: BTreeMap<String, String>,
}

/// The programs that speak Terraform's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerraformBinary {
    /// HashiCorp's.
    Terraform,
    /// The Linux Foundation's.
    Tofu,
}

impl TerraformBinary {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::Tofu => "tofu",
        }
    }
}

/// How a host is logged in to, but for its address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Login user.
    pub user: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Private key file.
    pub key: Option<PathBuf>,
    /// OpenSSH user certificate belonging to `key`.
    pub certificate: Option<PathBuf>,
    /// What the host's key must be.
    pub host_key: Option<HostKeyPolicy>,
    /// Jump host in the form `ssh -J` takes.
    pub jump: Option<String>,
}
