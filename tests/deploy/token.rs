//! The token topology: deployed, audited, and left alone by a second apply; links made by `token`.

use crate::bench::Bench;
use crate::spec_file::SpecFile;

/// Our files with inode and times, and when each service started.
const TRACES: &str = "find /etc/anteroom /etc/prosody /etc/jitsi /etc/nginx /etc/turnserver.conf /etc/default/coturn \
                      /etc/systemd/system /etc/ssh /etc/apt /usr/share/anteroom /usr/local /var/lib/anteroom \
                      /var/lib/prosody -printf '%p %i %T@ %C@\\n' | sort; \
                      systemctl show -p Id -p ActiveEnterTimestampMonotonic -p ExecMainPID anteroom-firewall ssh prosody \
                      nginx coturn jicofo jitsi-videobridge2";

/// The snapshot was deployed by `apply`, and this clone of it booted anew.
pub(crate) fn a_second_apply_changes_nothing(bench: &Bench) {
    let host = bench.deployed("token");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let report = host.audit(&spec).clean().json();
    assert_eq!(report["schema"], "anteroom/report/v1");
    assert_eq!(report["domain"], "telemed.example.test");
    assert_eq!(report["summary"]["fail"], 0);
    assert_eq!(report["summary"]["unverified"], 0);
    assert_eq!(report["drift"].as_array().unwrap().len(), 0);
    // The doubles are seen for what they are: nothing in the spec says so.
    let simulated = report["simulated"].as_array().unwrap();
    for name in ["jicofo", "jitsi-videobridge2"] {
        assert!(
            simulated.iter().any(|row| row.to_string().contains(name)),
            "{name}: {simulated:?}"
        );
    }

    let before = host.run(TRACES);
    assert!(before.contains("/etc/prosody/conf.avail/telemed.example.test.cfg.lua"));
    let plan = host.anteroom(&["plan", "-f", &spec]).expect(0);
    assert!(plan.out.contains("in sync"), "{}", plan.out);
    host.deploy(&spec).expect(0);
    assert_eq!(host.run(TRACES), before);
}

/// A link is as good as its token: the probe enters with it.
pub(crate) fn a_link_made_by_token_opens_its_room(bench: &Bench) {
    let host = bench.deployed("link");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let token = |arguments: &[&str]| host.anteroom(&[&["token", "-f", &spec, "--format", "json"], arguments].concat());
    let made = token(&[
        "--host",
        "--room",
        "visit-4711",
        "--subject",
        "dr.okafor",
        "--ttl",
        "15m",
    ])
    .expect(0)
    .json();
    let jwt = made["token"].as_str().unwrap();
    assert_eq!(made["room"], "visit-4711");
    assert_eq!(
        made["link"],
        format!("https://telemed.example.test/visit-4711?jwt={jwt}")
    );
    let guest = token(&["--guest", "--room", "visit-4711"]).expect(0).json();
    assert_eq!(guest["link"], "https://telemed.example.test/visit-4711");
    assert!(guest["token"].is_null());
    token(&["--host", "--ttl", "25h"]).expect(2).says(&["480m"]);

    let file = host.file("token", jwt);
    let audit = host.anteroom(&[
        "audit",
        "-f",
        &spec,
        "--format",
        "json",
        "--clinician-token-file",
        &file,
    ]);
    assert!(
        audit.controls("pass").contains("access/clinician-can-open-room"),
        "{}",
        audit.out
    );
    assert!(!audit.out.contains(jwt) && !audit.err.contains(jwt));
    assert!(audit.controls("fail").is_empty(), "{}", audit.out);
    // A token with one bit turned is nobody's.
    let mut forged = jwt.to_owned();
    let last = if forged.ends_with('A') { 'Q' } else { 'A' };
    forged.pop();
    forged.push(last);
    let file = host.file("forged", &forged);
    let audit = host
        .anteroom(&[
            "audit",
            "-f",
            &spec,
            "--format",
            "json",
            "--clinician-token-file",
            &file,
        ])
        .expect(5);
    assert!(
        audit.controls("fail").contains("access/clinician-can-open-room"),
        "{}",
        audit.out
    );
}

/// What rests on a call.
const CALL: [&str; 7] = [
    "access/patient-waits",
    "access/ice-credentials-checked",
    "availability/media-end-to-end",
    "encryption/media-aead",
    "encryption/media-fingerprints",
    "encryption/plain-media-refused",
    "leakage/candidate-addresses",
];

/// Faults of the bridge's double, and the control that each must fail. The environment is the service manager's own, so
/// that no file of the host differs.
const FAULTS: [(&str, &str); 3] = [
    ("forwards-plain", "encryption/plain-media-refused"),
    ("weak-fingerprint", "encryption/media-fingerprints"),
    ("answers-anyone", "access/ice-credentials-checked"),
];

/// A call comes about on a sound host; a bridge with a fault fails what the fault touches, and one that is gone passes
/// nothing.
pub(crate) fn a_call_tells_a_sound_bridge_from_others(bench: &Bench) {
    let host = bench.deployed("call");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let audit = || host.audit(&spec);
    let passed = audit().clean().controls("pass");
    for id in CALL {
        assert!(passed.contains(id), "{id}: {passed:?}");
    }
    let restart = |fault: &str| {
        // The focus has seen the old bridge leave when the new one can have come.
        host.run(&format!(
            "systemctl {fault}; systemctl restart jitsi-videobridge2; sleep 2"
        ));
        host.wait_for_bridge();
    };
    for (fault, control) in FAULTS {
        restart(&format!(
            "set-environment JAVA_TOOL_OPTIONS=-Danteroom.double.fault={fault}"
        ));
        let failed = audit().expect(5).controls("fail");
        assert_eq!(Vec::from_iter(&failed), [control], "{fault}");
    }
    restart("unset-environment JAVA_TOOL_OPTIONS");
    host.run("systemctl stop jitsi-videobridge2");
    let audit = audit();
    let passed = audit.controls("pass");
    for id in CALL.into_iter().filter(|id| *id != "access/patient-waits") {
        assert!(!passed.contains(id), "{id}: {}", audit.out);
    }
}
