//! A small report and a small plan in every format: how they read, what they come to, that they satisfy their schema,
//! that nothing hostile steers a terminal and that no secret shows.

mod outcome;

use jiff::civil::date;
use serde_json::Value;

use crate::catalog;
use crate::controls::Evidence;
use crate::controls::Finding;
use crate::controls::Simulated;
use crate::controls::Source;
use crate::controls::Verdict;
use crate::facts::PathState;
use crate::plan::Change;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::Entry;
use crate::plan::FileContent;
use crate::plan::Plan;
use crate::plan::Purpose;
use crate::plan::SecretName;
use crate::render::Access;
use crate::render::RenderedFile;
use crate::report::Report;
use crate::report::json;
use crate::report::plan_json;
use crate::report::plan_text;
use crate::report::plan_text::Contents;
use crate::report::text;
use crate::report::text::Detail;
use crate::secret::Secret;
use crate::spec::Waiver;
use crate::spec::WaiverBasis;

const MARKER: &str = "MARKER-SECRET-7f3a";
const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\r\nFAKE pass\u{202e}";

fn evidence(detail: &str) -> Evidence {
    Evidence {
        source: Source::Probe,
        at: "2026-04-01T12:00:00Z".to_owned(),
        detail: detail.to_owned(),
    }
}

fn finding(id: &str, verdict: Verdict) -> Finding {
    verdict.into_finding(catalog::control(id).unwrap(), None)
}

fn pass(id: &str) -> Finding {
    finding(id, Verdict::pass("core:thing", "this", "this", evidence("looked")))
}

fn fail(id: &str) -> Finding {
    finding(id, Verdict::fail("core:thing", "this", "that", evidence("looked")))
}

fn unverified(id: &str) -> Finding {
    finding(
        id,
        Verdict::unverified("core:thing", "this", "it was dark", evidence("looked")),
    )
}

fn waived(id: &str) -> Finding {
    let waiver = Waiver {
        control: id.to_owned(),
        subject: "*".to_owned(),
        justification: "the vendor mends it in May".to_owned(),
        approver: "A. Officer".to_owned(),
        created: date(2026, 3, 1),
        expires: date(2026, 5, 1),
        basis: WaiverBasis::RiskAccepted,
        compensating_control: Some("nurses call back".to_owned()),
        evidence_sha256: None,
    };
    let verdict = Verdict::fail("core:thing", "this", "that", evidence("looked"));
    verdict.into_finding(catalog::control(id).unwrap(), Some(&waiver))
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        deployment: Some("clinic-east".to_owned()),
        domain: "telemed.example.com".to_owned(),
        test: true,
        vantage: "198.51.100.7".to_owned(),
        started: "2026-04-01T11:59:00Z".to_owned(),
        finished: "2026-04-01T12:00:00Z".to_owned(),
        simulated: Vec::new(),
        findings,
        drift: Vec::new(),
    }
}

