//! What is accepted, and what it becomes.

use std::collections::BTreeMap;
use std::path::Path;

use anteroom::spec::Auth;
use anteroom::spec::Certificate;
use anteroom::spec::Colour;
use anteroom::spec::DnsCheck;
use anteroom::spec::Environment;
use anteroom::spec::HostKeyPolicy;
use anteroom::spec::LoadError;
use anteroom::spec::Machines;
use anteroom::spec::Spec;
use anteroom::spec::Switches;
use anteroom::spec::TokenKey;
use anteroom::spec::WaiverBasis;
use anteroom::spec::init::InitAnswers;
use anteroom::spec::init::InitAuth;
use anteroom::spec::init::InitPlace;
use anteroom::spec::init::QUESTIONS;
use anteroom::spec::init::Topic;
use anteroom::spec::init::text;
use anteroom::spec::load;

use super::support::TODAY;
use super::support::folder;
use super::support::good_files;
use super::support::judge;

fn accept(text: &str) -> Spec {
    accept_with(text, &Switches::default())
}

fn accept_with(text: &str, switches: &Switches) -> Spec {
    match judge(text, switches, &good_files()) {
        Ok(spec) => spec,
        Err(problems) => panic!("{}", problems.render(Colour::Plain)),
    }
}

fn example(name: &str) -> Spec {
    accept(&std::fs::read_to_string(folder("examples").join(name)).unwrap())
}

const SHORTEST: &str = "[deployment]\nname = \"clinic\"\ndomain = \"telemed.example.com\"\nenvironment = \"test\"\n\
                        ttl = \"90m\"\n[machines]\nkind = \"lab\"\n";

#[test]
fn every_example_is_accepted() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            seen += 1;
            accept(&std::fs::read_to_string(&path).unwrap());
        }
    }
    assert!(seen >= 6);
}

#[test]
fn the_shortest_spec_gets_safe_defaults() {
    let spec = accept(SHORTEST);
    assert_eq!(spec.deployment.environment, Environment::Test { ttl_seconds: 5_400 });
    assert_eq!(spec.machines, Machines::Lab);
    assert_eq!(spec.hosts.len(), 1);
    assert_eq!((spec.hosts[0].name.as_str(), &spec.hosts[0].ssh), ("core", &None));
    assert_eq!(spec.certificate, Certificate::SelfSigned);
    let Auth::Token(token) = &spec.security.auth else {
        panic!("not token")
    };
    assert_eq!(
        (token.issuer.as_str(), token.audience.as_str(), &token.key),
        ("anteroom", "telemed.example.com", &TokenKey::SharedSecret)
    );
    let networks: Vec<String> = spec.access.admin_cidrs.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]);
    assert!(spec.access.admins.is_empty());
    assert_eq!(spec.dns.check, DnsCheck::Warn);
    assert_eq!(spec.packages.jitsi.uri, "https://download.jitsi.org");
    assert_eq!(spec.source.sha256.len(), 64);
}

#[test]
fn admins_are_names_and_dns_is_as_strict_as_the_spec_says() {
    let more = "[access]\nadmins = [\"ann\", \"bob.admin\"]\n[dns]\ncheck = \"refuse\"\n";
    let spec = accept(&format!("{SHORTEST}\n{more}"));
    assert_eq!(Vec::from_iter(&spec.access.admins), ["ann", "bob.admin"]);
    assert_eq!(spec.access.admin_cidrs.len(), 4);
    assert_eq!(spec.dns.check, DnsCheck::Refuse);
}

#[test]
fn the_domain_switch_replaces_the_files_domain_before_it_is_judged() {
    let switches = Switches {
        domain: Some("other.example.com".to_owned()),
        secure_domain: Some(true),
        require_encryption: Some(true),
    };
    for domain in ["domain = \"telemed.example.com\"\n", "domain = \"https://x\"\n", ""] {
        let text = SHORTEST.replace("domain = \"telemed.example.com\"\n", domain);
        let spec = accept_with(&text, &switches);
        assert_eq!(spec.deployment.domain.as_str(), "other.example.com");
        let Auth::Token(token) = spec.security.auth else {
            panic!("not token")
        };
        assert_eq!(token.audience, "other.example.com");
    }
}

