//! Machines in AWS, the whole way. The account is the mock's (tests/aws/mock), whose machines have no operating system; so
//! the address, the console's host key and the login of its machine are a lab host's.

use std::fs;

use serde_json::json;

use crate::bench::Bench;
use crate::bench::read;
use crate::host::TestHost;
use crate::mock::Mock;
use crate::mock::whole;
use crate::outcome::Outcome;
use crate::spec_file::SpecFile;

/// What stands between the deployment and the security sections.
const MACHINES: &str = "\
[machines]\nkind = \"aws\"\n\
[machines.aws]\nregion = \"us-east-1\"\npublic_key_file = \"login.pub\"\nkey = \"KEY\"\nkms_key = \"own\"\n\
flow_logs = \"arn:aws:s3:::clinic-flow-logs\"\n\
[access]\nadmin_cidrs = [\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\"]\n";

/// What Debian's images have: a user admin who may become root.
const ADMIN: &str = "\
useradd --create-home --shell /bin/bash admin
install -d -m 0700 -o admin -g admin /home/admin/.ssh
install -m 0600 -o admin -g admin /root/.ssh/authorized_keys /home/admin/.ssh/authorized_keys
echo 'admin ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-cloud-init-users
chmod 0440 /etc/sudoers.d/90-cloud-init-users";

/// A spec whose machine is in AWS, beside the public half of the lab's login key.
fn write_spec(host: &TestHost<'_>) -> String {
    let existing = host.write("existing.toml", &SpecFile::token());
    let text = read(existing.as_ref());
    let (head, _) = text.split_once("[machines]\n").unwrap();
    let (_, tail) = text.split_once("[security]\n").unwrap();
    let key = host.host.ssh_key.display().to_string();
    let path = host.file(
        "anteroom.toml",
        &format!("{head}{}[security]\n{tail}", MACHINES.replace("KEY", &key)),
    );
    fs::copy(
        host.host.ssh_key.with_extension("pub"),
        existing.replace("existing.toml", "login.pub"),
    )
    .unwrap();
    path
}

/// Made in the account, deployed over SSH, audited from outside, inside and through the API, in sync, and gone.
pub(crate) fn a_machine_of_aws_is_made_deployed_audited_and_gone(bench: &Bench) {
    let Some(mock) = Mock::start() else { return };
    let host = bench.bare("aws");
    host.run(ADMIN);
    let address = host.host.address.to_string();
    let settings = json!({
        "address": address, "fingerprint": host.host.host_key_fingerprint,
    });
    mock.ask("settings", &settings);
    mock.ask("do", &json!({"region": "us-east-1", "what": "ready"}));
    let path = write_spec(&host);
    let anteroom = |arguments: &[&str]| {
        let arguments = &[arguments, &["-f", &path]].concat();
        let ran = bench.command(arguments).envs(mock.environment()).output();
        Outcome::of(arguments, ran.unwrap())
    };

    let plan = anteroom(&["plan"]).expect(4);
    assert!(
        plan.out.contains("+ core: a machine, then everything on it"),
        "{}",
        plan.out
    );
    let applied = anteroom(&["apply", "--yes", "--format", "json"]).says(&["waiting for the console of core"]);
    assert_eq!(mock.count(), whole());
    let report = applied.clean().json();
    let passed = report["findings"].as_array().unwrap().iter();
    let of_cloud = passed.filter(|finding| finding["control"].as_str().unwrap().contains("/cloud-"));
    assert!(of_cloud.count() > 10, "{report:#}");
    let plan = anteroom(&["plan"]).expect(0);
    assert!(plan.out.contains("in sync"), "{}", plan.out);

    mock.ask("do", &json!({"region": "us-east-1", "what": "open"}));
    let audited = anteroom(&["audit", "--format", "json"]).expect(5);
    assert!(
        audited.controls("fail").contains("exposure/cloud-ports"),
        "{}",
        audited.out
    );

    let gone = anteroom(&["destroy", "--yes"]).expect(0);
    assert!(gone.out.contains("nothing is left"), "{}", gone.out);
    assert_eq!(mock.count(), json!({}));
}
