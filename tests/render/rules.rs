//! What every rendered tree keeps, whatever the spec says.

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::RenderedFile;
use anteroom::render::Wanted;
use anteroom::render::render;
use anteroom::spec::Auth;
use anteroom::spec::Spec;
use anteroom::spec::TokenAuth;
use anteroom::spec::TokenKey;

use crate::specs;

fn rendered(spec: &Spec) -> Wanted {
    render(spec, &spec.hosts[0]).unwrap()
}

fn file<'a>(wanted: &'a Wanted, path: &str) -> &'a RenderedFile {
    match &wanted.tree[&path.parse().unwrap()] {
        Entry::File(file) => file,
        other => panic!("{path} is {other:?}"),
    }
}

fn text<'a>(wanted: &'a Wanted, path: &str) -> &'a str {
    match &file(wanted, path).content {
        FileContent::Text(text) => text,
        FileContent::Hidden(_) => panic!("{path} is hidden"),
    }
}

const SITE: &str = "/etc/prosody/conf.avail/telemed.example.com.cfg.lua";
const PAGE: &str = "/etc/jitsi/meet/telemed.example.com-config.js";

#[test]
fn the_same_spec_renders_to_the_same_bytes() {
    for (_, spec) in specs::cases() {
        assert_eq!(rendered(&spec), rendered(&spec));
    }
}

#[test]
fn whoever_may_read_a_file_with_a_slot_is_its_service() {
    for (name, spec) in specs::cases() {
        for (path, entry) in &rendered(&spec).tree {
            let Entry::File(file) = entry else { continue };
            let secret = match &file.content {
                FileContent::Text(text) => text.contains("<secret:"),
                FileContent::Hidden(_) => true,
            };
            if secret {
                assert_eq!(file.access.mode & 0o027, 0, "{name}: {path}");
            }
        }
    }
}

#[test]
fn every_slot_is_a_secret_that_the_host_makes_and_every_secret_is_used() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let mut all = String::new();
        for entry in wanted.tree.values() {
            if let Entry::File(RenderedFile {
                content: FileContent::Text(text),
                ..
            }) = entry
            {
                all.push_str(text);
            }
        }
        for secret in &wanted.secrets {
            assert!(all.contains(&secret.slot()), "{name}: {} is not used", secret.0);
        }
        for preseed in &wanted.preseeds {
            all.push_str(&preseed.value);
        }
        for part in all.split("<secret:").skip(1) {
            let slot = part.split('>').next().unwrap();
            assert!(wanted.secrets.iter().any(|s| s.0 == slot), "{name}: {slot} is not made");
        }
        let token = wanted.secrets.iter().any(|secret| secret.0 == "token");
        assert_eq!(token, name == "token-shared-secret");
    }
}

#[test]
fn no_file_mixes_the_two_topologies() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let site = text(&wanted, SITE);
        let focus = text(&wanted, "/etc/jitsi/jicofo/jicofo.conf");
        let page = text(&wanted, PAGE);
        let token = matches!(spec.security.auth, Auth::Token(_));
        for part in [
            "authentication = \"token\"",
            "\"token_verification\"",
            "\"muc_wait_for_host\"",
            "\"persistent_lobby\"",
            "allow_empty_token = false",
            "asap_require_room_claim = true",
            "token_verification_allowlist = { \"guest.telemed.example.com\" }",
        ] {
            assert_eq!(site.contains(part), token, "{name}: {part}");
        }
        assert_eq!(
            focus.contains("jicofo.authentication.type = \"XMPP\""),
            !token,
            "{name}"
        );
        assert!(
            focus.contains(&format!("jicofo.authentication.enabled = {}\n", !token)),
            "{name}"
        );
        assert_eq!(page.contains("authdomain"), !token, "{name}");
        let internal = site.matches("authentication = \"internal_hashed\"").count();
        assert_eq!(internal, if token { 1 } else { 2 }, "{name}");
        assert_eq!(
            site.matches("authentication = \"jitsi-anonymous\"").count(),
            1,
            "{name}"
        );
        assert!(focus.contains("enable-auto-owner = false"), "{name}");
    }
}

