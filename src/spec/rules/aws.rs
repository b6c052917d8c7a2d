//! `[machines.aws]`: where and how machines are made in AWS. Knows shapes and the list of regions; that an image, a subnet
//! or a key exists, only AWS can say.

use ipnet::IpNet;
use ipnet::Ipv4Net;

use crate::catalog::aws::lists;
use crate::spec::AwsMachines;
use crate::spec::DiskKey;
use crate::spec::Image;
use crate::spec::Network;
use crate::spec::docket::Refused;
use crate::spec::problem::Problem;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawAws;
use crate::spec::raw_machines::RawMachines;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::rules::given;
use crate::spec::rules::optional;
use crate::spec::rules::policy::BAA_LAW;
use crate::spec::rules::production;

/// Four processors and 8 GiB, which do not slow down under a call as burstable types do.
const INSTANCE_TYPE: &str = "c6i.xlarge";
/// GiB of a disk when the spec does not say.
const VOLUME_GIB: u32 = 40;
/// The Debian that the tests run on.
const DEBIAN: u8 = 12;
/// The network when the spec does not say.
const NETWORK: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 77, 0, 0), 24);

/// Judges the section.
pub(crate) fn machines(
    raw: &RawSpec,
    machines: &Spot<RawMachines>,
    bench: &mut Bench<'_>,
) -> Result<AwsMachines, Refused> {
    let Some(section) = machines.value.aws.as_ref().map_err(|refused| *refused)? else {
        let message = "`machines.kind` is \"aws\", and the section `[machines.aws]` is missing";
        let problem = Problem::new("spec/missing-key", machines.place.clone(), message);
        let help =
            "add `[machines.aws]` with `region = \"us-east-1\"` and `public_key_file = \"~/.ssh/id_ed25519.pub\"`";
        return Err(bench.refuse(problem.help(help)));
    };
    let aws = &section.value;
    let account = account(raw, section, bench);
    let region = region(aws, bench);
    let zone = optional(&aws.zone, |spot| zone(spot, region.as_ref().ok(), bench));
    let instance_type = optional(&aws.instance_type, |spot| instance_type(spot, bench));
    let image = optional(&aws.image, |spot| image(spot, bench));
    let public_key = public_key(aws, bench);
    let key = optional(&aws.key, |spot| Ok(bench.files.resolve(&spot.value)));
    let network = network(raw, aws, bench);
    let disk_key = optional(&aws.kms_key, |spot| disk_key(spot, bench));
    let flow_logs = flow_logs(raw, section, bench);
    let profile = optional(&aws.profile, |spot| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
        bench.plain(
            "machines.aws.profile",
            spot,
            allowed,
            "write a name as `aws configure list-profiles` prints it",
        )
    });
    let dns_zone = optional(&aws.dns_zone, |spot| {
        let shape = |text: &str| text.starts_with('Z') && plain(text, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let help = "write the zone's id, such as \"Z0123456789ABCDEFGHIJ\", as the Route 53 console shows it";
        shaped(
            "machines.aws.dns_zone",
            "the id of a hosted zone",
            spot,
            shape,
            help,
            bench,
        )
    });
    let standard_key = || {
        if production(raw).is_some() {
            DiskKey::Own
        } else {
            DiskKey::Account
        }
    };
    Ok(AwsMachines {
        account: account?,
        region: region?,
        zone: zone?,
        instance_type: instance_type?.unwrap_or_else(|| INSTANCE_TYPE.to_owned()),
        image: image?.unwrap_or(Image::Debian(DEBIAN)),
        public_key: public_key?,
        key: key?,
        network: network?,
        volume_gib: cloned(&aws.volume_gib)?.map_or(VOLUME_GIB, |count| count.0),
        disk_key: disk_key?.unwrap_or_else(standard_key),
        flow_logs: flow_logs?,
        profile: profile?,
        dns_zone: dns_zone?,
    })
}

/// Refuses the section where the machines are of another kind.
pub(crate) fn needless(machines: &RawMachines, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let Some(aws) = given(&machines.aws) else {
        return Ok(());
    };
    let message = "`[machines.aws]` has a meaning only with `kind = \"aws\"`";
    let problem = Problem::new("spec/not-for-this-kind", aws.place.clone(), message);
    Err(bench.refuse(problem.help("remove the section, or set `kind = \"aws\"`")))
}

/// Refuses text of another shape.
fn shaped(
    key: &str,
    what: &str,
    spot: &Spot<String>,
    shape: impl Fn(&str) -> bool,
    help: &str,
    bench: &mut Bench<'_>,
) -> Result<String, Refused> {
    if shape(&spot.value) {
        return Ok(spot.value.clone());
    }
    let message = format!("`{key}` is {:?}, which is not {what}", spot.value);
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help(help)))
}