#[test]
fn examples_carry_every_way_to_reach_a_host_and_to_check_tokens() {
    let token = example("existing-token.toml");
    let ssh = token.hosts[0].ssh.as_ref().unwrap();
    assert!(matches!(&ssh.host_key, HostKeyPolicy::Fingerprint(text) if text.starts_with("SHA256:")));
    assert!(matches!(
        &token.security.auth,
        Auth::Token(auth) if matches!(&auth.key, TokenKey::PublicKey { pem } if pem.starts_with("-----BEGIN PUBLIC KEY-----\n"))
    ));
    assert_eq!((token.attestations.len(), token.waivers.len()), (1, 1));
    let Certificate::Files { chain_pem, key_pem } = &token.certificate else {
        panic!("no files")
    };
    assert_eq!(chain_pem.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(key_pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let debug = format!("{token:?}");
    assert!(!debug.contains("BEGIN PRIVATE KEY"));

    let jwks = example("existing-jwks.toml");
    let ssh = jwks.hosts[0].ssh.as_ref().unwrap();
    assert_eq!(ssh.key.as_deref(), Some(Path::new("/home/operator/.ssh/clinic")));
    assert_eq!(ssh.jump.as_deref(), Some("admin@bastion.example.com:2222"));
    assert_eq!(example("existing-internal.toml").security.auth, Auth::Internal);
    let staging = example("test-existing.toml");
    assert_eq!(
        staging.packages.jitsi.fingerprint,
        "66A9CD0595D6AFA247290D3BEF8B479E2DC1389C"
    );
}

#[test]
fn an_expired_waiver_loads_so_that_the_audit_can_say_so() {
    let text = format!(
        "{SHORTEST}[[waiver]]\ncontrol = \"access/x\"\nsubject = \"*\"\njustification = \"\"\"two\nlines\"\"\"\n\
         approver = \"A\"\ncreated = 2024-01-01\nexpires = 2024-12-31\nbasis = \"false-positive\"\n"
    );
    assert_eq!(accept(&text).waivers.len(), 1);
}

#[test]
fn a_document_beside_the_spec_is_read_and_one_that_is_filed_elsewhere_is_not_missed() {
    let attestation = |document: &str| {
        format!(
            "[[attestation]]\ncontrol = \"administrative/risk-analysis\"\ndocument = \"{document}\"\n\
             document_sha256 = \"{}\"\nowner = \"A\"\non = 2026-01-31\nreview_on = 2027-01-31\n",
            "A".repeat(64)
        )
    };
    let text = format!(
        "{SHORTEST}{}{}",
        attestation("chain.pem"),
        attestation("folder 7, shelf 2")
    );
    let spec = accept(&text);
    assert_eq!(spec.attestations[0].document_sha256, "a".repeat(64));
    assert!(spec.attestations[0].document_differs());
    assert_eq!(spec.attestations[0].found_sha256.as_ref().map(String::len), Some(64));
    assert_eq!(spec.attestations[1].found_sha256, None);
    assert!(!spec.attestations[1].document_differs());
}

#[test]
fn a_waiver_has_its_basis_and_a_subject_of_its_own_has_a_pin() {
    let text = format!(
        "{SHORTEST}[[waiver]]\ncontrol = \"encryption/hsts\"\nsubject = \"https://telemed.example.com\"\n\
         justification = \"b\"\napprover = \"A\"\ncreated = 2026-01-01\nexpires = 2026-12-31\n\
         basis = \"addressable-306d3\"\ncompensating_control = \"c\"\nevidence_sha256 = \"{}\"\n",
        "B".repeat(64)
    );
    let waiver = accept(&text).waivers.remove(0);
    assert_eq!(waiver.basis, WaiverBasis::Addressable);
    assert_eq!(waiver.evidence_sha256, Some("b".repeat(64)));
}

#[test]
fn init_writes_a_valid_spec_for_tests_and_names_the_gaps_of_production() {
    let mut answers = InitAnswers::new("visit.example.com".parse().unwrap(), "clinic".parse().unwrap());
    for auth in [InitAuth::Token, InitAuth::Internal] {
        answers.auth = auth;
        answers.place = InitPlace::Lab;
        assert_eq!(accept(&text(&answers)).deployment.domain.as_str(), "visit.example.com");

        answers.place = InitPlace::Production;
        let problems = judge(&text(&answers), &Switches::default(), &BTreeMap::new()).unwrap_err();
        let report = problems.render(Colour::Plain);
        for gap in [
            "`baa.vendor` is empty",
            "`baa.agreement` is empty",
            "`baa.signed_on` must be a date",
            "`host.address` is empty",
            "`certificate.chain` names fullchain.pem",
            "`access.admin_cidrs` is empty",
        ] {
            assert!(report.contains(gap), "{gap} is not in\n{report}");
        }
    }
    answers.place = InitPlace::Test;
    answers.address = Some("192.0.2.1".to_owned());
    let filled = text(&answers).replace("admin_cidrs = []", "admin_cidrs = [\"192.0.2.0/28\"]");
    assert_eq!(accept(&filled).machines, Machines::Existing);
}

#[test]
fn init_questions_take_their_own_defaults_and_refuse_nonsense() {
    let mut answers = InitAnswers::new("visit.example.com".parse().unwrap(), "clinic".parse().unwrap());
    let before = answers.clone();
    for question in QUESTIONS {
        let current = answers.current(question.topic);
        assert!(question.choices.is_empty() || question.choices.contains(&current.as_str()));
        answers.answer(question.topic, &current).unwrap();
    }
    assert_eq!(answers, before);
    assert!(!answers.concerns(Topic::Address));
    for (topic, text) in [
        (Topic::Place, "moon"),
        (Topic::Name, "two words"),
        (Topic::Domain, "https://x.example.com"),
        (Topic::Address, "a\"b"),
        (Topic::Auth, "none"),
    ] {
        assert!(answers.answer(topic, text).is_err());
    }
}

#[test]
fn files_count_from_the_specs_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anteroom.toml");
    let text = format!("{SHORTEST}[certificate]\nkind = \"files\"\nchain = \"tls/chain.pem\"\nkey = \"tls/key.pem\"\n");
    std::fs::write(&path, text).unwrap();
    assert!(matches!(
        load(&path, &Switches::default(), TODAY),
        Err(LoadError::Invalid(_))
    ));
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    let files = good_files();
    std::fs::write(folder.path().join("tls/chain.pem"), &files["chain.pem"]).unwrap();
    std::fs::write(folder.path().join("tls/key.pem"), &files["key.pem"]).unwrap();
    assert!(load(&path, &Switches::default(), TODAY).is_ok());
}

#[test]
fn a_byte_order_mark_windows_lines_and_spelled_numbers_are_fine() {
    let text = format!("\u{feff}{SHORTEST}[logging]\nretention_days = +1_0\n").replace('\n', "\r\n");
    assert_eq!(accept(&text).logging.retention_days, 10);
}

#[test]
fn the_window_and_the_peers_of_a_spec_are_read_and_have_defaults() {
    let spec = accept(SHORTEST);
    assert_eq!(
        (spec.maintenance.starts().as_str(), spec.maintenance.minutes),
        ("08:00", 120)
    );
    assert!(spec.egress.allow.is_empty());
    let more = "[egress]\nallow = [\"[2001:db8::1]:3128\", \"192.0.2.10:3128\", \"192.0.2.10:3128\"]\n[maintenance]\n";
    let spec = accept(&format!("{SHORTEST}{more}window = \"23:00-01:30\"\n"));
    assert_eq!(
        (spec.maintenance.starts().as_str(), spec.maintenance.minutes),
        ("23:00", 150)
    );
    let peers: Vec<String> = spec.egress.allow.iter().map(ToString::to_string).collect();
    assert_eq!(peers, ["192.0.2.10:3128", "[2001:db8::1]:3128"]);
}