#[test]
fn the_brewery_room_is_open_to_service_accounts_only() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let site = text(&wanted, SITE);
        let (_, after) = site
            .split_once("Component \"internal.auth.telemed.example.com\" \"muc\"")
            .unwrap();
        let component = after.split("\nComponent").next().unwrap();
        for part in [
            "restrict_room_creation = true",
            "\"muc_filter_access\";",
            "muc_filter_whitelist = { \"auth.telemed.example.com\" }",
        ] {
            assert!(component.contains(part), "{name}: {part}");
        }
    }
}

#[test]
fn the_site_has_what_the_prosody_package_looks_for_before_it_edits() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let site = text(&wanted, SITE);
        for marker in [
            "internal.auth.telemed.example.com",
            "Component \"focus.telemed.example.com\" \"client_proxy\"",
            "Component \"polls.telemed.example.com\"",
            "--\"polls\";",
            "unlimited_jids",
            "component_admins_as_room_owners = ",
            "VirtualHost \"jigasi.meet.jitsi\"",
        ] {
            assert!(site.contains(marker), "{name}: {marker}");
        }
        assert!(
            !site.contains("do not delete me"),
            "{name}: jitsi-meet-tokens would take hold of the host"
        );
        assert!(!site.contains("--plugin_paths"), "{name}");
        let (_, after) = site
            .split_once("Component \"conference.telemed.example.com\" \"muc\"")
            .unwrap();
        let next_two: Vec<&str> = after.lines().skip(1).take(2).collect();
        assert!(
            next_two.iter().any(|line| line.contains("restrict_room_creation")),
            "{name}"
        );
        let main = text(&wanted, "/etc/prosody/prosody.cfg.lua");
        assert!(main.contains("Include \"conf.d/*.cfg.lua\""), "{name}");
    }
}

#[test]
fn the_page_is_strict_json_after_its_assignment_and_says_when_it_is_a_test() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let page = text(&wanted, PAGE);
        let json = anteroom::render::script_settings(page).unwrap();
        let page: serde_json::Value = serde_json::from_str(json).unwrap();
        let notice = page.get("noticeMessage").and_then(|value| value.as_str());
        let expected = (!name.ends_with("production")).then_some("TEST: no patients");
        assert_eq!(notice, expected, "{name}");
        assert_eq!(page["p2p"]["stunServers"], serde_json::json!([]));
    }
}

#[test]
fn no_rendered_file_asks_a_third_party() {
    for (name, spec) in specs::cases() {
        for (path, entry) in &rendered(&spec).tree {
            let Entry::File(RenderedFile {
                content: FileContent::Text(text),
                ..
            }) = entry
            else {
                continue;
            };
            if path.as_str().starts_with("/etc/apt/") {
                continue;
            }
            for stranger in ["jitsi.net", "8x8", "google", "jitsi.org", "gravatar.com"] {
                assert!(!text.contains(stranger), "{name}: {path} names {stranger}");
            }
        }
    }
}

#[test]
fn firewall_and_sshd_are_hardening_and_nothing_else_is() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let hardening: Vec<&str> = wanted
            .tree
            .iter()
            .filter(|(_, entry)| matches!(entry, Entry::File(file) if file.hardening))
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(
            hardening,
            [
                "/etc/anteroom/firewall.nft",
                "/etc/ssh/sshd_config.d/00-anteroom.conf",
                "/etc/systemd/system/anteroom-firewall.service",
                "/etc/systemd/system/nftables.service.d/anteroom.conf",
            ],
            "{name}"
        );
    }
}

#[test]
fn every_row_of_the_policy_that_holds_stands_in_its_file() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        assert!(wanted.settings.len() > 150, "{name}: {}", wanted.settings.len());
        for setting in &wanted.settings {
            let text = text(&wanted, setting.path.as_str());
            let at = format!("{name}: {} {}", setting.path, setting.key);
            if let Some(json) = anteroom::render::script_settings(text) {
                let page: serde_json::Value = serde_json::from_str(json).unwrap();
                let pointer = format!("/{}", setting.key.replace('.', "/"));
                assert_eq!(page.pointer(&pointer), Some(&setting.value), "{at}");
                continue;
            }
            for line in &setting.lines {
                assert!(text.lines().any(|held| held.trim() == line.trim()), "{at}: {line}");
            }
        }
    }
}

