//! The fault loop on a real host: one plan with a change of every kind for a host that is deployed, a fault at each; then
//! a removal that is cut short again and again. And firewall and sshd settings that shut their own operator out.

use std::collections::BTreeSet;

use anteroom::apply::ApplyError;
use anteroom::apply::Event;
use anteroom::apply::Restored;
use anteroom::apply::carry_out;
use anteroom::apply::describe;
use anteroom::apply::forget_kept;
use anteroom::machines::lab::Lab;
use anteroom::plan::Change;
use anteroom::plan::Hardening;
use anteroom::plan::Plan;
use anteroom::plan::UnitAction;
use anteroom::plan::build;
use anteroom::plan::content_sha256;
use anteroom::plan::remove;
use anteroom::render::AccountWanted;
use anteroom::render::Check;
use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::GeneratedCertificate;
use anteroom::render::Preseed;
use anteroom::render::SecretName;
use anteroom::secret::Secret;

use crate::deployment::access;
use crate::deployment::context;
use crate::deployment::hardening;
use crate::deployment::path;
use crate::deployment::text;
use crate::deployment::wanted;
use crate::deployment_facts::as_wanted;
use crate::deployment_facts::fresh_facts;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault_ground::all;
use crate::fault_ground::chosen;
use crate::fault_theirs::kind;
use crate::real_bench::assert_same;
use crate::real_bench::go;
use crate::real_bench::good_plan;
use crate::real_bench::host;
use crate::real_bench::look;
use crate::real_bench::me;
use crate::real_bench::snapshot;
use crate::real_bench::take_away;
use crate::ssh_client_host::SshClientHost;

/// What the changes of `every_kind` find, beside the small deployment: files and services of somebody else's, and one
/// file of ours where something of theirs stood.
const THEIRS: &str = "mkdir -p /usr/local/lib/systemd/system /var/lib/anteroom/before/etc/jitsi
for name in on off masked; do
    printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
        >/usr/local/lib/systemd/system/theirs-$name.service
done
systemctl daemon-reload
systemctl enable --quiet --now theirs-on.service
systemctl mask --quiet theirs-masked.service
echo theirs >/etc/jitsi/over
echo theirs >/etc/jitsi/gone
echo theirs >/var/lib/anteroom/before/etc/jitsi/back
echo ours >/etc/jitsi/back
chmod 0644 /etc/jitsi/over /etc/jitsi/gone /etc/jitsi/back /var/lib/anteroom/before/etc/jitsi/back";

/// The end of it.
const THEIRS_GONE: &str = "systemctl disable --quiet --now theirs-on theirs-off
rm /usr/local/lib/systemd/system/theirs-*.service
rmdir /usr/local/lib/systemd/system /usr/local/lib/systemd 2>/dev/null || true
systemctl daemon-reload
rm -r /etc/jitsi/over /etc/jitsi/back /etc/jitsi/further";

