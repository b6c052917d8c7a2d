//! The internal topology, from a bare host on: clinicians' accounts come, log in and go; a service's password that was
//! changed really changes.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::outcome::Outcome;
use crate::spec_file::SpecFile;

/// A login as a browser makes it, over BOSH through nginx, by curl; prints what Prosody answered to it.
const LOGIN: &str = r#"
post() {
    curl -sk --max-time 20 --resolve "telemed.example.test:443:127.0.0.1" -H 'Content-Type: text/xml' \
        -d "$1" https://telemed.example.test/http-bind
}
ns="xmlns='http://jabber.org/protocol/httpbind'"
sid=$(post "<body $ns rid='1000' to='telemed.example.test' wait='5' hold='1' ver='1.6' xml:lang='en' \
    xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>" | sed -n "s/.* sid=['\"]\([^'\"]*\).*/\1/p")
[ -n "$sid" ] || { echo "no session"; exit 1; }
plain=$(printf '\0%s\0%s' "$user" "$password" | base64 -w 0)
post "<body $ns rid='1001' sid='$sid'><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>$plain</auth></body>"
"#;

fn login(host: &TestHost<'_>, user: &str, password: &str) -> String {
    host.run(&format!("user='{user}' password='{password}'\n{LOGIN}"))
}

#[track_caller]
fn can_log_in(host: &TestHost<'_>, user: &str, password: &str) {
    let answer = login(host, user, password);
    assert!(answer.contains("<success"), "{user}: {answer}");
}

#[track_caller]
fn cannot_log_in(host: &TestHost<'_>, user: &str, password: &str) {
    let answer = login(host, user, password);
    assert!(
        answer.contains("<failure") && answer.contains("not-authorized"),
        "{user}: {answer}"
    );
}

fn add_with_password(host: &TestHost<'_>, spec: &str, user: &str, password: &str) -> Outcome {
    let arguments = ["user", "add", "-f", spec, user, "--password-stdin"];
    let mut command = host.bench.command(&arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    Outcome::of(&arguments, child.wait_with_output().unwrap())
}

/// Everything about accounts, on one host.
pub(crate) fn accounts_come_log_in_and_go(bench: &Bench) {
    let host = bench.bare("internal");
    let spec = host.write("anteroom.toml", &SpecFile::internal());
    let user = |arguments: &[&str]| host.anteroom(&[&["user"], arguments, &["-f", &spec, "--format", "json"]].concat());
    host.anteroom(&["plan", "-f", &spec]).expect(4);
    // The audit makes itself an account, opens a room with it, and leaves none behind.
    let report = host.apply(&spec).clean();
    assert!(report.controls("pass").contains("access/clinician-can-open-room"));
    assert!(
        report
            .controls("not_applicable")
            .contains("access/forged-tokens-refused")
    );
    assert_eq!(user(&["list"]).expect(0).json()["names"], json!([]));
    assert_eq!(accounts(&host), "");

    let made = user(&["add", "dr.okafor"]).expect(0).json();
    let generated = made["password"].as_str().unwrap();
    assert!(generated.len() >= 15);
    add_with_password(&host, &spec, "dr.lee", "correct horse battery").expect(0);
    let short = add_with_password(&host, &spec, "dr.short", "too short")
        .expect(2)
        .says(&["15 characters"]);
    assert_eq!(short.out, "");
    assert_eq!(
        user(&["list"]).expect(0).json()["names"],
        json!(["dr.lee", "dr.okafor"])
    );
    assert_eq!(accounts(&host), "dr%2elee.dat\ndr%2eokafor.dat");
    can_log_in(&host, "dr.okafor", generated);
    can_log_in(&host, "dr.lee", "correct horse battery");
    cannot_log_in(&host, "dr.lee", "correct horse");
    cannot_log_in(&host, "dr.nobody", generated);
    // No password is left where others could read it.
    let traces =
        format!("grep -rlF '{generated}' /var/log /run/anteroom /var/lib/anteroom /etc /tmp 2>/dev/null || true");
    assert_eq!(host.run(&traces), "");

    // Adding again gives a new password.
    let again = user(&["add", "dr.okafor"]).expect(0).json();
    cannot_log_in(&host, "dr.okafor", generated);
    can_log_in(&host, "dr.okafor", again["password"].as_str().unwrap());

    user(&["remove", "dr.okafor"]).expect(0);
    cannot_log_in(&host, "dr.okafor", again["password"].as_str().unwrap());
    assert_eq!(accounts(&host), "dr%2elee.dat");
    user(&["remove", "dr.okafor"])
        .expect(1)
        .says(&["there is no account dr.okafor"]);

    // A service's password: upstream's scripts ignore a changed one.
    let old = host.run("sed -n 's/^focus=//p' /etc/anteroom/secrets");
    let new = "5eed".repeat(16);
    host.run(&format!("sed -i 's/^focus=.*/focus={new}/' /etc/anteroom/secrets"));
    let plan = host.anteroom(&["plan", "-f", &spec]).expect(4);
    assert!(
        plan.out.contains("set the password of focus@auth.telemed.example.test"),
        "{}",
        plan.out
    );
    assert!(!plan.out.contains(&old) && !plan.out.contains(&new), "{}", plan.out);
    let healed = host.apply(&spec).clean();
    assert!(
        !healed.err.contains(&old) && !healed.err.contains(&new),
        "{}",
        healed.err
    );
    let holders = |secret: &str| host.run(&format!("grep -rlF '{secret}' /etc /var/lib/prosody /var/log | sort"));
    assert_eq!(holders(&new), "/etc/anteroom/secrets\n/etc/jitsi/jicofo/jicofo.conf");
    assert_eq!(
        host.run(&format!("grep -rlF '{old}' /etc /var/lib/prosody /var/log || true")),
        ""
    );
    can_log_in(&host, "dr.lee", "correct horse battery");
}

/// The clinicians' accounts as Prosody stores them.
fn accounts(host: &TestHost<'_>) -> String {
    host.run("ls /var/lib/prosody/telemed%2eexample%2etest/accounts 2>/dev/null || true")
}
