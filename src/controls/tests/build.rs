//! A scene in which everything holds: the lab example's spec, the host as rendered from it, and a site as a locked server
//! shows it. Tests spoil one thing in it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::civil::date;

use crate::catalog;
use crate::controls::Case;
use crate::controls::Finding;
use crate::controls::HostCase;
use crate::controls::Status;
use crate::controls::judge;
use crate::controls::tls_profile_of;
use crate::facts::AccountSeen;
use crate::facts::Asked;
use crate::facts::CertificateFacts;
use crate::facts::FirewallFacts;
use crate::facts::HostFacts;
use crate::facts::ListenerSeen;
use crate::facts::Os;
use crate::facts::PackageState;
use crate::facts::PasswordSeen;
use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::facts::Superusers;
use crate::facts::UnitFacts;
use crate::facts::cloud::CloudCase;
use crate::plan;
use crate::plan::BuildContext;
use crate::plan::Change;
use crate::plan::content_sha256;
use crate::probe::Sightings;
use crate::render;
use crate::render::Access;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::Scope;
use crate::render::UnitState;
use crate::render::Wanted;
use crate::render::included_folders;
use crate::seen::Seen;
use crate::spec::Domain;
use crate::spec::Files;
use crate::spec::RemotePath;
use crate::spec::Spec;
use crate::spec::Switches;
use crate::spec::Waiver;
use crate::spec::WaiverBasis;
use crate::spec::parse;

use super::inside;
use super::sightings;
use super::system;

/// The day on which all tests happen.
pub(super) const TODAY: Date = date(2026, 4, 1);
/// The moment at which they are judged.
pub(super) const NOW: &str = "2026-04-01T12:00:00Z";
/// The site's address.
pub(super) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

const LAB_TOKEN: &str = include_str!("../../../examples/lab.toml");
const LAB_INTERNAL: &str = include_str!("../../../examples/lab-internal.toml");

/// Everything that a case borrows.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) spec: Option<Spec>,
    pub(super) domain: Domain,
    pub(super) hosts: Vec<HostCase>,
    pub(super) outside: Seen<Sightings>,
    pub(super) cloud: Option<Seen<CloudCase>>,
    /// Whether the comparison is the spoiled facts' own, or a given one.
    compare: bool,
}

/// A deployment with tokens on which everything holds.
pub(super) fn good() -> Scene {
    static SCENE: LazyLock<Scene> = LazyLock::new(|| scene(LAB_TOKEN));
    SCENE.clone()
}

/// The same with accounts.
pub(super) fn internal() -> Scene {
    let mut scene = scene(LAB_INTERNAL);
    for view in &mut scene.seen().xmpp {
        view.forgeries.clear();
        if let Some(clinician) = &mut view.clinician {
            clinician.wrong_room = None;
        }
    }
    scene
}

fn scene(spec: &str) -> Scene {
    let read = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let files = Files {
        folder: Path::new(""),
        home: None,
        read: &read,
    };
    let spec = parse(
        Path::new("lab.toml"),
        spec.as_bytes(),
        &Switches::default(),
        TODAY,
        &files,
    )
    .unwrap();
    let wanted = render::render(&spec, &spec.hosts[0]).unwrap();
    let outside = Seen::Known(sightings::locked(&spec.deployment.domain, &wanted));
    let facts = as_wanted(&spec, &wanted);
    Scene {
        domain: spec.deployment.domain.clone(),
        spec: Some(spec),
        hosts: vec![HostCase {
            wanted,
            facts: Seen::Known(facts),
            after: inside::after(),
            compared: Seen::unknown("not compared yet"),
        }],
        outside,
        cloud: None,
        compare: true,
    }
}

impl Scene {
    /// The spec.
    pub(super) fn spec(&mut self) -> &mut Spec {
        self.spec.as_mut().unwrap()
    }

    /// The only host's facts.
    pub(super) fn facts(&mut self) -> &mut HostFacts {
        match &mut self.hosts[0].facts {
            Seen::Known(facts) => facts,
            Seen::Unknown(why) => panic!("{why}"),
        }
    }

    /// What is wanted of the only host.
    pub(super) fn wanted(&mut self) -> &mut Wanted {
        &mut self.hosts[0].wanted
    }

    /// The outside view.
    pub(super) fn seen(&mut self) -> &mut Sightings {
        match &mut self.outside {
            Seen::Known(seen) => seen,
            Seen::Unknown(why) => panic!("{why}"),
        }
    }

    /// The host did not answer.
    pub(super) fn host_is_down(&mut self) {
        self.hosts[0].facts = Seen::unknown("the host is down");
    }