/// A change of every kind, in the order of a build, for a host that holds the small deployment. An apt key is not among
/// them: its steps are those of a file.
fn every_kind() -> Vec<Change> {
    let deployed = wanted();
    let put = |at: &str, entry: Entry| {
        let before = deployed.tree.get(&path(at)).map(as_wanted);
        Change::Put {
            path: path(at),
            entry,
            before: before.unwrap_or(anteroom::plan::PathState::Absent),
            keep: None,
        }
    };
    let unit = |name: &str, action: UnitAction| Change::Unit {
        name: name.into(),
        action,
        why: "the test wants it".into(),
        listens: Vec::new(),
    };
    let Some(Change::Manifest { content }) = good_plan().changes.pop() else {
        panic!("a build ends with the manifest")
    };
    let theirs = |name: &str| {
        (
            path(&format!("/etc/jitsi/{name}")),
            as_wanted(&text("theirs\n", "root", 0o644)),
        )
    };
    let kept = |name: &str| path(&format!("/var/lib/anteroom/before/etc/jitsi/{name}"));
    let (over, over_before) = theirs("over");
    let (gone, gone_before) = theirs("gone");
    let site = "server { listen 80 default_server; return 302 https://$host$request_uri; }\n";
    let page = as_wanted(&deployed.tree[&path("/etc/jitsi/meet/config.js")]);
    vec![
        Change::Manifest {
            content: content.replace("0.1.0", "0.2.0"),
        },
        Change::AptUpdate { without: Vec::new() },
        Change::Check(Check::Sshd),
        Change::Arm { seconds: 40 },
        put(
            "/etc/ssh/sshd_config.d/00-anteroom.conf",
            hardening("PasswordAuthentication no\nMaxAuthTries 3\n", 0o644),
        ),
        unit("ssh.service", UnitAction::Reload),
        Change::Disarm,
        Change::MakeSecret(SecretName("further".into())),
        Change::Preseed(Preseed {
            package: "jq".into(),
            question: "jq/anteroom-test".into(),
            kind: "string".into(),
            value: "<throwaway>".into(),
        }),
        Change::Install {
            packages: vec![("jq".into(), None)],
        },
        Change::Hold {
            packages: vec!["jq".into()],
            hold: true,
        },
        Change::Certificate(GeneratedCertificate {
            certificate: path("/etc/prosody/certs/further.crt"),
            key: path("/etc/prosody/certs/further.key"),
            key_access: access("prosody", "prosody", 0o600),
            names: vec!["further.telemed.example.com".into()],
            trusted: true,
        }),
        Change::Check(Check::Nginx),
        put("/etc/nginx/sites-available/telemed.conf", text(site, "root", 0o644)),
        put("/etc/jitsi/further", Entry::Dir(access("root", "prosody", 0o750))),
        put("/etc/jitsi/further/file", text("further\n", "prosody", 0o640)),
        Change::Delete {
            path: path("/etc/jitsi/meet/config.js"),
            before: page,
            keep: None,
            restore: None,
        },
        Change::Put {
            path: over,
            entry: text("ours\n", "prosody", 0o640),
            before: over_before,
            keep: Some(kept("over")),
        },
        Change::Delete {
            path: gone,
            before: gone_before,
            keep: Some(kept("gone")),
            restore: None,
        },
        Change::Delete {
            path: path("/etc/jitsi/back"),
            before: as_wanted(&text("ours\n", "root", 0o644)),
            keep: None,
            restore: Some(kept("back")),
        },
        unit("apt-daily.timer", UnitAction::Mask),
        unit("theirs-on.service", UnitAction::Stop),
        unit("theirs-masked.service", UnitAction::Unmask),
        unit("theirs-off.service", UnitAction::Start),
        Change::Account(AccountWanted {
            jid: "focus@auth.telemed.example.com".into(),
            password: SecretName("further".into()),
        }),
        Change::Clinician {
            jid: "ann@auth.telemed.example.com".into(),
            password: Secret::new("a pass phrase of ann"),
        },
        Change::RemoveAccount {
            jid: "bob@auth.telemed.example.com".into(),
        },
        unit("nginx.service", UnitAction::Reload),
        unit("prosody.service", UnitAction::Restart),
    ]
}

/// The kinds of change that are tried here.
pub(crate) fn kinds() -> BTreeSet<&'static str> {
    every_kind().iter().map(kind).collect()
}

/// What goes wrong at one change.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Fails,
    Killed,
    Power,
}

fn with_fault(host: &mut SshClientHost, lab: &Lab, plan: &Plan, at: usize, wrong: Wrong) -> ApplyError {
    let kind = match wrong {
        Wrong::Fails => FaultKind::FailsAfter,
        // Somewhere in the middle, at another place for every change.
        Wrong::Killed => FaultKind::Killed(at * 5 % 7),
        Wrong::Power => {
            let name = "core".parse().unwrap();
            let mut is_cut = false;
            return carry_out(host, plan, &me(), &mut |event: Event| {
                if event == Event::Begin(at) && !is_cut {
                    is_cut = true;
                    lab.kill(&name).unwrap();
                    lab.start(&name).unwrap();
                }
            })
            .unwrap_err();
        }
    };
    host.fault = Some(Fault::new(at, kind));
    let error = carry_out(host, plan, &me(), &mut |_| {}).unwrap_err();
    host.fault = None;
    error
}

