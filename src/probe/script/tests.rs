//! Scripts as servers serve them, and as hostile servers would.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The shape and the wording of the top and the end of jitsi-meet's config.js (github.com/jitsi/jitsi-meet, commit
/// 02a8f1a4665d), as nginx serves it once it has filled in the subdomain.
const UPSTREAM: &str = include_str!("../../../tests/fixtures/probe/config-upstream.js");

fn run(script: &str, visit: &Visit) -> Result<Ran, String> {
    super::run(&[script.to_owned()], visit)
}

fn visit(hash: &str) -> Visit {
    Visit {
        domain: "t.example.com".to_owned(),
        search: String::new(),
        hash: hash.to_owned(),
    }
}

fn config(script: &str) -> Result<Value, String> {
    run(script, &visit("")).map(|ran| ran.objects["config"].value.clone())
}

#[test]
fn settings_may_be_written_in_any_way() {
    let wanted = json!({ "a": 1, "b": { "c": [true, null, "x"] } });
    for script in [
        r#"var config = {"a": 1, "b": {"c": [true, null, "x"]}};"#,
        "var config = { a: 1, 'b': { c: [ !0, null, `x`, ], }, }; // trailing commas",
        "window.config = window.config || {}; config.a = 1; config['b'] = {}; config.b.c = [true, null, 'x'];",
        "const config = { a: 1 }; if (!config.hasOwnProperty('b')) config.b = { c: [ 1 < 2, null, 'x' ] };",
        "config = Object.assign({}, { a: 0x1, b: { c: 'true,null,x'.split(',').map((x, i) => [true, null, x][i]) } });",
        "\u{feff}/* x */ let config = { a: 1.0, z: undefined, b: { c: [true, null, ('x')] } };",
    ] {
        assert_eq!(config(script), Ok(wanted.clone()), "{script}");
    }
}

#[test]
fn the_real_file_is_understood_with_its_computed_names() {
    let config = config(UPSTREAM).unwrap();
    assert_eq!(config["hosts"]["muc"], json!("conference.t.example.com"));
    assert_eq!(config["bosh"], json!("https://t.example.com/http-bind"));
    assert_eq!(config["p2p"]["enabled"], json!(true));
    assert_eq!(config.get("roomPasswordNumberOfDigits"), None);
}

#[test]
fn the_address_of_the_visit_is_known_and_nothing_else_of_a_browser() {
    let script = "var config = { bosh: '//' + location.host + '/http-bind', at: window.location.href };";
    let known = config(script).unwrap();
    assert_eq!(known["bosh"], json!("//t.example.com/http-bind"));
    assert_eq!(known["at"], json!("https://t.example.com/anteroom-probe"));
    for (script, missed) in [
        ("var config = { a: navigator.userAgent };", "navigator"),
        (
            "var config = { a: 1 }; if (window.self !== window.top) config.a = 2;",
            "top",
        ),
        (
            "var config = {}; if (typeof document !== 'undefined') config.a = 1;",
            "document",
        ),
        ("var config = {}; if ('chrome' in window) config.a = 1;", "chrome"),
        ("var config = { a: new Date().getFullYear() > 2025 };", "Date"),
        ("var config = { a: Math.random() < 0.5 };", "Math.random"),
        ("var config = {}; fetch('/x').then(() => 1);", "fetch"),
        (
            "var config = { a: location.ancestorOrigins };",
            "location.ancestorOrigins",
        ),
    ] {
        let why = config(script).unwrap_err();
        assert!(why.contains(&format!("asks for {missed}")), "{script}: {why}");
    }
}

#[test]
fn functions_are_named_and_no_value() {
    let ran = run("var config = { a: function () {}, b: 1, n: 0/0 };", &visit("")).unwrap();
    let left = &ran.objects["config"];
    assert_eq!(left.value, json!({ "b": 1 }));
    assert_eq!(left.opaque.keys().collect::<Vec<_>>(), ["a", "n"]);
}

#[test]
fn a_script_may_change_the_link_that_led_to_it() {
    let link = |script: &str| run(script, &visit("#config.a=1&x=2")).unwrap().link;
    assert_eq!(link("var config = {};"), "#config.a=1&x=2");
    assert_eq!(link("var config = {}; location.hash = '';"), "");
    assert_eq!(
        link("history.replaceState(null, '', location.pathname + '?y#x=2')"),
        "?y#x=2"
    );
    assert_eq!(link("history.replaceState(null, '', '#x=2')"), "#x=2");
    assert_eq!(link("location.replace(location.origin + '/room')"), "");
}

#[test]
fn a_later_script_changes_what_an_earlier_one_left() {
    for first in ["var config = { a: 1 };", "const config = { a: 1 };"] {
        let scripts = [first, "config.b = config.a + 1; history.replaceState(null, '', '#x')"].map(str::to_owned);
        let ran = super::run(&scripts, &visit("")).unwrap();
        assert_eq!(ran.objects["config"].value, json!({ "a": 1, "b": 2 }), "{first}");
        assert_eq!(ran.link, "#x");
    }
    let why = super::run(&["var config = {};", "config.a.b = 1"].map(str::to_owned), &visit("")).unwrap_err();
    assert!(why.contains("error"), "{why}");
}

#[test]
fn scripts_that_fail_say_why() {
    for (script, why) in [
        ("var config = {", "error"),
        ("throw 1", "thrown"),
        ("var config = { get a() { throw new Error('no'); } };", "cannot be read"),
        ("<!DOCTYPE html><html>", "error"),
    ] {
        let told = run(script, &visit("")).unwrap_err();
        assert!(told.contains(why), "{script}: {told}");
    }
    assert_eq!(run("", &visit("")).unwrap().objects, BTreeMap::new());
}

#[test]
fn scripts_that_never_end_or_never_stop_growing_are_ended() {
    let begun = Instant::now();
    for script in [
        "for (;;) {}",
        "var config = {}; function f() { return f() + 1; } f();",
        "var a = []; for (;;) a.push(new Array(1000).fill('x'));",
        "var s = 'x'; for (;;) s += s;",
        "/(x+x+)+y/.test('x'.repeat(60));",
        "var config = { get a() { for (;;) {} } };",
        "var config = new Proxy({}, { ownKeys: function () { for (;;) {} } });",
        "var config = {}; var at = config; for (var i = 0; i < 1e6; i++) { at = at.x = {}; }",
        "var config = { a: new Array(1e6).fill(0) };",
        "var config = {}; config.self = config;",
        "eval('(' .repeat(1e6));",
    ] {
        assert!(run(script, &visit("")).is_err(), "{script}");
    }
    assert!(begun.elapsed() < Duration::from_secs(240), "{:?}", begun.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plain_object_is_read_back_as_it_was(text in "[ -~]{0,20}", number in -1_000_000i64..1_000_000, yes: bool) {
        let wanted = json!({ "a": { "text": text, "number": number }, "b": [yes, null] });
        prop_assert_eq!(config(&format!("var config = {wanted};")), Ok(wanted));
    }

    #[test]
    fn no_text_breaks_the_engine(script in "\\PC{0,80}|[-(){}\\[\\];=+/'\"`.,a-f0-9 ]{0,80}") {
        let _ = run(&script, &visit(&script));
    }
}