#[test]
fn the_firewall_opens_the_listeners_and_nothing_else() {
    for (name, spec) in specs::cases() {
        let wanted = rendered(&spec);
        let table = text(&wanted, "/etc/anteroom/firewall.nft");
        assert!(table.contains("policy drop;"), "{name}");
        for port in ["5222", "5280", "8080", "8888"] {
            assert!(!table.contains(port), "{name}: {port} is for the host itself");
        }
        for open in [
            "80, 443",
            "udp dport 10000",
            "tcp dport 5349",
            "udp dport 3478",
            "49152-49407",
        ] {
            assert!(table.contains(open), "{name}: {open}");
        }
    }
}

#[test]
fn a_bridge_behind_nat_offers_its_public_address_and_turn_relays_to_it_alone() {
    let spec = specs::production_spec(Auth::Internal);
    let wanted = rendered(&spec);
    let bridge = text(&wanted, "/etc/jitsi/videobridge/jvb.conf");
    assert!(bridge.contains(r#"[{"local-address":"10.1.2.3","public-address":"192.0.2.10"}]"#));
    assert!(bridge.contains("advertise-private-candidates = false"));
    let turn = text(&wanted, "/etc/turnserver.conf");
    let allowed: Vec<&str> = turn
        .lines()
        .filter(|line| line.starts_with("allowed-peer-ip"))
        .collect();
    assert_eq!(allowed, ["allowed-peer-ip=10.1.2.3", "allowed-peer-ip=192.0.2.10"]);
    assert!(turn.contains("denied-peer-ip=0.0.0.0-255.255.255.255\n"));
    assert!(turn.contains("external-ip=192.0.2.10/10.1.2.3\n"));
}

#[test]
fn a_bridge_on_a_private_network_offers_its_private_address() {
    let mut spec = specs::test_spec(Auth::Internal);
    spec.hosts[0].private_address = Some("10.77.0.11".parse().unwrap());
    let wanted = rendered(&spec);
    let bridge = text(&wanted, "/etc/jitsi/videobridge/jvb.conf");
    assert!(bridge.contains("advertise-private-candidates = true"));
    assert!(bridge.contains("require-valid-address = false"));
    assert!(text(&wanted, "/etc/turnserver.conf").contains("allowed-peer-ip=10.77.0.11\n"));
}

#[test]
fn hostile_issuers_stay_inside_their_strings() {
    let hostile = "x\" }\nauthentication = \"anonymous\" --${HOME}$host</script>]]";
    let spec = specs::test_spec(Auth::Token(TokenAuth {
        issuer: hostile.to_owned(),
        audience: hostile.to_owned(),
        key: TokenKey::PublicKey {
            pem: hostile.to_owned(),
        },
    }));
    let wanted = rendered(&spec);
    let site = text(&wanted, SITE);
    assert_eq!(site.matches("\n    authentication = ").count(), 3);
    assert!(site.contains(r#"app_id = "x\" }\nauthentication = \"anonymous\" --${HOME}$host</script>]]""#));
}

#[test]
fn a_value_that_a_language_cannot_carry_is_refused() {
    let mut spec = specs::test_spec(Auth::Internal);
    spec.packages.jitsi.suite = "stable/\nTrusted: yes".to_owned();
    let error = render(&spec, &spec.hosts[0]).unwrap_err();
    assert!(error.to_string().contains("anteroom-jitsi.sources"), "{error}");
}

#[test]
fn jitsis_packages_are_held_and_come_from_their_own_repository_only() {
    let spec = specs::production_spec(Auth::Internal);
    let wanted = rendered(&spec);
    let theirs: Vec<&str> = wanted
        .packages
        .iter()
        .filter(|package| package.origin.is_some())
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(
        theirs,
        ["jicofo", "jitsi-meet-prosody", "jitsi-meet-web", "jitsi-videobridge2"]
    );
    for package in &wanted.packages {
        assert_eq!(package.held, package.origin.is_some(), "{}", package.name);
    }
    let jicofo = wanted.packages.iter().find(|p| p.name == "jicofo").unwrap();
    assert_eq!(jicofo.version.as_deref(), Some("1.0-1180-1"));
}
