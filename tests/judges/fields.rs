//! Every text field of a spec, with harmless text that can be found again in what is rendered, and how a hostile
//! neighbour of it is made.

use proptest::prelude::BoxedStrategy;
use proptest::prelude::Strategy;
use toml::Table;
use toml::Value;

/// Where the text of a field may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In rendered files or in what a host must be: wherever the harmless text was, this one must be, and nowhere else.
    Rendered,
    /// It decides what is rendered (an address, a network): compared with a spec that says the same.
    Decides,
    /// Nowhere on a host: what is rendered stays the same to the byte.
    Silent,
}

/// A text field.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its key; `[0]` is the first of a list.
    pub(crate) key: &'static str,
    /// Where its text may appear.
    pub(crate) reach: Reach,
    /// Text that the rules mostly accept, as a regular expression.
    pub(crate) plausible: &'static str,
}

const fn field(key: &'static str, reach: Reach, plausible: &'static str) -> Field {
    Field { key, reach, plausible }
}

const LABEL: &str = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
/// Without a port, which decides what the firewall lets out.
const URL: &str = "https?://[a-z0-9-]{1,12}(\\.[A-Za-z0-9-]{1,9}){0,3}(/[A-Za-z0-9._~%,?&=:+-]{0,9}){0,4}";
const VERSION: &str = "[0-9][A-Za-z0-9.+~:-]{0,20}";
const FREE: &str = "[ -~éü€]{1,60}";
const PATH: &str = "(~/)?[A-Za-z0-9._ /-]{1,40}";

