//! Removes everything that carries a deployment's tags, in every region that was looked at before, in an order in which
//! nothing holds on to anything. Gone already is success; what does not go is listed with the reason.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::machines::aws::disk_keys;
use crate::machines::aws::dns;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::media::Media;
use crate::machines::aws::media::Medium;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::gone;
use crate::machines::aws::release;
use crate::machines::aws::stakes::Consent;
use crate::machines::aws::survey::Survey;
use crate::machines::aws::survey::Unseen;
use crate::machines::aws::survey::at;
use crate::machines::aws::sweep::Sweep;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// One thing that went.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Removed {
    /// What it was.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its region.
    pub region: String,
}

/// Something that happened on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A thing went.
    Removed(&'a Removed),
    /// The fate of something that holds data is another now.
    Medium(&'a Medium),
}

/// What a destruction came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TornDown {
    /// What went.
    pub removed: Vec<Removed>,
    /// What is still there, and why.
    pub left: Vec<String>,
    /// What stays since it is another's.
    pub kept: Vec<String>,
    /// What held data, and what became of it.
    pub media: Media,
    /// Regions that were looked at to the end, and are empty.
    pub swept: BTreeSet<String>,
    /// Regions that were not.
    pub unseen: Unseen,
}

/// What a sweep of one region goes by.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) owner: &'a Owner,
    pub(super) consent: Consent,
    /// Zones of Route 53 in which a record may lead to an address of the deployment.
    pub(super) zones: &'a BTreeSet<String>,
    /// The deployment's addresses in all regions.
    pub(super) ips: &'a BTreeSet<Ipv4Addr>,
    pub(super) watch: &'a dyn Fn(Event<'_>),
}

/// Destroys what a survey saw of a deployment. `zone` is the Route 53 zone of the spec, where there is one.
pub async fn destroy(
    aws: &Aws,
    owner: &Owner,
    survey: &Survey,
    zone: Option<&str>,
    consent: Consent,
    watch: &dyn Fn(Event<'_>),
) -> TornDown {
    let (zones, ips) = (survey.zones(zone), survey.ips());
    let order = Order {
        owner,
        consent,
        zones: &zones,
        ips: &ips,
        watch,
    };
    // A region that does not answer any more has no word on its media but this.
    let mut torn = TornDown {
        media: survey.media(),
        unseen: survey.unseen.clone(),
        ..TornDown::default()
    };
    let sweeps = survey
        .held
        .keys()
        .map(|region| Sweep::new(at(aws, region), order).run());
    for swept in futures_util::future::join_all(sweeps).await {
        torn.removed.extend(swept.removed);
        torn.left.extend(swept.left);
        torn.kept.extend(swept.kept);
        swept.media.iter().for_each(|medium| torn.media.settle(medium.clone()));
        torn.swept.extend(swept.swept);
        torn.unseen.failed.extend(swept.unseen.failed);
    }
    for zone in &zones {
        torn.kept.extend(elsewhere(aws, owner, zone, &ips).await);
    }
    torn.removed.sort();
    torn.left.sort();
    torn.kept.sort();
    torn
}

/// A record of the domain that leads to no address of the deployment, and is told since nobody else may know of it.
async fn elsewhere(aws: &Aws, owner: &Owner, zone: &str, ips: &BTreeSet<Ipv4Addr>) -> Option<String> {
    let record = release::record(aws, zone, &owner.domain).await.ok()??;
    (dns::leads(&record, ips) == dns::Leads::Elsewhere).then(|| {
        let (kind, domain) = (Kind::Record, &owner.domain);
        format!("{kind} {domain} in {zone}: it leads to {record}, which is no address of this deployment")
    })
}

impl TornDown {
    /// Whether all of it is gone, as far as it was to be looked for.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && self.unseen.failed.is_empty()
    }
}

/// The moment, as a record writes it.
pub(super) fn now() -> String {
    let now = Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// Removes one thing, and first what keeps it from going.
pub(super) async fn remove_one(aws: &Aws, ours: &Inventory, kind: Kind, id: &str) -> Result<(), AwsError> {
    match kind {
        Kind::Record => Ok(()),
        Kind::Address => match ours.addresses.iter().find(|address| address.id == id) {
            Some(address) => release::address(aws, address).await,
            None => aws.release(id).await,
        },
        Kind::Instance => {
            unprotect(aws, id).await?;
            aws.terminate(id).await
        }
        Kind::Volume => aws.delete_volume(id).await,
        Kind::Snapshot => aws.delete_snapshot(id).await,
        Kind::Interface => aws.delete_interface(id).await,
        Kind::FlowLog => aws.delete_flow_log(id).await,
        Kind::Group => aws.delete_group(id).await,
        Kind::Subnet => aws.delete_subnet(id).await,
        Kind::RouteTable => {
            let table = ours.route_tables.iter().find(|table| table.id == id);
            for association in table.iter().flat_map(|table| table.subnets.keys()) {
                gone(aws.disassociate_routes(association).await)?;
            }
            aws.delete_route_table(id).await
        }
        Kind::Gateway => {
            let gateway = ours.gateways.iter().find(|gateway| gateway.id == id);
            if let Some(vpc) = gateway.and_then(|gateway| gateway.vpc.as_ref()) {
                detached(aws.detach_gateway(id, vpc).await)?;
            }
            aws.delete_gateway(id).await
        }
        Kind::Vpc => aws.delete_vpc(id).await,
        Kind::KeyPair => aws.delete_key_pair(id).await,
        Kind::DiskKey => disk_keys::end(aws, id).await.map(drop),
    }
    .or_else(|error| if error.why == Why::NotFound { Ok(()) } else { Err(error) })
}

/// Lets a machine be terminated. One that ends already takes no more settings.
pub(super) async fn unprotect(aws: &Aws, id: &str) -> Result<(), AwsError> {
    match gone(aws.protect(id, false).await) {
        Err(error) if error.why != Why::Refused => Err(error),
        _ => Ok(()),
    }
}

/// A gateway that is not attached any more is detached.
fn detached(outcome: Result<(), AwsError>) -> Result<(), AwsError> {
    match outcome {
        Err(error) if error.code == "Gateway.NotAttached" => Ok(()),
        outcome => gone(outcome),
    }
}
