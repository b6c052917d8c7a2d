//! The domain's record in Route 53: whose it is, that it goes before its address, and that no address goes to strangers
//! while a record leads to it.

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

const DOMAIN: &str = "telemed.example.com";

fn ask(mock: &Mock, what: &str, with: Value) -> Value {
    mock.ask("do", &json!({"region": "us-east-1", "what": what, "with": with}))
}

/// A zone, and a spec of that name that puts its record there.
fn zone(mock: &Mock, spec: &str, name: &str) -> String {
    let id = ask(mock, "zone", json!({ "name": name })).as_str().unwrap().to_owned();
    let line = format!("[machines.aws]\ndns_zone = \"{id}\"");
    mock.spec(spec, &SPEC.replace("[machines.aws]", &line));
    id
}

fn records(mock: &Mock, zone: &str) -> Value {
    ask(mock, "records", json!({ "zone": zone }))
}

fn with_record() -> Value {
    let mut all = whole();
    all["records"] = 1.into();
    all
}

#[test]
fn apply_puts_the_record_and_destroy_removes_it_whatever_its_ttl_and_the_spec_say_now() {
    let Some(mock) = Mock::start() else { return };
    let zone = zone(&mock, "named", "example.com");
    let applied = mock.apply("named");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), with_record());
    let record = records(&mock, &zone);
    assert_eq!(record[0][0], "telemed.example.com.");
    let ip = &record[0][2][0];
    mock.ask("plan", &json!({}));
    mock.apply("named");
    assert_eq!(mock.writes(), Vec::<String>::new());
    // Somebody changes the TTL, and the spec forgets the zone.
    ask(
        &mock,
        "record",
        json!({"zone": zone, "name": DOMAIN, "addresses": [ip], "ttl": 60}),
    );
    let gone = mock.destroy("test");
    assert_eq!((gone.code, mock.count()), (0, json!({})), "{gone:?}");
}

#[test]
fn a_record_of_somebody_else_is_refused_and_stays() {
    let Some(mock) = Mock::start() else { return };
    let alias =
        json!({"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": false});
    for (record, words) in [
        (json!({ "AliasTarget": alias }), "leads to d1.cloudfront.net (an alias)"),
        (
            json!({"addresses": ["198.51.100.1"]}),
            "leads to 198.51.100.1 in Route 53",
        ),
        (
            json!({"addresses": ["198.51.100.1"], "SetIdentifier": "one", "Weight": 1}),
            "(chosen by a routing policy)",
        ),
    ] {
        mock.reset();
        let zone = zone(&mock, "named", "example.com");
        let mut with = record;
        with["zone"] = zone.clone().into();
        with["name"] = DOMAIN.into();
        ask(&mock, "record", with);
        let before = records(&mock, &zone);
        let applied = mock.apply("named");
        assert!(applied.code == 1 && applied.err.contains(words), "{words}: {applied:?}");
        assert_eq!(mock.count(), json!({"records": 1}), "{words}");
        let gone = mock.destroy("named");
        assert!(
            gone.code == 0 && gone.out.contains("stays: DNS record telemed.example.com"),
            "{gone:?}"
        );
        assert_eq!(records(&mock, &zone), before, "{words}");
    }
}

#[test]
fn a_zone_that_cannot_hold_the_domain_is_named_before_anything_is_made() {
    let Some(mock) = Mock::start() else { return };
    zone(&mock, "named", "example.org");
    let applied = mock.apply("named");
    assert!(
        applied.code == 1
            && applied
                .err
                .contains("is of example.org, which telemed.example.com is no part of"),
        "{applied:?}"
    );
    assert_eq!(mock.count(), json!({}));
}

#[test]
fn an_address_to_which_a_record_leads_is_kept_until_it_does_no_more() {
    let Some(mock) = Mock::start() else { return };
    let zone = zone(&mock, "named", "example.com");
    mock.apply("named");
    let ip = records(&mock, &zone)[0][2][0].clone();
    let path = format!("/2013-04-01/hostedzone/{zone}/rrset");
    mock.ask("settings", &json!({"denied": [path, format!("{path}/")]}));
    let denied = mock.destroy("test");
    assert_eq!(
        (denied.code, mock.count()),
        (6, json!({"addresses": 1, "records": 1})),
        "{denied:?}"
    );
    assert!(denied.out.contains("LEFT:  Elastic IP address eipalloc-"), "{denied:?}");
    assert!(denied.out.contains("may still lead to it"), "{denied:?}");
    mock.ask("settings", &json!({"denied": []}));
    ask(
        &mock,
        "record",
        json!({"zone": zone, "name": DOMAIN, "addresses": [ip, "198.51.100.1"]}),
    );
    let shared = mock.destroy("test");
    assert_eq!(
        (shared.code, mock.count()),
        (6, json!({"addresses": 1, "records": 1})),
        "{shared:?}"
    );
    assert!(shared.out.contains("still leads to it, beside others"), "{shared:?}");
    ask(
        &mock,
        "record",
        json!({"zone": zone, "name": DOMAIN, "addresses": ["198.51.100.1"]}),
    );
    let gone = mock.destroy("test");
    assert_eq!((gone.code, mock.count()), (0, json!({"records": 1})), "{gone:?}");
}

#[test]
fn a_former_hosts_address_is_given_back_without_a_record_that_leads_to_it() {
    let Some(mock) = Mock::start() else { return };
    let former = zone(&mock, "former", "example.com");
    assert!(mock.apply("former").reached_the_machine());
    assert_eq!(records(&mock, &former).as_array().unwrap().len(), 1);
    // The host has another name now, and nobody puts the domain into that zone any more.
    let host = "\n[[host]]\nname = \"video\"\nroles = [\"core\"]\n\n[access]";
    mock.spec("renamed", &SPEC.replace("\n[access]", host));
    let applied = mock.apply("renamed");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(records(&mock, &former), json!([]));
    assert_eq!(mock.count(), whole());
}
