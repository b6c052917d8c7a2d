//! What the fault loops share: hosts to start from, plans for them, what an undisturbed run makes of them, and the next
//! run after a fault.

use crate::deployment::context;
use crate::fake_disk;
use crate::fake_host::FakeHost;
use crate::fake_host::Link;
use crate::fake_host::quietly;
use crate::fake_world::World;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault_theirs::kind;
use anteroom::apply::Applied;
use anteroom::apply::ApplyError;
use anteroom::apply::Event;
use anteroom::apply::Left;
use anteroom::apply::Operator;
use anteroom::apply::Restored;
use anteroom::apply::carry_out;
use anteroom::apply::describe;
use anteroom::apply::forget_kept;
use anteroom::facts;
use anteroom::plan::Change;
use anteroom::plan::Hardening;
use anteroom::plan::Plan;
use anteroom::plan::build;
use anteroom::plan::remove;
use anteroom::render::Wanted;
use anteroom::render::render;
use anteroom::spec::AptKeySource;
use anteroom::spec::Files;
use anteroom::spec::Switches;
use anteroom::spec::parse;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// What the loop shares: what is wanted, the fresh disk, and what an undisturbed run makes of it.
pub(crate) struct Ground {
    pub(crate) wanted: Wanted,
    home: TempDir,
    pub(crate) fresh: World,
    pub(crate) plan: Plan,
    pub(crate) deployed: World,
    pub(crate) removal: Plan,
    /// What an undisturbed removal could not take away.
    pub(crate) left: Vec<Left>,
    pub(crate) removed: World,
}

/// A whole core host: the example's.
pub(crate) fn wanted() -> Wanted {
    let spec = include_str!("../../examples/lab.toml");
    let files = Files {
        folder: Path::new(""),
        home: None,
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let day = "2026-04-01".parse().unwrap();
    let spec = parse(
        Path::new("lab.toml"),
        spec.as_bytes(),
        &Switches::default(),
        day,
        &files,
    )
    .unwrap();
    let mut wanted = render(&spec, &spec.hosts[0]).unwrap();
    for key in &mut wanted.apt_keys {
        key.source = AptKeySource::Armored(format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\nFingerprint: {}\n",
            key.fingerprint
        ));
    }
    wanted
}

pub(crate) fn me() -> Operator {
    Operator {
        user: "tester".into(),
        computer: "bench".into(),
        verb: "apply".into(),
    }
}

/// What a look at the host comes to. The dead man's switch is set to two minutes of the host's clock,
/// which are some seconds of this computer's.
pub(crate) fn plan(link: &mut Link, wanted: &Wanted) -> Plan {
    let facts = facts::collect(link, &facts::request(wanted)).unwrap();
    let mut plan = build(wanted, &facts, &context()).unwrap();
    for change in &mut plan.changes {
        if let Change::Arm { seconds } = change {
            *seconds = 120;
        }
    }
    plan
}

pub(crate) fn removal(link: &mut Link, wanted: &Wanted, hardening: Hardening) -> Plan {
    let facts = facts::collect(link, &facts::request(wanted)).unwrap();
    remove(&facts, &wanted.host, hardening).unwrap().0
}

pub(crate) fn go(link: &mut Link, plan: &Plan) -> Result<Applied, ApplyError> {
    carry_out(link, plan, &me(), &mut quietly)
}

/// Carries a plan out whose engine is killed in one change. Where that was on probation, the host undoes it by itself.
pub(crate) fn go_killed(host: &FakeHost, plan: &Plan, at: usize, acts: usize) -> ApplyError {
    let kind = FaultKind::Killed(acts);
    let mut link = host.link(Some(Fault::new(at, kind)));
    let mut begun = None;
    let error = carry_out(&mut link, plan, &me(), &mut |event| {
        if let Event::Begin(change) = event {
            begun = Some(change);
        }
    })
    .unwrap_err();
    let restored = Restored::Fully;
    let host = plan.host.clone();
    match &error {
        ApplyError::Died { .. } => {}
        ApplyError::CutShort { .. } => {
            assert_eq!(error.to_string(), ApplyError::CutShort { host, restored }.to_string())
        }
        _ => panic!("{error}"),
    }
    assert_eq!(begun, Some(at));
    error
}

/// Keeps a host's disk as a template for further ones.
fn keep_disk(host: &FakeHost, place: &Path) {
    std::fs::create_dir(place).unwrap();
    let parts = "bin sbin lib lib64 etc opt root srv usr var".split(' ');
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args(parts.map(|part| host.view().join(part)))
        .arg(place)
        .status()
        .unwrap();
    assert!(copied.success());
}