fn plain(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(allowed)
}

/// An id of EC2: a prefix, a hyphen, and hexadecimal digits.
fn is_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| plain(digits, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// The account, without which the credentials at hand decide where production is made, and what a removal finds.
fn account(raw: &RawSpec, section: &Spot<RawAws>, bench: &mut Bench<'_>) -> Result<Option<String>, Refused> {
    let aws = &section.value;
    let help = "write the twelve digits that `aws sts get-caller-identity --query Account` prints, as text";
    if let (Some(_), Ok(None)) = (production(raw), &aws.account) {
        let message =
            "production needs `machines.aws.account`, the one account that it is made in and that has the agreement";
        let problem = Problem::new("spec/missing-key", section.place.clone(), message);
        let help = "add `account = \"123456789012\"`, as `aws sts get-caller-identity --query Account` prints it";
        return Err(bench.refuse(problem.help(help).cite(BAA_LAW)));
    }
    optional(&aws.account, |spot| {
        let shape = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        shaped(
            "machines.aws.account",
            "the number of an account",
            spot,
            shape,
            help,
            bench,
        )
    })
}

fn region(aws: &RawAws, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let spot = aws.region.as_ref().map_err(|refused| *refused)?;
    let known = &lists().regions;
    if known.names.contains(&spot.value) {
        return Ok(spot.value.clone());
    }
    let message = format!(
        "`machines.aws.region` is {:?}, which is not on the list of {} of regions that AWS itself runs and whose \
         agreement AWS Artifact can show",
        spot.value, known.as_of
    );
    let problem = Problem::new("spec/region-not-covered", spot.place.clone(), message);
    let regions: Vec<&str> = known.names.iter().map(String::as_str).collect();
    let help = format!("write one of {}", regions.join(", "));
    Err(bench.refuse(problem.help(help).cite(BAA_LAW)))
}

fn zone(spot: &Spot<String>, region: Option<&String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let of = |region: &str| {
        let letter = spot.value.strip_prefix(region).map(str::as_bytes);
        matches!(letter, Some([letter]) if letter.is_ascii_lowercase())
    };
    if region.map_or_else(
        || lists().regions.names.iter().any(|region| of(region)),
        |region| of(region),
    ) {
        return Ok(spot.value.clone());
    }
    let region = region.map_or("us-east-1", String::as_str);
    let message = format!(
        "`machines.aws.zone` is {:?}, which is no availability zone of {region}",
        spot.value
    );
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help(format!("write a zone such as \"{region}a\", or leave it out"))))
}

fn instance_type(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let word = |text: &str| plain(text, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let shape = |text: &str| {
        text.split_once('.')
            .is_some_and(|(family, size)| word(family) && word(size))
    };
    let help = "write a type such as \"c6i.xlarge\", of a generation that has Nitro";
    shaped(
        "machines.aws.instance_type",
        "an instance type",
        spot,
        shape,
        help,
        bench,
    )
}

fn image(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<Image, Refused> {
    match spot.value.as_str() {
        "debian-12" => return Ok(Image::Debian(12)),
        "debian-13" => return Ok(Image::Debian(13)),
        _ => {}
    }
    let help = "write \"debian-12\", \"debian-13\", or the id of an image of yours, such as \"ami-0123456789abcdef0\"";
    let shape = |text: &str| is_id(text, "ami");
    shaped("machines.aws.image", "an image", spot, shape, help, bench).map(Image::Exactly)
}

fn public_key(aws: &RawAws, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let key = "machines.aws.public_key_file";
    let spot = aws.public_key_file.as_ref().map_err(|refused| *refused)?;
    let text = bench.text_file(key, spot)?;
    let mut words = text.lines().next().unwrap_or_default().split_whitespace();
    if let (Some(kind @ ("ssh-ed25519" | "ssh-rsa")), Some(blob)) = (words.next(), words.next())
        && plain(&blob[..blob.len().min(128)], |b| {
            b.is_ascii_alphanumeric() || b"+/=".contains(&b)
        })
    {
        // The comment is the operator's own affair and stays here.
        return Ok(format!("{kind} {blob}"));
    }
    let message = format!("`{key}` names a file that is not the public half of an Ed25519 or RSA key");
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help("make one with `ssh-keygen -t ed25519`, and name the file that ends in .pub")))
}