/// All of them. A test compares this list with the schema.
pub(crate) const FIELDS: &[Field] = &[
    field("deployment.name", Reach::Rendered, LABEL),
    field(
        "deployment.domain",
        Reach::Rendered,
        "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){1,4}",
    ),
    field("deployment.environment", Reach::Decides, "(test|production)"),
    field("deployment.ttl", Reach::Decides, "[1-9]{1,2}[hmd]"),
    field("deployment.contact", Reach::Silent, FREE),
    field("deployment.security_official", Reach::Silent, FREE),
    field("baa.vendor", Reach::Silent, FREE),
    field("baa.agreement", Reach::Silent, FREE),
    field("baa.signed_on", Reach::Silent, "202[0-5]-0[1-9]-[12][0-9]"),
    field("baa.reference", Reach::Silent, FREE),
    field("baa.document_sha256", Reach::Silent, "[0-9a-fA-F]{64}"),
    field("baa.review_on", Reach::Silent, "203[0-5]-0[1-9]-[12][0-9]"),
    field("baa.processors[0]", Reach::Silent, FREE),
    field("machines.kind", Reach::Decides, "(lab|existing)"),
    field("machines.folder", Reach::Silent, PATH),
    field("machines.workspace", Reach::Silent, LABEL),
    field("machines.binary", Reach::Silent, "(terraform|tofu)"),
    field("machines.outputs", Reach::Silent, PATH),
    field("machines.aws.account", Reach::Silent, "[0-9]{12}"),
    field("machines.aws.region", Reach::Silent, "(us|eu)-(east|west)-[12]"),
    field("machines.aws.zone", Reach::Silent, "us-east-1[a-f]"),
    field(
        "machines.aws.instance_type",
        Reach::Silent,
        "[a-z][0-9][a-z]\\.[a-z0-9]{1,9}",
    ),
    field("machines.aws.image", Reach::Silent, "(debian-1[23]|ami-[0-9a-f]{17})"),
    field("machines.aws.public_key_file", Reach::Silent, PATH),
    field("machines.aws.key", Reach::Silent, PATH),
    field(
        "machines.aws.network",
        Reach::Silent,
        "192\\.168\\.[0-9]{1,2}\\.0/2[4-8]",
    ),
    field("machines.aws.subnet", Reach::Silent, "subnet-[0-9a-f]{17}"),
    field("machines.aws.kms_key", Reach::Silent, "(own|account)"),
    field("machines.aws.flow_logs", Reach::Silent, "arn:aws:s3:::[a-z0-9-]{3,20}"),
    field("machines.aws.profile", Reach::Silent, "[A-Za-z0-9._-]{1,20}"),
    field("machines.aws.dns_zone", Reach::Silent, "Z[A-Z0-9]{8,20}"),
    field("host[0].name", Reach::Rendered, LABEL),
    field("host[0].roles[0]", Reach::Decides, "core"),
    field(
        "host[0].address",
        Reach::Decides,
        "([a-z0-9.-]{1,20}|10\\.[0-9]{1,2}\\.[0-9]\\.[0-9]|fd00::[0-9a-f]{1,4})",
    ),
    field("host[0].user", Reach::Silent, "[a-z][a-z0-9._-]{0,12}"),
    field("host[0].key", Reach::Silent, PATH),
    field("host[0].certificate", Reach::Silent, PATH),
    field(
        "host[0].host_key",
        Reach::Silent,
        "(known-hosts|accept-new|SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])",
    ),
    field(
        "host[0].jump",
        Reach::Silent,
        "[a-z]{1,8}@[a-z0-9.-]{1,20}(:[0-9]{2,4})?",
    ),
    field(
        "host[0].public_address",
        Reach::Decides,
        "(192\\.0\\.2\\.[0-9]{1,2}|2001:db8::[0-9a-f]{1,4})",
    ),
    field(
        "host[0].private_address",
        Reach::Decides,
        "(10\\.1\\.[0-9]\\.[0-9]{1,2}|fd00::[0-9a-f]{1,4})",
    ),
    field("security.tls_profile", Reach::Decides, "(intermediate|modern)"),
    field("security.auth", Reach::Decides, "(token|internal)"),
    field("security.token.key", Reach::Decides, "(shared-secret|public-key|jwks)"),
    field("security.token.public_key_file", Reach::Decides, PATH),
    field("security.token.jwks_url", Reach::Rendered, URL),
    field(
        "security.token.issuer",
        Reach::Rendered,
        "[A-Za-z0-9._:/@+~=][A-Za-z0-9._:/@+~=-]{0,40}",
    ),
    field(
        "security.token.audience",
        Reach::Rendered,
        "[A-Za-z0-9._:/@+~=][A-Za-z0-9._:/@+~=-]{0,40}",
    ),
    field("certificate.kind", Reach::Decides, "(files|self-signed)"),
    field("certificate.chain", Reach::Decides, PATH),
    field("certificate.key", Reach::Decides, PATH),
    field("packages.jitsi.uri", Reach::Rendered, URL),
    field(
        "packages.jitsi.suite",
        Reach::Rendered,
        "[A-Za-z0-9._/~+][A-Za-z0-9._/~+-]{0,15}/?",
    ),
    field(
        "packages.jitsi.components[0]",
        Reach::Rendered,
        "[A-Za-z0-9._/~+][A-Za-z0-9._/~+-]{0,15}",
    ),
    field("packages.jitsi.key_url", Reach::Rendered, URL),
    field("packages.jitsi.key_file", Reach::Decides, PATH),
    field("packages.jitsi.fingerprint", Reach::Decides, "[0-9A-Fa-f]{40}"),
    field("packages.versions.jicofo", Reach::Rendered, VERSION),
    field("packages.versions.nginx", Reach::Rendered, VERSION),
    field(
        "access.admin_cidrs[0]",
        Reach::Decides,
        "(10\\.[0-9]{1,2}\\.0\\.0/16|203\\.0\\.113\\.0/2[4-9]|fd[0-9a-f]{2}::/(16|32|64))",
    ),
    field("access.admins[0]", Reach::Decides, "[a-z][a-z0-9._-]{0,12}"),
    field(
        "egress.allow[0]",
        Reach::Decides,
        "(192\\.0\\.2\\.[0-9]{1,2}:[1-9][0-9]{1,3}|\\[2001:db8::[0-9a-f]{1,4}\\]:[1-9][0-9]{1,3})",
    ),
    field("dns.check", Reach::Decides, "(refuse|warn)"),
    field(
        "maintenance.window",
        Reach::Decides,
        "[01][0-9]:[0-5][0-9]-[01][0-9]:[0-5][0-9]",
    ),
    field(
        "attestation[0].control",
        Reach::Silent,
        "(access|encryption)/[a-z]{1,9}",
    ),
    field("attestation[0].document", Reach::Silent, FREE),
    field("attestation[0].document_sha256", Reach::Silent, "[0-9a-fA-F]{64}"),
    field("attestation[0].owner", Reach::Silent, FREE),
    field("attestation[0].on", Reach::Silent, "2025-0[2-9]-[12][0-9]"),
    field("attestation[0].review_on", Reach::Silent, "2026-01-[12][0-9]"),
    field("attestation[0].statement", Reach::Silent, FREE),
    field("waiver[0].control", Reach::Silent, "(access|encryption)/[a-z]{1,9}"),
    field("waiver[0].subject", Reach::Silent, FREE),
    field("waiver[0].justification", Reach::Silent, FREE),
    field("waiver[0].approver", Reach::Silent, FREE),
    field("waiver[0].created", Reach::Silent, "2026-0[1-3]-[12][0-9]"),
    field("waiver[0].expires", Reach::Silent, "2026-0[4-9]-[12][0-9]"),
    field(
        "waiver[0].basis",
        Reach::Silent,
        "(addressable-306d3|risk-accepted|false-positive)",
    ),
    field("waiver[0].compensating_control", Reach::Silent, FREE),
    field("waiver[0].evidence_sha256", Reach::Silent, "[0-9a-fA-F]{64}"),
];

