//! Machines in AWS for the commands: looks, makes, removes, and says errors the way an operator can use them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use crate::commands::account::open;
use crate::commands::account::open_quietly;
use crate::commands::disposal;
use crate::commands::disposal::Head;
use crate::commands::disposal::Record;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::controls;
use crate::controls::Admission;
use crate::facts;
use crate::facts::cloud::CloudCase;
use crate::facts::cloud::CloudWanted;
use crate::machines::Absent;
use crate::machines::Machine;
use crate::machines::aws;
use crate::machines::aws::Change;
use crate::machines::aws::CloudError;
use crate::machines::aws::Consent;
use crate::machines::aws::Inventory;
use crate::machines::aws::Leaving;
use crate::machines::aws::Opening;
use crate::machines::aws::Stakes;
use crate::machines::aws::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Place;
use crate::render;
use crate::render::Scope;
use crate::render::Transport;
use crate::report::plan_json::CloudChange;
use crate::seen::Seen;
use crate::spec::AwsMachines;
use crate::spec::Environment;
use crate::spec::HostName;
use crate::spec::Machines;
use crate::spec::Spec;

/// A deployment's part of an account, looked at.
pub(crate) struct Cloud {
    pub(super) api: Aws,
    pub(super) wanted: Wanted,
    pub(super) seen: Inventory,
    pub(super) settings: AwsMachines,
    changes: Vec<Change>,
    found: Option<aws::Found>,
}

/// The deployment's part of the account, where its machines are in AWS.
pub(crate) fn look(spec: &Spec, leaving: Leaving, ui: &Ui) -> Result<Option<Cloud>, CommandError> {
    match &spec.machines {
        Machines::Aws(settings) => Cloud::look(spec, settings, leaving, ui).map(Some),
        Machines::Existing | Machines::Lab | Machines::Terraform(_) => Ok(None),
    }
}

impl Cloud {
    /// Looks, and compares with the spec. Nothing is changed.
    fn look(spec: &Spec, settings: &AwsMachines, leaving: Leaving, ui: &Ui) -> Result<Self, CommandError> {
        ui.doing(&format!(
            "asking AWS about {} in {}",
            spec.deployment.name, settings.region
        ));
        let (api, _) = open(spec, settings, ui)?;
        let wanted = Wanted {
            leaving,
            ..aws::wanted(spec, settings, &openings(spec)?, Timestamp::now())
        };
        let seen = api.wait(aws::look(&api, &wanted)).map_err(|error| failed(&error))?;
        let unseen = api
            .wait(aws::refuse_elsewhere(&api, &wanted, &seen))
            .map_err(|error| failed(&error))?;
        unseen.iter().for_each(|line| ui.say(line));
        let changes = aws::diff(&wanted, &seen);
        Ok(Self {
            api,
            wanted,
            seen,
            settings: settings.clone(),
            changes,
            found: None,
        })
    }

    /// Every change, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.changes)
    }

    /// Every change, for programs.
    pub(crate) fn changes(&self) -> Vec<CloudChange> {
        let row = |change: &Change| CloudChange {
            depth: change.depth().word(),
            host: change.host().map(str::to_owned),
            change: change.to_string(),
            by: change.by().word(),
            ends_machine: change.ends_machine().map(str::to_owned),
        };
        self.changes.iter().map(row).collect()
    }

    /// The names under which the operator has to agree that a machine of production goes with its disk.
    pub(crate) fn ending(&self) -> Vec<String> {
        if !self.wanted.protected() && self.seen.production().is_empty() {
            return Vec::new();
        }
        let ending = self.changes.iter().filter_map(Change::ends_machine);
        ending.map(str::to_owned).collect()
    }

    /// Hosts whose machine would be new.
    pub(crate) fn new_machines(&self) -> Vec<HostName> {
        let made = |change: &Change| match change {
            Change::MakeMachine(host) => Some(host.clone()),
            _ => None,
        };
        self.changes.iter().filter_map(made).collect()
    }

    /// The machines that can be logged in to, and the hosts whose machine is not there yet or not known by its host key.
    pub(crate) fn machines(&self, spec: &Spec) -> (Vec<Machine>, Vec<Absent>) {
        known(spec, &self.settings, &self.seen)
    }

    /// Refuses production whose agreement is not proved and not waived.
    pub(crate) fn refuse_without_agreement(&self, spec: &Spec, ui: &Ui) -> Result<(), CommandError> {
        if spec.deployment.environment != Environment::Production {
            return Ok(());
        }
        ui.doing("asking AWS Artifact for the business associate agreement");
        let agreement = self.api.wait(facts::cloud::ask_agreement(&self.api));
        match controls::admits_production(&agreement, spec, jiff::Zoned::now().date()) {
            Ok(Admission::InForce(_)) => Ok(()),
            Ok(Admission::Waived { why, waiver }) => {
                ui.say(&format!(
                    "the agreement could not be seen: failed to {why}; {} accepted that until {}, and the audit still says \
                     that it was not seen",
                    waiver.approver, waiver.expires
                ));
                Ok(())
            }
            Err(refusal) => {
                let refused = CommandError::refused(refusal.to_string());
                Err(refusal.hints().into_iter().fold(refused, CommandError::hint))
            }
        }
    }

    /// Makes these changes and no others, and learns the host keys of machines that are new.
    pub(crate) fn make(&mut self, spec: &Spec, ui: &Ui) -> Result<Vec<Machine>, CommandError> {
        if let Some(found) = self.found.take() {
            let say = |text: &str| ui.say(text);
            let made = aws::apply(&self.api, &self.wanted, &found, &self.changes, &say);
            self.seen = self.api.wait(made).map_err(|error| failed(&error))?;
        }
        let say = |text: &str| ui.doing(text);
        let found = self
            .api
            .wait(aws::machines(&self.api, spec, &self.settings, &self.seen, &say));
        found.map_err(|error| failed(&error))
    }

    /// Refuses with everything that is in the way of the changes, before any of them is made.
    pub(crate) fn preflight(&mut self, ui: &Ui) -> Result<(), CommandError> {
        if !self.changes.is_empty() {
            ui.doing("rehearsing the changes with AWS");
            let ahead = aws::preflight(&self.api, &self.wanted, &self.seen, &self.changes);
            let found = self.api.wait(ahead).map_err(|error| failed(&error))?;
            found.notes.iter().for_each(|note| ui.say(&format!("aws: {note}")));
            self.found = Some(found);
        }
        Ok(())
    }
}