fn network(raw: &RawSpec, aws: &RawAws, bench: &mut Bench<'_>) -> Result<Network, Refused> {
    let subnet = aws.subnet.as_ref().map_err(|refused| *refused)?;
    let cidr = aws.network.as_ref().map_err(|refused| *refused)?;
    if let (Some(_), Some(cidr)) = (subnet, cidr) {
        let message = "`machines.aws.network` and `machines.aws.subnet` exclude each other";
        let problem = Problem::new("spec/unusable-value", cidr.place.clone(), message);
        return Err(
            bench.refuse(problem.help("keep `subnet` for a network of yours, or `network` for a VPC that is made"))
        );
    }
    if let Some(subnet) = subnet {
        let help = "write the id of a subnet with a way to the internet, such as \"subnet-0123456789abcdef0\"";
        let shape = |text: &str| is_id(text, "subnet");
        return shaped("machines.aws.subnet", "the id of a subnet", subnet, shape, help, bench).map(Network::Subnet);
    }
    let Some(cidr) = cidr else {
        return Ok(Network::Own(NETWORK));
    };
    let parsed: Option<Ipv4Net> = cidr.value.parse().ok();
    let usable =
        |net: &Ipv4Net| net.addr().is_private() && (16..=28).contains(&net.prefix_len()) && net.trunc() == *net;
    let Some(net) = parsed.filter(usable) else {
        let message = format!(
            "`machines.aws.network` is {:?}, which cannot be the network of a VPC",
            cidr.value
        );
        let problem = Problem::new("spec/unusable-value", cidr.place.clone(), message);
        return Err(bench.refuse(problem.help("write a private network of /16 to /28, such as \"10.77.0.0/24\"")));
    };
    match admin_overlap(raw, net) {
        None => Ok(Network::Own(net)),
        Some(admins) => {
            let message =
                format!("`machines.aws.network` overlaps {admins} of `access.admin_cidrs`: answers would not leave it");
            let problem = Problem::new("spec/networks-overlap", cidr.place.clone(), message);
            Err(bench.refuse(problem.help("write a private network that none of yours overlaps")))
        }
    }
}

/// The admins' network that a network of the hosts would swallow.
fn admin_overlap(raw: &RawSpec, net: Ipv4Net) -> Option<IpNet> {
    let access = given(&raw.access)?;
    let cidrs = given(&access.value.admin_cidrs)?;
    let parsed = cidrs.value.iter().filter_map(|spot| spot.value.parse::<IpNet>().ok());
    let overlaps = |admins: &IpNet| match admins {
        IpNet::V4(admins) => admins.contains(&net) || net.contains(admins),
        IpNet::V6(_) => false,
    };
    parsed.into_iter().find(overlaps)
}

fn disk_key(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<DiskKey, Refused> {
    match spot.value.as_str() {
        "account" => return Ok(DiskKey::Account),
        "own" => return Ok(DiskKey::Own),
        _ => {}
    }
    let help = "write \"account\", \"own\", or an ARN such as \"arn:aws:kms:us-east-1:111122223333:key/…\"";
    let shape = |text: &str| is_arn(text, "kms") && text.contains(":key/");
    shaped("machines.aws.kms_key", "a key", spot, shape, help, bench).map(DiskKey::Given)
}

/// Flow logs of a VPC that is made; of an existing subnet they are the business of whoever owns it.
fn flow_logs(raw: &RawSpec, section: &Spot<RawAws>, bench: &mut Bench<'_>) -> Result<Option<String>, Refused> {
    let aws = &section.value;
    if let (Some(_), Ok(None), Ok(None)) = (production(raw), &aws.flow_logs, &aws.subnet) {
        let message = "production needs `machines.aws.flow_logs`, the bucket that keeps who talked to the hosts";
        let problem = Problem::new("spec/missing-key", section.place.clone(), message);
        let help =
            "add `flow_logs = \"arn:aws:s3:::BUCKET\"`, a bucket of yours that keeps its objects as long as your logs";
        return Err(bench.refuse(problem.help(help).cite("45 CFR 164.312(b)")));
    }
    optional(&aws.flow_logs, |spot| {
        let help = "write the ARN of a bucket, such as \"arn:aws:s3:::clinic-flow-logs\"";
        let shape = |text: &str| is_arn(text, "s3");
        shaped(
            "machines.aws.flow_logs",
            "the ARN of an S3 bucket",
            spot,
            shape,
            help,
            bench,
        )
    })
}

fn is_arn(text: &str, service: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let head = [parts.next(), parts.next(), parts.next()];
    let partition = head[1] == Some("aws");
    let rest = parts.last().is_some_and(|rest| !rest.is_empty());
    head[0] == Some("arn")
        && partition
        && head[2] == Some(service)
        && rest
        && plain(text, |b| b.is_ascii_alphanumeric() || b":/_.-".contains(&b))
}
