//! One region of a destruction: looks, removes, looks again, until nothing of the deployment is there or nothing more goes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::machines::aws::destroy::Event;
use crate::machines::aws::destroy::Order;
use crate::machines::aws::destroy::Removed;
use crate::machines::aws::destroy::TornDown;
use crate::machines::aws::destroy::now;
use crate::machines::aws::destroy::remove_one;
use crate::machines::aws::destroy::unprotect;
use crate::machines::aws::disk_keys;
use crate::machines::aws::hold::Held;
use crate::machines::aws::hold::copies;
use crate::machines::aws::hold::hold;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::media::Fate;
use crate::machines::aws::media::Medium;
use crate::machines::aws::media::MediumKind;
use crate::machines::aws::names;
use crate::machines::aws::patience::gone;
use crate::machines::aws::patience::pause;
use crate::machines::aws::release;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::model::CopyKind;
use crate::remote::aws::model::DiskCopy;
use crate::remote::aws::model::Volume;

/// How often a region is swept before it is said what is left.
const ROUNDS: u32 = 4;
/// The longest wait for machines to end, of all machines and rounds together.
const END: Duration = Duration::from_secs(300);

/// What failed, and why.
type Failures = BTreeMap<(Kind, String), String>;

/// A sweep.
pub(super) struct Sweep<'a> {
    aws: Aws,
    order: Order<'a>,
    torn: TornDown,
    /// Machines are waited for until then.
    deadline: Instant,
    /// Every disk that was seen.
    disks: BTreeSet<String>,
    /// Those that do not carry the deployment's tags.
    loose: BTreeSet<String>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(aws: Aws, order: Order<'a>) -> Self {
        Self {
            aws,
            order,
            torn: TornDown::default(),
            deadline: Instant::now() + END,
            disks: BTreeSet::new(),
            loose: BTreeSet::new(),
        }
    }

    /// Sweeps.
    pub(super) async fn run(mut self) -> TornDown {
        let mut failures = Failures::new();
        for round in 0..=ROUNDS {
            let held = match hold(&self.aws, self.order.owner).await {
                Ok(held) => held,
                Err(error) => {
                    let region = self.aws.region().to_owned();
                    self.torn.unseen.failed.insert(region, error.to_string());
                    self.leftovers(&Inventory::default()).await;
                    return self.torn;
                }
            };
            self.remember(&held);
            if held.is_empty() || round == ROUNDS {
                self.end(&held, &failures).await;
                return self.torn;
            }
            if let Some(why) = self.order.consent.objection(&held.things()) {
                failures = held
                    .ours
                    .things()
                    .into_iter()
                    .map(|(kind, id, _)| (kind, id.to_owned()))
                    .map(|name| (name, format!("not removed, since {why}")))
                    .collect();
                self.end(&held, &failures).await;
                return self.torn;
            }
            if round > 0 {
                pause(round).await;
            }
            failures = self.tear_down(&held).await;
        }
        self.torn
    }

    fn remember(&mut self, held: &Held) {
        self.torn.kept.clone_from(&held.strangers);
        self.disks.extend(held.disks());
        self.loose.extend(held.loose.iter().map(|disk| disk.id.clone()));
        held.media().into_iter().for_each(|medium| self.torn.media.see(medium));
    }

    /// One pass over everything; what failed is returned with the reason.
    async fn tear_down(&mut self, held: &Held) -> Failures {
        let mut failures = Failures::new();
        self.addresses(&held.ours, &mut failures).await;
        self.machines(&held.ours, &mut failures).await;
        let mut order: Vec<(Kind, &str)> = held.ours.things().into_iter().map(|(kind, id, _)| (kind, id)).collect();
        order.sort();
        let data = |kind: Kind| matches!(kind, Kind::Volume | Kind::Snapshot);
        for (kind, id) in order.iter().filter(|(kind, _)| data(*kind)) {
            self.one(&held.ours, *kind, id, &mut failures).await;
        }
        // Until the disks are gone, what a key encrypts can be looked at; then it goes before anything that takes long.
        if failures.keys().all(|(kind, _)| *kind != Kind::Instance && !data(*kind)) {
            self.keys(held, &mut failures).await;
        }
        let rest = |kind: Kind| !data(kind) && !matches!(kind, Kind::Address | Kind::Instance);
        for (kind, id) in order.iter().filter(|(kind, _)| rest(*kind)) {
            self.one(&held.ours, *kind, id, &mut failures).await;
        }
        failures
    }

    async fn addresses(&mut self, ours: &Inventory, failures: &mut Failures) {
        let Order { owner, zones, ips, .. } = self.order;
        if ours.addresses.is_empty() {
            return;
        }
        let led = release::records(&self.aws, &owner.domain, zones, ips).await;
        for address in &ours.addresses {
            let outcome = match &led {
                Ok(_) => release::address(&self.aws, address)
                    .await
                    .map_err(|error| format!("failed to {error}")),
                Err(why) => Err(format!("it is kept, since {why}")),
            };
            self.note(Kind::Address, &address.id, outcome, failures);
        }
        for record in led.unwrap_or_default() {
            self.note(Kind::Record, &record, Ok(()), failures);
        }
    }

    /// Terminates all machines with one call, and waits for all of them at once.
    async fn machines(&mut self, ours: &Inventory, failures: &mut Failures) {
        let ids: Vec<String> = ours.instances.iter().map(|machine| machine.id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        let mut refused = BTreeMap::new();
        if self.order.consent.unprotects() {
            for id in &ids {
                if let Err(error) = unprotect(&self.aws, id).await {
                    refused.insert(id.clone(), error.to_string());
                }
            }
        }
        if self.aws.terminate_all(&ids).await.is_err() {
            // One that cannot be terminated keeps the others; so each is asked for.
            for id in &ids {
                if let Err(error) = gone(self.aws.terminate(id).await) {
                    refused.insert(id.clone(), error.to_string());
                }
            }
        }
        let wait_for = ids.iter().filter(|id| !refused.contains_key(*id)).cloned().collect();
        let alive = self.ended(wait_for).await;
        for id in &ids {
            let outcome = match (refused.get(id), &alive) {
                (Some(why), _) => Err(format!("failed to {why}")),
                (None, Err(error)) => Err(format!("failed to {error}")),
                (None, Ok(alive)) if alive.contains(id) => {
                    Err(format!("it has not ended within {} seconds", END.as_secs()))
                }
                (None, Ok(_)) => Ok(()),
            };
            self.note(Kind::Instance, id, outcome, failures);
        }
    }

    /// Waits until machines have ended; those that have not in time.
    async fn ended(&self, mut alive: BTreeSet<String>) -> Result<BTreeSet<String>, AwsError> {
        let tag = format!("tag:{}", names::DEPLOYMENT);
        let mut attempt = 0;
        while !alive.is_empty() {
            let now = self.aws.instances(&tag, &self.order.owner.deployment).await?;
            alive.retain(|id| now.iter().any(|machine| machine.id == *id));
            if alive.is_empty() || Instant::now() >= self.deadline {
                break;
            }
            pause(attempt).await;
            attempt += 1;
        }
        Ok(alive)
    }

    /// The alias goes before the key's end is scheduled: a run that is killed in between leaves a key that is found by its
    /// tags, and never an alias on a key that ends.
    async fn keys(&mut self, held: &Held, failures: &mut Failures) {
        if held.keys.named
            && let Err(error) = disk_keys::unname(&self.aws, self.order.owner).await
        {
            let why = format!("failed to {error}");
            let keys = held.keys.alive.iter().map(|key| key.seen.arn.clone());
            let names = keys.chain([self.order.owner.alias()]);
            return failures.extend(names.map(|name| ((Kind::DiskKey, name), why.clone())));
        }
        for key in &held.keys.alive {
            let arn = &key.seen.arn;
            match disk_keys::end(&self.aws, arn).await {
                Ok(ends) => {
                    self.note(Kind::DiskKey, arn, Ok(()), failures);
                    self.fate(MediumKind::Key, arn, Fate::Ending { at: now(), ends });
                }
                Err(error) => self.note(Kind::DiskKey, arn, Err(format!("failed to {error}")), failures),
            }
        }
    }

    async fn one(&mut self, ours: &Inventory, kind: Kind, id: &str, failures: &mut Failures) {
        let outcome = remove_one(&self.aws, ours, kind, id).await;
        self.note(
            kind,
            id,
            outcome.map_err(|error| format!("failed to {error}")),
            failures,
        );
    }

    fn note(&mut self, kind: Kind, id: &str, outcome: Result<(), String>, failures: &mut Failures) {
        if let Err(why) = outcome {
            failures.insert((kind, id.to_owned()), why);
            return;
        }
        let thing = Removed {
            kind,
            id: id.to_owned(),
            region: self.aws.region().to_owned(),
        };
        if !self.torn.removed.contains(&thing) {
            (self.order.watch)(Event::Removed(&thing));
            self.torn.removed.push(thing);
        }
        let held_data = match kind {
            Kind::Volume => MediumKind::Disk,
            Kind::Snapshot => MediumKind::Snapshot,
            Kind::Instance => MediumKind::InstanceStore,
            _ => return,
        };
        self.fate(held_data, id, Fate::Gone { at: now() });
    }

    fn fate(&mut self, kind: MediumKind, id: &str, fate: Fate) {
        let changed = self.torn.media.becomes(self.aws.region(), kind, id, fate);
        if let Some(medium) = changed {
            (self.order.watch)(Event::Medium(medium));
        }
    }

    /// Says what is left.
    async fn end(&mut self, held: &Held, failures: &Failures) {
        let region = self.aws.region().to_owned();
        if held.is_empty() && held.keys.untold.is_empty() && held.of_no_domain.is_empty() {
            self.torn.swept.insert(region.clone());
        }
        let keys = held.keys.alive.iter().map(|key| (Kind::DiskKey, key.seen.arn.clone()));
        let alias = held.keys.named.then(|| (Kind::DiskKey, self.order.owner.alias()));
        let things = held
            .ours
            .things()
            .into_iter()
            .map(|(kind, id, _)| (kind, id.to_owned()));
        for name in things.chain(keys).chain(alias) {
            let (kind, id) = &name;
            self.torn.removed.retain(|thing| (thing.kind, &thing.id) != (*kind, id));
            let why = failures
                .get(&name)
                .map_or("AWS still shows it", String::as_str)
                .to_owned();
            self.torn.left.push(format!("{kind} {id} in {region}: {why}"));
            let medium = match kind {
                Kind::Volume => MediumKind::Disk,
                Kind::Snapshot => MediumKind::Snapshot,
                Kind::Instance => MediumKind::InstanceStore,
                Kind::DiskKey => MediumKind::Key,
                _ => continue,
            };
            self.fate(medium, id, Fate::Stays(why));
        }
        for key in &held.keys.untold {
            let why = "these credentials may not list its tags, so it is not known whose it is";
            self.torn.left.push(format!("KMS key {key} in {region}: {why}"));
        }
        self.torn.left.extend(held.of_no_domain.iter().cloned());
        self.leftovers(&held.ours).await;
    }

    /// What came of the disks without our doing, and is never removed here.
    async fn leftovers(&mut self, ours: &Inventory) {
        let region = self.aws.region().to_owned();
        for id in self.loose.clone() {
            match self.aws.volumes("volume-id", &id).await {
                Ok(found) if found.is_empty() => self.fate(MediumKind::Disk, &id, Fate::Gone { at: now() }),
                Ok(found) => {
                    let why = "it was attached to a machine of the deployment and does not carry its tags";
                    self.fate(MediumKind::Disk, &id, Fate::Stays(why.to_owned()));
                    for Volume { encrypted, key, .. } in found {
                        let readable = self.torn.media.readable(encrypted, key.as_ref());
                        let line = format!("volume {id} in {region}: {why}, so it is not removed; {readable}");
                        self.torn.left.push(line);
                    }
                }
                Err(error) => self
                    .torn
                    .left
                    .push(format!("volume {id} in {region}: failed to {error}")),
            }
        }
        match copies(&self.aws, &self.disks, ours).await {
            Ok(found) => found.iter().for_each(|copy| self.copy(copy, &region)),
            Err(error) => self
                .torn
                .left
                .push(format!("copies of the disks in {region}: failed to {error}")),
        }
    }

    fn copy(&mut self, copy: &DiskCopy, region: &str) {
        let DiskCopy { kind, id, of, .. } = copy;
        let readable = self.torn.media.readable(copy.encrypted, copy.key.as_ref());
        let line = format!("{kind} {id} in {region}: it was made of {of} and is not removed; {readable}");
        self.torn.left.push(line);
        if *kind == CopyKind::Snapshot {
            let medium = Medium {
                kind: MediumKind::Snapshot,
                id: id.clone(),
                region: region.to_owned(),
                encrypted: Some(copy.encrypted),
                key: copy.key.clone(),
                fate: Fate::Stays(format!("it was made of {of}, and not by Anteroom")),
            };
            (self.order.watch)(Event::Medium(&medium));
            self.torn.media.settle(medium);
        }
    }
}