/// The machines and addresses that AWS holds of the deployment.
fn hosts(spec: &Spec, settings: &AwsMachines, ui: &Ui) -> Result<Inventory, CommandError> {
    ui.doing(&format!(
        "asking AWS about {} in {}",
        spec.deployment.name, settings.region
    ));
    let (api, _) = open(spec, settings, ui)?;
    api.wait(aws::hosts(&api, &aws::owner(spec)))
        .map_err(|error| called(&error))
}

/// The machines that can be logged in to, and the hosts without one. Asks for no more than that takes, so that an audit
/// tells of whatever else these credentials may not ask.
pub(crate) fn find(spec: &Spec, settings: &AwsMachines, ui: &Ui) -> Result<(Vec<Machine>, Vec<Absent>), CommandError> {
    let seen = hosts(spec, settings, ui)?;
    Ok(known(spec, settings, &seen))
}

/// The machines that an audit looks at. One whose host key was never written down is among them: it is logged in to only
/// where this computer's `known_hosts` knows it. One that is not there is told; what else the account holds is audited.
pub(crate) fn to_audit(spec: &Spec, settings: &AwsMachines, ui: &Ui) -> Result<Vec<Machine>, CommandError> {
    let seen = hosts(spec, settings, ui)?;
    let (mut machines, absent) = known(spec, settings, &seen);
    let keyless = aws::keyless_machines(spec, settings, &seen);
    for host in &absent {
        let there = keyless.iter().any(|machine| machine.host.name == host.host.name);
        ui.say(&if there {
            format!("{}: its host key is not written down in AWS", host.machine_name)
        } else {
            format!("{}: there is no machine, and nothing to see on it", host.machine_name)
        });
    }
    machines.extend(keyless);
    Ok(machines)
}

fn known(spec: &Spec, settings: &AwsMachines, seen: &Inventory) -> (Vec<Machine>, Vec<Absent>) {
    let found = aws::known_machines(spec, settings, seen);
    let absent = spec
        .hosts
        .iter()
        .filter(|host| found.iter().all(|machine| machine.host.name != host.name));
    let absent = absent.map(|host| Absent {
        host: host.clone(),
        machine_name: format!("{}-{}", spec.deployment.name, host.name)
            .parse()
            .unwrap_or_else(|_| host.name.clone()),
    });
    let absent = absent.collect();
    (found, absent)
}