impl Ground {
    /// A host of one case; `name` keeps cases that run at the same time apart.
    pub(crate) fn host(&self, name: &str) -> FakeHost {
        FakeHost::new(&self.home.path().join("fresh"), &self.home.path().join(name))
    }

    /// The same after an undisturbed run and a reboot.
    pub(crate) fn deployed_host(&self, name: &str) -> FakeHost {
        FakeHost::new(&self.home.path().join("deployed"), &self.home.path().join(name))
    }

    fn lay_fresh() -> Self {
        let wanted = wanted();
        let home = TempDir::new().unwrap();
        fake_disk::write(&home.path().join("fresh"), &wanted);
        Self::lay(wanted, home)
    }

    /// What is wanted from a folder whose disk is written.
    fn lay(wanted: Wanted, home: TempDir) -> Self {
        let host = FakeHost::new(&home.path().join("fresh"), &home.path().join("ground"));
        let mut link = host.link(None);
        let fresh = World::of(&host);
        let plan = plan(&mut link, &wanted);
        go(&mut link, &plan).unwrap();
        forget_kept(&mut link).unwrap();
        let deployed = World::of(&host).without_chance();
        keep_disk(&host, &home.path().join("deployed"));
        let removal = removal(&mut link, &wanted, Hardening::Remove);
        let gone = go(&mut link, &removal).unwrap();
        forget_kept(&mut link).unwrap();
        let removed = World::of(&host);
        drop(host);
        Self {
            wanted,
            home,
            fresh,
            plan,
            deployed,
            removal,
            left: gone.left,
            removed,
        }
    }
}

/// A fresh host. Laid once for all tests; `None` where this computer cannot make namespaces.
pub(crate) fn ground() -> Option<&'static Ground> {
    static GROUND: OnceLock<Option<Ground>> = OnceLock::new();
    laid(&GROUND, Ground::lay_fresh)
}

/// What somebody has made of a host before us: packages, services and data of the kinds that we bring, too.
const THEIRS: &str = "apt-get -q install nginx coturn jicofo jitsi-meet-prosody=0.9
echo '# their site' >/etc/nginx/sites-enabled/theirs
chmod 0600 /etc/nginx/nginx.conf
apt-mark hold nginx
systemctl stop coturn.service
systemctl disable coturn.service
echo '# their TURN' >>/etc/turnserver.conf
echo 'jitsi-meet-prosody jitsi-meet/jaas-choice boolean true' | debconf-set-selections
echo '# their settings' >>/etc/jitsi/jicofo/config
systemctl disable jicofo.service
dpkg --remove jicofo
echo 'un ' >/var/lib/double/packages/prosody
mkdir -p /var/lib/prosody
echo 'their accounts' >/var/lib/prosody/theirs.dat";

/// A host on which nginx is somebody else's, enabled and running and held; coturn theirs, too, and disabled; a package of
/// theirs is older than what is wanted, and was asked questions; one was removed and left its configuration; and of one
/// only the name is left, and data that somebody keeps.
pub(crate) fn ground_of_theirs() -> Option<&'static Ground> {
    static GROUND: OnceLock<Option<Ground>> = OnceLock::new();
    laid(&GROUND, || {
        let mut wanted = wanted();
        let older = wanted
            .packages
            .iter_mut()
            .find(|package| package.name == "jitsi-meet-prosody");
        older.unwrap().version = Some("1.0".to_owned());
        let home = TempDir::new().unwrap();
        fake_disk::write(&home.path().join("bare"), &wanted);
        let host = FakeHost::new(&home.path().join("bare"), &home.path().join("theirs"));
        host.link(None).must(&format!("set -e\n{THEIRS}"));
        keep_disk(&host, &home.path().join("fresh"));
        Ground::lay(wanted, home)
    })
}

/// The same host with a deployment of ours, from whose spec TURN is dropped: coturn runs because of us, and is to stop.
pub(crate) fn ground_without_turn() -> Option<&'static Ground> {
    static GROUND: OnceLock<Option<Ground>> = OnceLock::new();
    let before = ground_of_theirs()?;
    laid(&GROUND, || {
        let mut wanted = before.wanted.clone();
        let turn = |text: &str| text.contains("coturn") || text.contains("turnserver");
        wanted.units.retain(|unit| !turn(&unit.name));
        wanted.listeners.retain(|listener| !turn(&listener.unit));
        wanted.packages.retain(|package| !turn(&package.name));
        wanted.tree.retain(|path, _| !turn(path.as_str()));
        let home = TempDir::new().unwrap();
        std::os::unix::fs::symlink(before.home.path().join("deployed"), home.path().join("fresh")).unwrap();
        Ground::lay(wanted, home)
    })
}