    /// A waiver for a control, with the digest of what is seen now where it names a subject.
    pub(super) fn waive(&mut self, control: &str, subject: &str, created: Date, expires: Date) {
        let seen = self.findings(control);
        let pin = seen.iter().find(|finding| finding.subject == subject);
        let evidence_sha256 = match subject {
            "*" => None,
            _ => Some(pin.map_or_else(|| "0".repeat(64), |finding| finding.evidence_sha256.clone())),
        };
        self.spec().waivers.push(Waiver {
            control: control.to_owned(),
            subject: subject.to_owned(),
            justification: "the vendor mends it in May".to_owned(),
            approver: "A. Officer".to_owned(),
            created,
            expires,
            basis: WaiverBasis::RiskAccepted,
            compensating_control: Some("nurses call back".to_owned()),
            evidence_sha256,
        });
    }

    /// Without a spec and hosts: a probe of somebody's server.
    pub(super) fn probe_only(&mut self) {
        self.spec = None;
        self.hosts.clear();
    }

    /// The comparison that the tests of single rows of drift hand over.
    pub(super) fn compared(&mut self, comparison: plan::Comparison) {
        self.hosts[0].compared = Seen::Known(comparison);
        self.compare = false;
    }

    /// Compares and hands the case on.
    pub(super) fn with_case<T>(&mut self, look: impl FnOnce(&Case) -> T) -> T {
        if self.compare
            && let Some(spec) = &self.spec
        {
            for host in &mut self.hosts {
                host.compared = match &host.facts {
                    Seen::Known(facts) => plan::compare(&host.wanted, facts, &context(spec)).into(),
                    Seen::Unknown(why) => Seen::Unknown(why.clone()),
                };
            }
        }
        look(&Case {
            spec: self.spec.as_ref(),
            domain: &self.domain,
            tls_profile: self
                .spec
                .as_ref()
                .map_or_else(|| catalog::tls_profile("intermediate").unwrap(), tls_profile_of),
            today: TODAY,
            now: NOW,
            hosts: &self.hosts,
            outside: &self.outside,
            cloud: self.cloud.as_ref(),
        })
    }

    /// Every finding.
    pub(super) fn judge(&mut self) -> Vec<Finding> {
        self.with_case(judge)
    }

    /// The findings of one control.
    pub(super) fn findings(&mut self, control: &str) -> Vec<Finding> {
        let mut findings = self.judge();
        findings.retain(|finding| finding.control.id == control);
        findings
    }

    /// The worst word of one control; `None` where it says nothing.
    pub(super) fn word(&mut self, control: &str) -> Option<Status> {
        self.findings(control).iter().map(|finding| finding.status).max()
    }
}

fn context(spec: &Spec) -> BuildContext {
    BuildContext {
        deployment: spec.deployment.name.clone(),
        domain: spec.deployment.domain.clone(),
        tool_version: "0.1.0".to_owned(),
    }
}

/// The facts of a host on which a plan was carried out.
fn as_wanted(spec: &Spec, wanted: &Wanted) -> HostFacts {
    let mut facts = HostFacts {
        at: "2026-04-01T11:59:00Z".to_owned(),
        asked: Asked {
            began: "2026-04-01T11:58:59Z".parse().unwrap(),
            ended: "2026-04-01T11:59:02Z".parse().unwrap(),
        },
        os: Seen::Known(Os {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            pretty: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        }),
        init: Seen::Known("systemd".to_owned()),
        manifest: Seen::Known(None),
        lock: Seen::Known(None),
        files: files(wanted),
        packages: Seen::Known(packages(wanted)),
        apt_keys: BTreeMap::new(),
        units: units(wanted),
        listeners: Seen::Known(listeners(wanted)),
        firewall: Seen::Known(FirewallFacts {
            running: Some("table inet anteroom {}".to_owned()),
            on_disk: Some("table inet anteroom {}".to_owned()),
        }),
        media_packets: Seen::Known(Some(7)),
        sshd: Seen::Known(wanted.sshd.clone()),
        sshd_as: Seen::Known(BTreeMap::from([(
            "user=root,host=203.0.113.7,addr=203.0.113.7".to_owned(),
            wanted.sshd.clone(),
        )])),
        sshd_blocks: Seen::Known(Vec::new()),
        folders: included_folders(wanted)
            .into_iter()
            .map(|folder| (folder, Seen::Known(BTreeMap::new())))
            .collect(),
        superusers: Seen::Known(Superusers {
            login: "root".to_owned(),
            accounts: BTreeMap::new(),
            root_keys: vec!["256 SHA256:abc ann (ED25519)".to_owned()],
        }),
        unfinished: Seen::Known(Vec::new()),
        access_lists: Seen::Known(BTreeSet::new()),
        accounts: Seen::Known(BTreeMap::new()),
        secrets: Seen::Known(wanted.secrets.iter().map(|name| (name.clone(), 64)).collect()),
        certificates: BTreeMap::new(),
        addresses: Seen::Known(vec![ADDRESS]),
        system: system::as_wanted(wanted),
        inside: inside::as_wanted(wanted),
    };
    for key in &wanted.apt_keys {
        let held = Seen::Known(vec![key.fingerprint.clone()]);
        facts.apt_keys.insert(key.path.clone(), held);
    }
    let same = AccountSeen {
        password: PasswordSeen::Matches,
    };
    let accounts = wanted
        .accounts
        .iter()
        .map(|account| (account.jid.clone(), same.clone()));
    facts.accounts = Seen::Known(accounts.collect());
    for made in &wanted.certificates {
        let certificate = CertificateFacts {
            names: made.names.clone(),
            not_after: 1_900_000_000,
            key_matches: true,
        };
        facts
            .certificates
            .insert(made.certificate.clone(), Seen::Known(Some(certificate)));
    }
    // The manifest is the one that a build of this host ends with where nothing stood before.
    let mut before = facts.clone();
    for state in before.files.values_mut() {
        *state = Seen::Known(PathState::Absent);
    }
    let plan = plan::build(wanted, &before, &context(spec)).unwrap();
    let Some(Change::Manifest { content }) = plan.changes.last() else {
        panic!("a build ends with the manifest")
    };
    facts.manifest = Seen::Known(Some(serde_json::from_str(content).unwrap()));
    facts
}