fn full_report() -> Report {
    let mut report = report(vec![
        fail("integrity/files-as-rendered"),
        unverified("access/ssh-keys-only"),
        waived("encryption/hsts"),
        pass("encryption/legacy-tls-refused"),
        pass("encryption/legacy-tls-refused"),
    ]);
    report.simulated.push(Simulated {
        host: "core".to_owned(),
        what: "jicofo 1.0".to_owned(),
        why: "its repository is signed by 1111, which is no key of Jitsi".to_owned(),
    });
    let row = DriftRow::new(DriftKind::File, "/etc/turnserver.conf", "0640", "0644");
    report.drift.push(("core".to_owned(), row));
    report
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// The report as JSON, after it was found to satisfy its schema.
fn valid_json(report: &Report) -> Value {
    let document: Value = serde_json::from_str(&json::render(report)).unwrap();
    let validator = jsonschema::validator_for(&json::schema()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    document
}

#[test]
fn the_text_tells_troubles_in_full_and_every_control_in_a_line() {
    insta::assert_snapshot!(plain(&text::render(&full_report(), Detail::Brief)), @r#"
    clinic-east telemed.example.com seen from 198.51.100.7, 2026-04-01T12:00:00Z
    TEST: no patients
    simulated jicofo 1.0 on core: its repository is signed by 1111, which is no key of Jitsi

    fail integrity/files-as-rendered (high): Every file of the deployment is as rendered: content, owner and mode
      core:thing
        expected  this
        observed  that
        evidence_sha256 0a7349da82542f12d0d5f2ec72af3ec2d04e1a5507d3ee7663f1f8f498d26712
      cites     45 CFR 164.312(c)(1), 45 CFR 164.308(a)(8)
      next      `anteroom plan` shows what differs; `anteroom apply` restores it.

    unverified access/ssh-keys-only (critical): SSH takes keys only, from the admin networks
      core:thing
        expected  this
        observed  not seen: it was dark
      cites     45 CFR 164.312(a)(1), 45 CFR 164.312(d)
      next      Run `anteroom apply`; it restores the sshd drop-in and reloads sshd.

    waived encryption/hsts (medium): Browsers are told to use https only, for a year or more
      core:thing
        expected  this
        observed  that
        evidence_sha256 7cb5c796bddb7b2839e2413a4b2955f40cc5789484a931b08ab3ed7f0fd2c018
        waived    by A. Officer until 2026-05-01 (risk-accepted): the vendor mends it in May
        instead   nurses call back
      cites     45 CFR 164.312(e)(1)
      next      Run `anteroom apply`; it restores the nginx site.

    encryption
      pass       SSLv2, SSLv3, TLS 1.0 and TLS 1.1 are refused (2 looks)
      waived     Browsers are told to use https only, for a year or more
    access
      unverified SSH takes keys only, from the admin networks
    integrity
      FAIL       Every file of the deployment is as rendered: content, owner and mode

    2 passed, 1 failed, 1 unverified, 1 waived
    Part of what was looked at is simulated (see above): this is no evidence about a real deployment.
    Next: `anteroom plan` shows what differs from the spec, `anteroom apply` restores it.
    "#);
}

#[test]
fn the_full_text_tells_the_evidence_of_what_passed_too() {
    let report = report(vec![pass("encryption/hsts")]);
    insta::assert_snapshot!(plain(&text::render(&report, Detail::Full)), @r#"
    clinic-east telemed.example.com seen from 198.51.100.7, 2026-04-01T12:00:00Z
    TEST: no patients

    encryption
      pass       Browsers are told to use https only, for a year or more
    pass encryption/hsts (medium): Browsers are told to use https only, for a year or more
      core:thing
        expected  this
        observed  this
        evidence  2026-04-01T12:00:00Z looked
      cites     45 CFR 164.312(e)(1)


    1 passed, 0 failed, 0 unverified
    "#);
}

#[test]
fn the_json_satisfies_its_schema_and_holds_every_field_of_the_contract() {
    let document = valid_json(&full_report());
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["summary"]).unwrap(), @r#"
    {
      "attested": 0,
      "fail": 1,
      "not_applicable": 0,
      "pass": 2,
      "unverified": 1,
      "waived": 1
    }
    "#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["findings"][2]).unwrap(), @r#"
    {
      "control": "encryption/hsts",
      "title": "Browsers are told to use https only, for a year or more",
      "severity": "medium",
      "status": "waived",
      "subject": "core:thing",
      "expected": "this",
      "observed": "that",
      "evidence": [
        {
          "source": "probe",
          "at": "2026-04-01T12:00:00Z",
          "detail": "looked",
          "sha256": "90c4aee254cb95ab448e188051fe2d01baa4e6c3a6a142b2540f8143ecd64538"
        }
      ],
      "citations": [
        "45 CFR 164.312(e)(1)"
      ],
      "nist": [
        "SC-8",
        "SC-23"
      ],
      "remediation": "Run `anteroom apply`; it restores the nginx site.",
      "evidence_sha256": "7cb5c796bddb7b2839e2413a4b2955f40cc5789484a931b08ab3ed7f0fd2c018",
      "waiver": {
        "approver": "A. Officer",
        "justification": "the vendor mends it in May",
        "created": "2026-03-01",
        "expires": "2026-05-01",
        "basis": "risk-accepted",
        "compensating_control": "nurses call back"
      }
    }
    "#);
    insta::assert_snapshot!(serde_json::to_string(&document["drift"]).unwrap(), @r#"[{"host":"core","kind":"file","subject":"/etc/turnserver.conf","expected":"0640","observed":"0644"}]"#);
    let fields: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "schema",
            "deployment",
            "domain",
            "environment",
            "vantage",
            "started",
            "finished",
            "tool",
            "simulated",
            "summary",
            "findings",
            "drift"
        ]
    );
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let validator = jsonschema::validator_for(&json::schema()).unwrap();
    let mut document = valid_json(&full_report());
    assert!(validator.is_valid(&document));
    document["findings"][0].as_object_mut().unwrap().remove("evidence");
    assert!(!validator.is_valid(&document));
    let mut probe = report(vec![pass("encryption/hsts")]);
    probe.deployment = None;
    assert_eq!(valid_json(&probe)["deployment"], Value::Null);
}

/// A report whose every outside field is hostile.
fn hostile_report() -> Report {
    let verdict = Verdict::fail(HOSTILE, HOSTILE, HOSTILE, evidence(HOSTILE));
    let mut waiver = waived("encryption/hsts").waiver.unwrap();
    waiver.justification = HOSTILE.to_owned();
    waiver.approver = HOSTILE.to_owned();
    waiver.compensating_control = Some(HOSTILE.to_owned());
    let control = catalog::control("encryption/hsts").unwrap();
    let mut report = report(vec![
        verdict.clone().into_finding(control, None),
        verdict.into_finding(control, Some(&waiver)),
        finding(
            "access/ssh-keys-only",
            Verdict::pass(HOSTILE, HOSTILE, HOSTILE, evidence(HOSTILE)),
        ),
    ]);
    report.vantage = HOSTILE.to_owned();
    report.simulated.push(Simulated {
        host: HOSTILE.to_owned(),
        what: HOSTILE.to_owned(),
        why: HOSTILE.to_owned(),
    });
    report.drift.push((
        HOSTILE.to_owned(),
        DriftRow::new(DriftKind::File, HOSTILE, HOSTILE, HOSTILE),
    ));
    report
}

/// Nothing but our own colours and line ends, and no line that the hostile text began.
fn assert_tame(shown: &str) {
    let bare = plain(shown);
    let odd: Vec<char> = bare.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(odd.is_empty(), "{odd:?} {bare}");
    assert!(!bare.contains('\u{202e}') && !shown.contains("\u{1b}[2J"), "{bare}");
    assert!(
        !bare.lines().any(|line| line.trim_start().starts_with("FAKE")),
        "{bare}"
    );
    assert!(
        bare.contains("a\\u001b[2J\\u009b31m\\u000d\\nFAKE pass\\u202e"),
        "{bare}"
    );
}

#[test]
fn hostile_text_never_reaches_a_terminal_raw() {
    for detail in [Detail::Brief, Detail::Full] {
        assert_tame(&text::render(&hostile_report(), detail));
    }
    let shown = json::render(&hostile_report());
    assert!(!shown.contains('\u{1b}') && !shown.contains('\r'));
    let document = valid_json(&hostile_report());
    assert_eq!(document["findings"][0]["observed"], HOSTILE);
}

fn file(content: FileContent) -> Entry {
    Entry::File(RenderedFile {
        access: Access {
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode: 0o600,
        },
        content,
        hardening: false,
    })
}

fn put(path: &str, content: FileContent, before: PathState) -> Change {
    Change::Put {
        path: path.parse().unwrap(),
        entry: file(content),
        before,
        keep: None,
    }
}

fn standing(content: Option<&str>) -> PathState {
    PathState::File {
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: 0o600,
        sha256: "0".repeat(64),
        content: content.map(str::to_owned),
        modified: 0,
    }
}

fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        host: "core".parse().unwrap(),
        purpose: Purpose::Build,
        changes,
        drift: Vec::new(),
        unseen: Vec::new(),
    }
}

