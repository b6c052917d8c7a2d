//! `destroy`: what is gone is judged by a comparison of the whole host before and after, not by our own manifest.

use crate::bench::Bench;
use crate::spec_file::SpecFile;

/// What installing and purging packages changes on any Debian, each with its reason. Nothing of it is a deployment's.
const TRACES_OF_PACKAGING: &[(&str, &str)] = &[
    (
        "changed: file /etc/group-",
        "the previous version, which user tools keep",
    ),
    ("changed: file /etc/gshadow-", "the same"),
    ("changed: file /etc/passwd-", "the same"),
    ("changed: file /etc/shadow-", "the same"),
    ("changed: sum /etc/group-", "the same"),
    ("changed: sum /etc/gshadow-", "the same"),
    ("changed: sum /etc/passwd-", "the same"),
    ("changed: sum /etc/shadow-", "the same"),
    (
        "changed: file /var/cache/debconf/config.dat-old",
        "debconf's previous answers; ours are asserted to be gone",
    ),
    ("changed: sum /var/cache/debconf/config.dat-old", "the same"),
    (
        "changed: file /var/cache/debconf/templates.dat-old",
        "debconf's previous questions",
    ),
    ("changed: sum /var/cache/debconf/templates.dat-old", "the same"),
    ("new: file /var/cache/ldconfig", "a cache of the linker"),
    ("new: sum /var/cache/ldconfig", "the same"),
    ("changed: sum /var/cache/ldconfig", "the same"),
    ("changed: file /etc/ld.so.cache", "a cache of the linker"),
    ("changed: sum /etc/ld.so.cache", "the same"),
    ("changed: file /var/lib/dpkg/", "dpkg's previous versions of its lists"),
    (
        "changed: sum /var/lib/dpkg/",
        "the same; the packages themselves are compared one by one",
    ),
    ("new: file /var/lib/ucf/", "ucf's previous versions of its list"),
    ("new: sum /var/lib/ucf/", "the same"),
    ("changed: file /var/lib/ucf/hashfile.", "the same"),
    ("changed: sum /var/lib/ucf/hashfile.", "the same"),
    (
        "changed: file /var/lib/ucf/registry",
        "whose a file is: the purge of unattended-upgrades leaves its two lines in ucf's list",
    ),
    ("changed: sum /var/lib/ucf/registry", "the same"),
];

/// The hardening that stays: it is listed to the operator.
const HARDENING: &[(&str, &str)] = &[
    (
        "new: file /etc/anteroom",
        "the firewall's rules, and the manifest that says whose they are",
    ),
    ("new: sum /etc/anteroom/", "the same"),
    (
        "new: file /etc/ssh/sshd_config.d/00-anteroom.conf",
        "sshd takes keys only",
    ),
    ("new: sum /etc/ssh/sshd_config.d/00-anteroom.conf", "the same"),
    (
        "new: file /etc/systemd/system/anteroom-firewall.service",
        "loads the firewall at boot",
    ),
    ("new: sum /etc/systemd/system/anteroom-firewall.service", "the same"),
    (
        "new: file /etc/systemd/system/sysinit.target.wants/anteroom-firewall.service",
        "the same",
    ),
    (
        "new: file /etc/systemd/system/nftables.service.d",
        "loads our table again when nftables.service has flushed everything",
    ),
    ("new: sum /etc/systemd/system/nftables.service.d/", "the same"),
    ("new: unit anteroom-firewall.service", "the same"),
    ("new: active anteroom-firewall.service", "the same"),
    ("new: firewall", "the rules in force"),
    ("new: file /var/lib/anteroom", "which folders were made for these files"),
    ("new: sum /var/lib/anteroom/parents", "the same"),
];

/// From a bare host and back.
pub(crate) fn destroy_leaves_the_host_as_it_was(bench: &Bench) {
    let host = bench.bare("destroyed");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    // Somebody else's: a package that we would install, and a file in a folder that our packages remove.
    host.run(
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends jq >/dev/null 2>&1; \
         mkdir -p /etc/jitsi /var/www/html; echo mine >/etc/jitsi/notes.txt; echo mine >/var/www/html/mine.html",
    );
    let before = host.world();
    host.deploy(&spec).expect(0);
    assert!(before.differences(&host.world()).len() > 1000);

    let removed = host
        .anteroom(&["destroy", "-f", &spec, "--yes", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(removed["left"].as_array().unwrap().len(), 0, "{removed}");
    let kept = removed["kept"].to_string();
    for thing in [
        "/etc/anteroom/firewall.nft",
        "/etc/ssh/sshd_config.d/00-anteroom.conf",
        "anteroom-firewall.service",
        "/etc/jitsi (it was there before)",
    ] {
        assert!(kept.contains(thing), "{kept}");
    }
    before.expect_same(&host.world(), &[TRACES_OF_PACKAGING, HARDENING].concat());
    assert_eq!(
        host.run("nft list table inet anteroom | grep -c 'policy drop'; sshd -T | grep '^passwordauthentication'"),
        "2\npasswordauthentication no"
    );

    let removed = host
        .anteroom(&["destroy", "-f", &spec, "--yes", "--hardening", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(removed["kept"].as_array().unwrap().len(), 0, "{removed}");
    before.expect_same(&host.world(), TRACES_OF_PACKAGING);
    let again = host.anteroom(&["destroy", "-f", &spec, "--yes"]).expect(0);
    assert!(again.out.contains("nothing to remove"), "{}", again.out);
}
