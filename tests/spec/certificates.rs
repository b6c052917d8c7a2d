//! Certificate files that must not reach a host.

use std::collections::BTreeMap;

use anteroom::spec::Switches;

use super::support::certificate;
use super::support::judge;

const SPEC: &str = "[deployment]\nname = \"clinic\"\ndomain = \"telemed.example.com\"\nenvironment = \"production\"\n\
                    [baa]\nvendor = \"v\"\nagreement = \"a\"\nsigned_on = 2026-01-01\n\
                    [machines]\nkind = \"existing\"\n[[host]]\nname = \"core\"\naddress = \"h\"\n\
                    [access]\nadmin_cidrs = [\"192.0.2.0/28\"]\n\
                    [certificate]\nkind = \"files\"\nchain = \"chain.pem\"\nkey = \"key.pem\"\n";

/// Every message about the files, or nothing when they are accepted.
fn messages(chain: &str, key: &str) -> Vec<String> {
    let files = BTreeMap::from([("chain.pem", chain.to_owned()), ("key.pem", key.to_owned())]);
    match judge(SPEC, &Switches::default(), &files) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.list().iter().map(|problem| problem.message.clone()).collect(),
    }
}

fn assert_refused(chain: &str, key: &str, why: &str) {
    let messages = messages(chain, key);
    assert!(
        messages.iter().any(|message| message.contains(why)),
        "{why:?} is not in {messages:?}"
    );
}

#[test]
fn names_are_matched_with_one_label_for_a_star() {
    for (name, accepted) in [
        ("telemed.example.com", true),
        ("*.example.com", true),
        ("TELEMED.example.com", true),
        ("example.com", false),
        ("*.com", false),
        ("*.telemed.example.com", false),
    ] {
        let made = certificate(&[name], (2026, 1, 1), (2027, 1, 1));
        let chain = format!("{}{}", made.leaf, made.issuer);
        let messages = messages(&chain, &made.key);
        assert_eq!(messages.is_empty(), accepted, "{name}: {messages:?}");
    }
}

#[test]
fn a_certificate_must_be_valid_today() {
    let names = &["telemed.example.com"];
    let expired = certificate(names, (2025, 1, 1), (2026, 4, 1));
    assert_refused(&expired.leaf, &expired.key, "expired on 2026-04-01");
    let early = certificate(names, (2026, 4, 2), (2027, 1, 1));
    assert_refused(&early.leaf, &early.key, "is not valid before 2026-04-02");
    let today = certificate(names, (2026, 4, 1), (2026, 4, 2));
    assert!(messages(&today.leaf, &today.key).is_empty());
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let names = &["telemed.example.com"];
    let one = certificate(names, (2026, 1, 1), (2027, 1, 1));
    let other = certificate(names, (2026, 1, 1), (2027, 1, 1));
    assert_refused(&one.leaf, &other.key, "is not the key of the certificate");
}

#[test]
fn a_chain_that_begins_with_its_issuer_is_refused() {
    let made = certificate(&["telemed.example.com"], (2026, 1, 1), (2027, 1, 1));
    let chain = format!("{}{}", made.issuer, made.leaf);
    assert_refused(
        &chain,
        &made.key,
        "does not cover telemed.example.com; it covers nothing",
    );
    assert_refused(&chain, &made.key, "is out of order");
    let strange = certificate(&["other.example.com"], (2026, 1, 1), (2027, 1, 1));
    assert_refused(&format!("{}{}", made.leaf, strange.leaf), &made.key, "is out of order");
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let made = certificate(&["telemed.example.com"], (2026, 1, 1), (2027, 1, 1));
    assert_refused(&made.key, &made.key, "holds a private key");
    assert_refused(&format!("{}{}", made.leaf, made.key), &made.key, "holds a private key");
    assert_refused("hello", &made.key, "holds no certificate");
    assert_refused(&made.leaf[..200], &made.key, "is damaged");
    assert_refused(&made.leaf.replace("MII", "MIJ"), &made.key, "damaged certificate");
    assert_refused(&made.leaf, &made.leaf, "holds no private key in PEM");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_refused(&made.leaf, encrypted, "protected by a passphrase");
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_refused(&made.leaf, nonsense, "is not a key that TLS servers use");
}

#[test]
fn production_refuses_a_certificate_that_signed_itself() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["telemed.example.com".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let leaf = params.self_signed(&key).unwrap().pem();
    assert_refused(&leaf, &key.serialize_pem(), "is signed by itself");
}

#[test]
fn no_private_key_is_quoted_in_a_report() {
    let made = certificate(&["telemed.example.com"], (2026, 1, 1), (2027, 1, 1));
    let secret = made.key.lines().nth(1).unwrap();
    for message in messages(&made.key, &made.key) {
        assert!(!message.contains(secret));
    }
}