/// What the cloud says of the deployment, beside what the spec wants of it; `None` where no cloud makes the hosts.
pub(crate) fn facts(spec: &Spec, ui: &Ui) -> Option<Seen<CloudCase>> {
    let Machines::Aws(settings) = &spec.machines else {
        return None;
    };
    ui.doing(&format!("asking AWS about everything of {}", spec.deployment.name));
    let opened = openings(spec).and_then(|openings| Ok((open_quietly(spec, settings)?.0, openings)));
    let (api, openings) = match opened {
        Ok(opened) => opened,
        Err(error) => return Some(Seen::unknown(error.message)),
    };
    let wanted = aws::wanted(spec, settings, &openings, Timestamp::now());
    let (all, refused, drift) = match api.wait(aws::look_without_refusing(&api, &wanted)) {
        Ok(looked) => {
            let drift = lines(&aws::diff(&wanted, &looked.ours));
            (Some(looked.all), looked.refused, Seen::Known(drift))
        }
        Err(error) => (None, Vec::new(), Seen::unknown(error)),
    };
    let look = facts::cloud::look(&api, &wanted.owner, &wanted.network, all);
    let open = wanted.hosts.iter();
    let open = open.map(|host| (host.name.to_string(), host.open.clone()));
    Some(Seen::Known(CloudCase {
        wanted: CloudWanted {
            open: open.collect(),
            egress: aws::egress(),
            recorded: wanted.flow_logs.is_some() || wanted.protected(),
            flow_logs: wanted.flow_logs.clone(),
            tags: facts::cloud::tags_of(spec),
            ends: spec.deployment.environment.is_test(),
        },
        facts: api.wait(look),
        refused,
        drift,
    }))
}

fn lines(changes: &[Change]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// Ports that everybody may reach, by host.
fn openings(spec: &Spec) -> Result<BTreeMap<HostName, BTreeSet<Opening>>, CommandError> {
    let mut all = BTreeMap::new();
    for host in &spec.hosts {
        let wanted = render::render(spec, host).map_err(CommandError::failed)?;
        let public = wanted
            .listeners
            .iter()
            .filter(|listener| listener.scope == Scope::Public);
        let openings = public.map(|listener| Opening {
            protocol: match listener.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            },
            ports: (listener.port, listener.last_port),
        });
        all.insert(host.name.clone(), openings.collect());
    }
    Ok(all)
}

/// What a destruction removed, kept and left, a line each, and the record of what became of the data.
pub(crate) struct Destroyed {
    pub(crate) removed: Vec<String>,
    pub(crate) kept: Vec<String>,
    pub(crate) left: Vec<String>,
    pub(crate) record: serde_json::Value,
}

/// Removes everything of a deployment that is seen in any region but those left out, when `confirm` agrees to what is at
/// stake. With a path, the disposal record is written there.
pub(crate) fn destroy(
    spec: &Spec,
    settings: &AwsMachines,
    path: Option<&Path>,
    skip: &BTreeSet<String>,
    confirm: impl FnOnce(&Stakes) -> Result<Consent, CommandError>,
    ui: &Ui,
) -> Result<Destroyed, CommandError> {
    ui.doing(&format!("asking AWS about {} in every region", spec.deployment.name));
    let (api, _) = open(spec, settings, ui)?;
    let owner = aws::owner(spec);
    let identity = api.wait(api.identity()).map_err(|error| called(&error))?;
    let head = Head {
        owner: owner.clone(),
        spec: Some(spec.source.sha256.clone()),
        identity,
        region: api.region().to_owned(),
    };
    let mut record = Record::open(head, path)?;
    let survey = api.wait(aws::survey(&api, &owner, skip));
    let survey = survey.map_err(|error| called(&error))?;
    ui.done();
    for line in survey.lines().iter().chain(&survey.unseen.lines()) {
        ui.say(line);
    }
    let consent = confirm(&Stakes::of(&spec.deployment.environment, &survey.things()))?;
    record.begin(survey.media());
    let record = RefCell::new(record);
    let say = |text: &str| ui.say(text);
    let torn = {
        let watch = disposal::watch(&record, &say);
        let zone = settings.dns_zone.as_deref();
        api.wait(aws::destroy(&api, &owner, &survey, zone, consent, &watch))
    };
    let (document, trouble) = record.into_inner().end(&torn);
    let skipped = torn.unseen.skipped.iter();
    let skipped = skipped.map(|region| format!("whatever is in {region}: it was not swept, as asked"));
    Ok(Destroyed {
        removed: disposal::lines(&torn),
        left: disposal::left(&torn).into_iter().chain(trouble).collect(),
        kept: torn.kept.iter().cloned().chain(skipped).collect(),
        record: document,
    })
}

/// The account that the environment or a profile names, for `reap`.
pub(super) fn account(profile: Option<String>, region: Option<String>) -> Result<Aws, CommandError> {
    Aws::open(&Place { region, profile }).map_err(|error| called(&error))
}

/// A call that failed.
pub(super) fn called(error: &AwsError) -> CommandError {
    CommandError::failed(error).hint(error.hint())
}

fn failed(error: &CloudError) -> CommandError {
    error
        .hints()
        .into_iter()
        .fold(CommandError::failed(error), CommandError::hint)
}
