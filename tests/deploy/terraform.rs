//! Hosts that Terraform tells of. The machine that `terraform` "makes" here is a lab host: its root module holds data in
//! place of a cloud, which Terraform applies without any provider.

use std::fs;
use std::process::Command;
use std::process::Stdio;

use crate::bench::Bench;
use crate::spec_file::SpecFile;

/// The root module: one host, at the address of the lab's.
const ROOT: &str = "\
variable \"anteroom\" {\n  type = any\n}\n\
resource \"terraform_data\" \"host\" {\n  for_each = var.anteroom.hosts\n  input    = { roles = each.value.roles, address = \"ADDRESS\" }\n}\n\
output \"anteroom_hosts\" {\n  value = [for name, host in terraform_data.host : {\n    \
name = name, roles = host.output.roles, address = host.output.address, public_address = null\n    \
private_address = \"10.20.0.15\", user = \"root\", host_key = file(\"host.pub\")\n  }]\n}\n";

/// The spec of a host whose address, login and key Terraform tells.
fn spec(text: &str, key: &str) -> String {
    let (head, rest) = text.split_once("[machines]\n").unwrap();
    let (_, tail) = rest.split_once("[security]\n").unwrap();
    format!(
        "{head}[machines]\nkind = \"terraform\"\nfolder = \"infra\"\n[[host]]\nname = \"core\"\nkey = \"{key}\"\n\
         [access]\nadmin_cidrs = [\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\"]\n[security]\n{tail}"
    )
}

/// The whole way: made, deployed, audited, in sync, and taken away again.
pub(crate) fn a_host_that_terraform_tells_of_is_deployed_and_audited(bench: &Bench) {
    let installed = Command::new("terraform").arg("version").stdin(Stdio::null()).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: terraform is not installed, and no package brings it");
        return;
    }
    let host = bench.deployed("terraform");
    let existing = host.write("existing.toml", &SpecFile::token());
    let key = host.host.ssh_key.display().to_string();
    let path = host.file("anteroom.toml", &spec(&fs::read_to_string(existing).unwrap(), &key));
    let infra = std::path::Path::new(&path).with_file_name("infra");
    fs::create_dir(&infra).unwrap();
    fs::write(
        infra.join("main.tf"),
        ROOT.replace("ADDRESS", &host.host.address.to_string()),
    )
    .unwrap();
    let public = bench
        .lab
        .root_dir(&host.host.name)
        .join("etc/ssh/ssh_host_ed25519_key.pub");
    fs::copy(public, infra.join("host.pub")).unwrap();

    let plan = host.anteroom(&["plan", "-f", &path]).expect(4);
    assert!(plan.out.contains("core: a machine to be made"), "{}", plan.out);
    let applied = host
        .apply(&path)
        .says(&["+ terraform_data.host[\"core\"]: create", "waiting for core to boot"]);
    assert_eq!(applied.clean().json()["drift"].as_array().unwrap().len(), 0);
    let plan = host.anteroom(&["plan", "-f", &path]).expect(0);
    assert!(plan.out.contains("in sync"), "{}", plan.out);
    host.audit(&path).clean();

    fs::write(
        infra.join("host.pub"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA x\n",
    )
    .unwrap();
    host.anteroom(&["apply", "-f", &path, "--yes"])
        .expect(1)
        .says(&["~ outputs: change", "failed to trust"]);
    let gone = host.anteroom(&["destroy", "-f", &path, "--yes"]).expect(0);
    assert!(gone.out.contains("nothing is left"), "{}", gone.out);
    let plan = host.anteroom(&["plan", "-f", &path]).expect(4);
    assert!(plan.out.contains("core: a machine to be made"), "{}", plan.out);
}