#[test]
fn a_fault_at_a_change_of_any_kind_is_undone_on_a_real_host() {
    let Some((mut host, alone)) = host() else { return };
    let bare = snapshot(&mut host);
    go(&mut host, &good_plan()).unwrap();
    let bob = Change::Clinician {
        jid: "bob@auth.telemed.example.com".into(),
        password: Secret::new("a pass phrase of bob"),
    };
    let only = |changes: Vec<Change>| Plan {
        changes,
        drift: Vec::new(),
        ..good_plan()
    };
    go(&mut host, &only(vec![bob])).unwrap();
    forget_kept(&mut host).unwrap();
    host.must(THEIRS);
    let plan = only(every_kind());
    let before = snapshot(&mut host);
    for at in chosen(&plan.changes, &all(&plan.changes)) {
        let change = &plan.changes[at];
        for wrong in [Wrong::Fails, Wrong::Killed, Wrong::Power] {
            // What only looks has nothing to lose to a power cut.
            if matches!(wrong, Wrong::Power) && (at % 3 != 0 || matches!(change, Change::Check(_))) {
                continue;
            }
            eprintln!("{wrong:?} at {at}: {}", describe(change));
            let error = with_fault(&mut host, &alone.lab, &plan, at, wrong);
            let error = match error {
                // Killed: the next run undoes it, before anything else.
                ApplyError::Died { .. } => carry_out(&mut host, &plan, &me(), &mut |_| {}).unwrap_err(),
                other => other,
            };
            let restored = match &error {
                ApplyError::StepFailed { restored, .. }
                | ApplyError::CutShort { restored, .. }
                | ApplyError::Recovered { restored, .. } => restored,
                _ => panic!("{error}"),
            };
            assert_eq!(*restored, Restored::Fully, "{error}");
            host.must("systemctl is-system-running --wait >/dev/null; systemctl is-active prosody nginx ssh theirs-on; ! systemctl is-active theirs-off theirs-masked");
            forget_kept(&mut host).unwrap();
            assert_same(&before, &snapshot(&mut host));
        }
    }
    go(&mut host, &plan).unwrap();
    forget_kept(&mut host).unwrap();
    host.must("apt-mark -q unhold jq; apt-get -q -y purge jq libjq1 libonig5; systemctl unmask apt-daily.timer");
    let seen =
        host.must("cat /etc/jitsi/over /etc/jitsi/back; cd /var/lib/anteroom/before/etc/jitsi; cat gone over; ls");
    assert_eq!(seen, "ours\ntheirs\ntheirs\ntheirs\nback\ngone\nover\n");
    host.must(THEIRS_GONE);
    host.must(
        "rm /usr/local/share/ca-certificates/anteroom-further.telemed.example.com.crt; update-ca-certificates --fresh",
    );
    removal_in_pieces(&mut host);
    take_away(&mut host, &bare);
}

/// A removal that is killed or fails at one change after the other, each time from where the last one left it.
fn removal_in_pieces(host: &mut SshClientHost) {
    type Piece<'a> = (&'a dyn Fn(&Change) -> bool, FaultKind);
    let pieces: [Piece; 4] = [
        (&|change| matches!(change, Change::Unit { .. }), FaultKind::Killed(1)),
        (&|change| matches!(change, Change::Purge { .. }), FaultKind::Killed(2)),
        (&|change| matches!(change, Change::Delete { .. }), FaultKind::Killed(3)),
        // Everything else goes on.
        (
            &|change| matches!(change, Change::Residue { .. }),
            FaultKind::FailsBefore,
        ),
    ];
    for (at, kind) in pieces {
        let facts = look(host, &[]);
        let (plan, _) = remove(&facts, &"core".parse().unwrap(), Hardening::Remove).unwrap();
        let at = plan.changes.iter().position(at).unwrap();
        eprintln!("{kind:?} at {at}: {}", describe(&plan.changes[at]));
        host.fault = Some(Fault::new(at, kind));
        let ended = carry_out(host, &plan, &me(), &mut |_| {});
        host.fault = None;
        match kind {
            FaultKind::Killed(_) => assert!(matches!(ended, Err(ApplyError::Died { .. })), "{ended:?}"),
            _ => assert!(ended.unwrap().left.iter().any(|left| left.index == at)),
        }
        host.must("test -e /etc/anteroom/manifest.json");
    }
}

#[test]
fn settings_that_shut_their_own_operator_out_are_undone_by_the_host() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    let sshd = "/etc/ssh/sshd_config.d/00-anteroom.conf";
    let firewall = "/etc/anteroom/firewall.nft";
    let Entry::File(rules) = &wanted().tree[&path(firewall)] else {
        panic!("the firewall is a file")
    };
    let FileContent::Text(rules) = &rules.content else {
        panic!("the firewall's rules are no secret")
    };
    let cases = [
        (sshd, hardening("DenyUsers root\n", 0o644)),
        (sshd, hardening("AllowUsers somebody-else\n", 0o644)),
        (firewall, hardening(&rules.replace("{ 22, 80 }", "{ 2222, 80 }"), 0o600)),
    ];
    for (file, entry) in cases {
        let Entry::File(bad) = &entry else { panic!("{file}") };
        eprintln!("{file} {}", content_sha256(&bad.content));
        let mut locking = wanted();
        locking.tree.insert(path(file), entry);
        let mut plan = build(&locking, &fresh_facts(&locking), &context()).unwrap();
        for change in &mut plan.changes {
            if let Change::Arm { seconds } = change {
                *seconds = 40;
            }
        }
        let error = go(&mut host, &plan).unwrap_err();
        let ApplyError::Unconfirmed { restored, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*restored, Restored::Fully, "{error}");
        forget_kept(&mut host).unwrap();
        assert_same(&before, &snapshot(&mut host));
    }
}