fn files(wanted: &Wanted) -> BTreeMap<RemotePath, Seen<PathState>> {
    let mut files = BTreeMap::new();
    for (path, entry) in &wanted.tree {
        let state = match entry {
            Entry::File(rendered) => {
                let mut state = file(&rendered.access, content_sha256(&rendered.content));
                if let (PathState::File { content, .. }, FileContent::Text(text)) = (&mut state, &rendered.content) {
                    *content = Some(text.clone());
                }
                state
            }
            Entry::Dir(access) => PathState::Dir {
                owner: access.owner.clone(),
                group: access.group.clone(),
                mode: access.mode,
            },
            Entry::Link { target } => PathState::Link { target: target.clone() },
        };
        files.insert(path.clone(), Seen::Known(state));
    }
    for path in &wanted.forbidden {
        files.insert(path.clone(), Seen::Known(PathState::Absent));
    }
    for made in &wanted.certificates {
        let open = access("root", 0o644);
        let digest = || "c".repeat(64);
        files.insert(made.certificate.clone(), Seen::Known(file(&open, digest())));
        files.insert(made.key.clone(), Seen::Known(file(&made.key_access, "d".repeat(64))));
        if let Some(place) = plan::trust_place(made) {
            files.insert(place, Seen::Known(file(&open, digest())));
        }
    }
    let secrets = file(&access("root", 0o600), "e".repeat(64));
    files.insert(SECRETS_FILE.parse().unwrap(), Seen::Known(secrets));
    files
}

fn access(user: &str, mode: u32) -> Access {
    Access {
        owner: user.to_owned(),
        group: user.to_owned(),
        mode,
    }
}

fn file(access: &Access, sha256: String) -> PathState {
    PathState::File {
        owner: access.owner.clone(),
        group: access.group.clone(),
        mode: access.mode,
        sha256,
        content: None,
        modified: 999,
    }
}

fn packages(wanted: &Wanted) -> BTreeMap<String, PackageState> {
    let state = |package: &render::PackageWanted| PackageState {
        version: package
            .version
            .clone()
            .unwrap_or_else(|| inside::plain_version(package).to_owned()),
        installed: true,
        held: package.held,
        origins: package.origin.clone().into_iter().collect(),
    };
    wanted
        .packages
        .iter()
        .map(|package| (package.name.clone(), state(package)))
        .collect()
}

fn units(wanted: &Wanted) -> BTreeMap<String, Seen<UnitFacts>> {
    let facts = |state: UnitState| {
        let (load, active, enabled) = match state {
            UnitState::Running => ("loaded", "active", "enabled"),
            UnitState::Masked => ("masked", "inactive", "masked"),
        };
        UnitFacts {
            load: load.to_owned(),
            active: active.to_owned(),
            sub: String::new(),
            enabled: enabled.to_owned(),
            started: 1000,
            restarts: 0,
            fragment: "/lib/systemd/system/x.service".to_owned(),
            drop_ins: Vec::new(),
            runs: Vec::new(),
        }
    };
    wanted
        .units
        .iter()
        .map(|unit| (unit.name.clone(), Seen::Known(facts(unit.state))))
        .collect()
}

fn listeners(wanted: &Wanted) -> Vec<ListenerSeen> {
    let socket = |listener: &render::Listener| ListenerSeen {
        transport: listener.transport,
        address: match listener.scope {
            Scope::Loopback => Ipv4Addr::LOCALHOST.into(),
            Scope::Public | Scope::Admins => Ipv4Addr::UNSPECIFIED.into(),
        },
        port: listener.port,
        processes: vec!["a process".to_owned()],
        units: BTreeSet::from([listener.unit.clone()]),
    };
    let always = wanted.listeners.iter().filter(|listener| listener.always);
    always.map(socket).collect()
}