impl Field {
    /// Text that the rules mostly accept.
    pub(crate) fn likely(&self) -> BoxedStrategy<String> {
        proptest::string::string_regex(self.plausible).unwrap().boxed()
    }
}

/// What every harmless text begins with.
const HARMLESS: &str = "harmless";

/// A harmless spec of a kind. Together they have every field.
pub(crate) fn base(name: &str) -> Table {
    let deployment = format!(
        "name = \"{HARMLESS}-name\"\ndomain = \"{HARMLESS}-domain.example\"\ncontact = \"a\"\nsecurity_official = \"b\"\n"
    );
    let papers = "[baa]\nvendor = \"a\"\nagreement = \"b\"\nsigned_on = \"2026-01-10\"\nreference = \"c\"\nreview_on = \"2027-01-10\"\n\
        document_sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nprocessors = [\"d\"]\n\
        [[attestation]]\ncontrol = \"access/a\"\ndocument = \"a\"\nowner = \"c\"\non = \"2025-10-10\"\n\
        review_on = \"2026-01-25\"\nstatement = \"b\"\n\
        document_sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n\
        [[waiver]]\ncontrol = \"access/a\"\nsubject = \"b\"\njustification = \"c\"\napprover = \"d\"\n\
        created = \"2026-01-10\"\nexpires = \"2026-10-10\"\nbasis = \"risk-accepted\"\ncompensating_control = \"e\"\n\
        evidence_sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";
    let claims = format!("issuer = \"{HARMLESS}-issuer\"\naudience = \"{HARMLESS}-audience\"\n");
    let flat = format!("suite = \"{HARMLESS}-suite/\"\n");
    let parts = format!("suite = \"{HARMLESS}-suite\"\ncomponents = [\"{HARMLESS}-component\"]\n");
    let apt = |layout: &str, key: &str| {
        format!(
            "[packages.jitsi]\nuri = \"https://{HARMLESS}-uri.example/base\"\n{layout}{key}\n\
             fingerprint = \"66A9CD0595D6AFA247290D3BEF8B479E2DC1389C\"\n\
             [packages.versions]\njicofo = \"0{HARMLESS}-jicofo\"\nnginx = \"0{HARMLESS}-nginx\"\n\
             [access]\nadmin_cidrs = [\"10.0.0.0/8\"]\nadmins = [\"ann\"]\n[egress]\nallow = [\"192.0.2.30:3128\"]\n\
             [dns]\ncheck = \"warn\"\n[maintenance]\nwindow = \"08:00-10:00\"\n"
        )
    };
    let key_url = format!("key_url = \"https://{HARMLESS}-key.example/key\"");
    let existing = format!(
        "[machines]\nkind = \"existing\"\n[[host]]\nname = \"{HARMLESS}-host\"\naddress = \"10.0.0.9\"\nuser = \"root\"\n\
         key = \"id\"\ncertificate = \"id-cert.pub\"\nhost_key = \"known-hosts\"\njump = \"a@b\"\n\
         public_address = \"192.0.2.10\"\nprivate_address = \"10.1.2.3\"\nroles = [\"core\"]\n"
    );
    let text = match name {
        "lab" => format!(
            "[deployment]\n{deployment}environment = \"test\"\nttl = \"4h\"\n{papers}[machines]\nkind = \"lab\"\n\
             [[host]]\nname = \"{HARMLESS}-host\"\n[security]\nauth = \"token\"\n[security.token]\n{claims}{}",
            apt(&flat, &key_url)
        ),
        "jwks" => format!(
            "[deployment]\n{deployment}environment = \"test\"\nttl = \"4h\"\n{papers}{existing}[security]\n\
             tls_profile = \"modern\"\n[security.token]\nkey = \"jwks\"\njwks_url = \"https://{HARMLESS}-jwks.example/keys\"\n\
             {claims}[certificate]\nkind = \"self-signed\"\n{}",
            apt(&parts, &key_url)
        ),
        "files" => format!(
            "[deployment]\n{}environment = \"production\"\n{papers}{existing}[security.token]\nkey = \"public-key\"\n\
             public_key_file = \"files/clinic-token.pub.pem\"\n{claims}[certificate]\nkind = \"files\"\nchain = \"chain.pem\"\n\
             key = \"key.pem\"\n{}",
            deployment.replace(&format!("{HARMLESS}-domain.example"), "telemed.example.com"),
            apt(&parts, "key_file = \"apt-key.asc\"")
        ),
        "internal" => format!(
            "[deployment]\n{deployment}environment = \"test\"\nttl = \"4h\"\n{papers}{existing}[security]\n\
             auth = \"internal\"\n{}",
            apt(&flat, &key_url)
        ),
        machines => format!(
            "[deployment]\n{deployment}environment = \"test\"\nttl = \"4h\"\n{}[machines]\n{}\
             [[host]]\nname = \"{HARMLESS}-host\"\n[security]\nauth = \"token\"\n[security.token]\n{claims}{}",
            papers.replace("vendor = \"a\"", "vendor = \"Amazon Web Services\""),
            made_elsewhere(machines),
            apt(&flat, &key_url)
        ),
    };
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `[machines]` of hosts that a cloud's API or Terraform makes.
fn made_elsewhere(name: &str) -> String {
    let aws = |network: &str| {
        format!(
            "kind = \"aws\"\n[machines.aws]\naccount = \"123456789012\"\nregion = \"us-east-1\"\nzone = \"us-east-1a\"\n\
             instance_type = \"c6i.xlarge\"\nimage = \"debian-12\"\npublic_key_file = \"files/admin.pub\"\nkey = \"id\"\n\
             {network}\nkms_key = \"own\"\nflow_logs = \"arn:aws:s3:::clinic-flow-logs\"\nprofile = \"clinic\"\n\
             dns_zone = \"Z0123456789ABCDEFGHIJ\"\n"
        )
    };
    match name {
        "aws" => aws("network = \"192.168.77.0/24\""),
        "aws-subnet" => aws("subnet = \"subnet-0123456789abcdef0\""),
        "terraform" => {
            "kind = \"terraform\"\nfolder = \"infra\"\nworkspace = \"east\"\nbinary = \"terraform\"\n".to_owned()
        }
        "pipeline" => "kind = \"terraform\"\noutputs = \"outputs.json\"\n".to_owned(),
        other => panic!("no base {other}"),
    }
}

/// The names of the bases.
pub(crate) const BASES: [&str; 8] = [
    "lab",
    "jwks",
    "files",
    "internal",
    "aws",
    "aws-subnet",
    "terraform",
    "pipeline",
];

/// The value at a key.
pub(crate) fn get<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    let mut at: Option<&Value> = None;
    for part in key.split('.') {
        let name = part.trim_end_matches("[0]");
        let below = match at {
            None => table.get(name)?,
            Some(value) => value.as_table()?.get(name)?,
        };
        at = Some(if name == part {
            below
        } else {
            below.as_array()?.first()?
        });
    }
    at?.as_str()
}

