//! A repository that is down, lies, or serves something else than it signed: an error even where good lists are cached.

use std::fs;
use std::path::Path;

use crate::bench::Bench;
use crate::bench::Repository;
use crate::host::TestHost;
use crate::spec_file::SpecFile;

/// Sends the host's requests to the repository to another port of the same address.
fn redirect(host: &TestHost<'_>, port: u16) {
    let Repository {
        address, port: from, ..
    } = &host.bench.repository;
    host.run(&format!(
        "nft 'table ip trial {{}}; delete table ip trial; table ip trial {{ chain out {{ type nat hook output priority -100; \
         ip daddr {address} tcp dport {from} dnat to {address}:{port}; }}; }}'"
    ));
}

/// Each case on the same host, which lacks one package.
pub(crate) fn a_repository_that_is_down_or_lies_changes_nothing(bench: &Bench) {
    let host = bench.deployed("packages");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    host.run(
        "apt-mark -q unhold jitsi-meet-web; apt-get -q -y purge jitsi-meet-web; \
         rm -f /var/cache/apt/archives/*jitsi* /var/cache/apt/archives/jicofo*; ls /var/lib/apt/lists | grep stable_InRelease",
    );
    let refused = |port: u16, words: &[&str]| {
        redirect(&host, port);
        // The firewall judges the port that the request is sent to, so that it has to know of it.
        let Repository { address, .. } = &host.bench.repository;
        let egress = format!("[egress]\nallow = [\"{address}:{port}\"]\n");
        let spec = host.write("redirected.toml", &SpecFile::token().with(&egress));
        let before = host.world();
        let outcome = host
            .deploy(&spec)
            .expect(1)
            .says(words)
            .says(&["the host is as before"]);
        assert_eq!(outcome.err.matches("\nerror: ").count(), 1, "{}", outcome.err);
        before.expect_same(&host.world(), &[]);
    };

    // Nothing listens at port 1.
    refused(1, &["failed to read the package lists on core"]);

    let lying = tampered(bench, "lying", |repo| {
        for file in ["InRelease", "Release"] {
            let path = repo.join("stable").join(file);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("not for use", "not fOr use")).unwrap();
        }
    });
    refused(lying.port, &["failed to read the package lists on core", "signature"]);

    let swapped = tampered(bench, "swapped", |repo| {
        for entry in fs::read_dir(repo.join("stable")).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("jitsi-meet-web")
            {
                let mut bytes = fs::read(&path).unwrap();
                let last = bytes.last_mut().unwrap();
                *last ^= 1;
                fs::write(&path, bytes).unwrap();
            }
        }
    });
    refused(swapped.port, &["failed to install jitsi-meet-web on core"]);

    host.run("nft delete table ip trial");
    host.deploy(&spec).expect(0);
    host.anteroom(&["plan", "-f", &spec]).expect(0);
    assert_eq!(
        host.run("apt-mark showhold | grep -c jitsi-meet-web; ls /usr/share/jitsi-meet/index.html"),
        "1\n/usr/share/jitsi-meet/index.html"
    );
}

/// A served copy of the repository that somebody changed.
fn tampered(bench: &Bench, name: &str, change: impl Fn(&Path)) -> Repository {
    let copy = bench.doubles().with_file_name(name);
    fs::create_dir_all(copy.join("repo/stable")).unwrap();
    for entry in fs::read_dir(bench.doubles().join("repo/stable")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, copy.join("repo/stable").join(from.file_name().unwrap())).unwrap();
    }
    change(&copy.join("repo"));
    Repository::serve(&copy, bench.repository.address)
}