#[test]
fn a_plan_with_hostile_content_is_shown_and_not_obeyed() {
    let text = || FileContent::Text(format!("{HOSTILE}\n"));
    let plan = plan(vec![
        put("/etc/a", text(), PathState::Absent),
        put("/etc/b", FileContent::Text("b\n".to_owned()), standing(Some(HOSTILE))),
        Change::RemoveAccount {
            jid: HOSTILE.to_owned(),
        },
    ]);
    let shown = plan_text::render(&plan, Contents::All);
    let bare = plain(&shown);
    assert!(
        !bare.chars().any(|c| c.is_control() && c != '\n') && !bare.contains('\u{202e}'),
        "{bare}"
    );
    assert!(bare.contains("\\u001b[2J"), "{bare}");
}

#[test]
fn no_format_ever_shows_a_secret() {
    let secret = || Secret::new(MARKER);
    let plan = plan(vec![
        put("/etc/key.pem", FileContent::Hidden(secret()), PathState::Absent),
        put("/etc/other.pem", FileContent::Hidden(secret()), standing(None)),
        put(
            "/etc/turnserver.conf",
            FileContent::Text("static-auth-secret=<secret:turn>\n".to_owned()),
            standing(Some("static-auth-secret=MARKER-SECRET-7f3aMARKER-SECRET-7f3a\n")),
        ),
        Change::MakeSecret(SecretName("turn".to_owned())),
        Change::Clinician {
            jid: "dr.okafor@telemed.example.com".to_owned(),
            password: secret(),
        },
    ]);
    let shown = [
        plan_text::render(&plan, Contents::All),
        plan_text::render(&plan, Contents::Diffs),
        plan_json::render(
            std::slice::from_ref(&plan),
            &[],
            &["+ aws_vpc.own[0]: create".to_owned()],
            &[],
        ),
        format!("{:?}", plan.changes[0]),
        format!("{:?}", plan.changes[4]),
        format!("{:?}", secret()),
    ];
    for text in shown {
        assert!(!text.contains(MARKER), "{text}");
    }
    let bare = plain(&plan_text::render(&plan, Contents::Diffs));
    assert!(bare.contains("+ static-auth-secret=<secret:turn>"), "{bare}");
}