/// Puts a value at a key that is there; whether it was.
pub(crate) fn set(table: &mut Table, key: &str, text: &str) -> bool {
    fn place<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
        let name = part.trim_end_matches("[0]");
        let below = value.as_table_mut()?.get_mut(name)?;
        if name == part {
            Some(below)
        } else {
            below.as_array_mut()?.first_mut()
        }
    }
    let mut whole = Value::Table(std::mem::take(table));
    let mut at = Some(&mut whole);
    for part in key.split('.') {
        at = at.and_then(|value| place(value, part));
    }
    let there = at.is_some();
    if let Some(value) = at {
        *value = Value::String(text.to_owned());
    }
    if let Value::Table(back) = whole {
        *table = back;
    }
    there
}

#[test]
fn every_text_of_the_schema_is_a_field_here() {
    let schema: serde_json::Value = serde_json::to_value(anteroom::spec::schema()).unwrap();
    let mut texts = Vec::new();
    walk(&schema, &schema, "", &mut texts);
    assert!(texts.len() > 50, "{texts:?}");
    let missing: Vec<&String> = texts
        .iter()
        .filter(|key| !FIELDS.iter().any(|field| field.key == *key) && !key.starts_with("packages.versions"))
        .collect();
    assert!(missing.is_empty(), "no hostile text ever goes through {missing:?}");
    for field in FIELDS {
        assert!(
            BASES.iter().any(|name| get(&base(name), field.key).is_some()),
            "{} is in no base",
            field.key
        );
    }
}

fn walk(schema: &serde_json::Value, at: &serde_json::Value, key: &str, texts: &mut Vec<String>) {
    if let Some(reference) = at["$ref"].as_str() {
        return walk(
            schema,
            schema.pointer(reference.trim_start_matches('#')).unwrap(),
            key,
            texts,
        );
    }
    match at["type"].as_str() {
        Some("string") => texts.push(key.to_owned()),
        Some("array") => walk(schema, &at["items"], &format!("{key}[0]"), texts),
        Some("object") => {
            for (name, below) in at["properties"].as_object().into_iter().flatten() {
                let path = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                walk(schema, below, &path, texts);
            }
        }
        _ => {}
    }
}