fn laid(ground: &'static OnceLock<Option<Ground>>, lay: impl FnOnce() -> Ground) -> Option<&'static Ground> {
    let laid = ground.get_or_init(|| {
        let tried = std::process::Command::new("unshare")
            .args(["--mount", "--pid", "--net", "--ipc", "--fork", "true"])
            .output();
        let can = tried.is_ok_and(|tried| tried.status.success());
        let required = std::env::var("ANTEROOM_TESTS").is_ok_and(|tests| tests == "require");
        assert!(
            can || !required,
            "this computer cannot make namespaces; the fault loop needs root"
        );
        can.then(lay)
    });
    if laid.is_none() {
        eprintln!("skipped: this computer cannot make namespaces; the fault loop needs root");
    }
    laid.as_ref()
}

/// Those of the places at which a case is tried: the first change of every kind. All of them take hours on two
/// processors, in which `ANTEROOM_FAULT_AT=all` tries them; numbers look at some again.
pub(crate) fn chosen(changes: &[Change], places: &[usize]) -> Vec<usize> {
    let places = places.iter().copied();
    match asked().as_deref() {
        Some("all") => places.collect(),
        Some(asked) => {
            let asked: Vec<usize> = asked.split(',').map(|at| at.parse().unwrap()).collect();
            places.filter(|at| asked.contains(at)).collect()
        }
        None => {
            let mut kinds = BTreeSet::new();
            places.filter(|at| kinds.insert(kind(&changes[*at]))).collect()
        }
    }
}

fn asked() -> Option<String> {
    std::env::var("ANTEROOM_FAULT_AT").ok()
}

pub(crate) fn all(changes: &[Change]) -> Vec<usize> {
    (0..changes.len()).collect()
}

/// Runs a case for every change that is chosen.
pub(crate) fn for_every(changes: &[Change], case: impl Fn(usize) + Sync) {
    for_each(changes, &chosen(changes, &all(changes)), case);
}

/// How many loops whose cases are long share the changes among them.
const PARTS: usize = 3;

/// The same for some of the changes, and of those only the loop's own part, where nothing else is asked for.
pub(crate) fn for_part(changes: &[Change], part: usize, places: &[usize], case: impl Fn(usize) + Sync) {
    let own = |index: usize| asked().is_some() || index % PARTS == part;
    let chosen = chosen(changes, places).into_iter().enumerate();
    let chosen = chosen.filter(|(index, _)| own(*index)).map(|(_, at)| at);
    for_each(changes, &chosen.collect::<Vec<_>>(), case);
}

/// On as many hosts at a time as there are processors. Every change that fails is told.
fn for_each(changes: &[Change], chosen: &[usize], case: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let began = std::time::Instant::now();
    let width = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                loop {
                    let Some(&at) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let change = &changes[at];
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(at))).is_err() {
                        wrong.lock().unwrap().push(format!("{at}: {}", describe(change)));
                    }
                }
            });
        }
    });
    eprintln!(
        "{} of {} changes tried in {} s",
        chosen.len(),
        changes.len(),
        began.elapsed().as_secs()
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), changes.len());
}

#[track_caller]
pub(crate) fn expect_same(before: &World, after: &World, when: &str) {
    let lines = before.differences(after);
    assert!(lines.is_empty(), "{when}: {lines:#?}");
}

/// The next run of the tool, from a look of its own: it gets to exactly where an undisturbed run gets.
pub(crate) fn converge(host: &FakeHost, ground: &Ground) {
    let mut link = host.link(None);
    let next = plan(&mut link, &ground.wanted);
    match go(&mut link, &next) {
        Err(ApplyError::Recovered { .. }) => {
            let next = plan(&mut link, &ground.wanted);
            go(&mut link, &next).unwrap();
        }
        ended => drop(ended.unwrap()),
    }
    forget_kept(&mut link).unwrap();
    let again = plan(&mut link, &ground.wanted);
    assert_eq!(again.changes, [], "a second plan: {:#?}", again.drift);
    expect_same(
        &ground.deployed,
        &World::of(host).without_chance(),
        "after the next run",
    );
}

/// The next removal, from a look of its own: it finishes, and nothing is left that was not there before.
pub(crate) fn finish_removal(host: &FakeHost, ground: &Ground) {
    let mut link = host.link(None);
    let rest = removal(&mut link, &ground.wanted, Hardening::Remove);
    let gone = go(&mut link, &rest).unwrap();
    assert_eq!(gone.left, [], "{:#?}", gone.left);
    forget_kept(&mut link).unwrap();
    expect_same(&ground.fresh, &World::of(host), "after the next removal");
    assert_eq!(removal(&mut link, &ground.wanted, Hardening::Remove).changes, []);
}

/// Which thing that a change does is the last before it is killed: another one for every change, the same in every run.
pub(crate) fn act(at: usize, salt: usize) -> usize {
    (at * 7 + salt) % 9
}
