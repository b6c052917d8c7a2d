//! The few files that make a cloned file system one particular host: its name, its keys, who may log in, its resolver.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::Digest;
use sha2::Sha256;

use super::error::LabError;
use super::gone;
use super::program;
use crate::spec::HostName;

/// Where this computer names its resolvers: the second is systemd-resolved's list of the real ones.
const RESOLVERS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Writes a host's own files into its mounted root; returns the fingerprint of its new SSH host key.
pub(super) fn write(root: &Path, name: &HostName, address: Ipv4Addr, client_key: &Path) -> Result<String, LabError> {
    let etc = root.join("etc");
    put(&etc.join("hostname"), &format!("{name}\n"), 0o644)?;
    // An empty file makes systemd invent an id at the first boot, so that clones differ.
    put(&etc.join("machine-id"), "", 0o444)?;
    put(&etc.join("hosts"), &hosts_file(name, address, &machine_hosts()), 0o644)?;
    let resolvers = resolvers();
    let resolv: String = resolvers
        .iter()
        .map(|address| format!("nameserver {address}\n"))
        .collect();
    put(&etc.join("resolv.conf"), &resolv, 0o644)?;
    let public = client_key.with_extension("pub");
    let public = fs::read_to_string(&public).map_err(LabError::file("read", &public))?;
    let ssh = root.join("root/.ssh");
    fs::create_dir_all(&ssh).map_err(LabError::file("make", &ssh))?;
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700)).map_err(LabError::file("protect", &ssh))?;
    put(&ssh.join("authorized_keys"), &public, 0o600)?;
    host_key(&etc.join("ssh"), name)
}

/// Makes the key that the lab logs in with, once.
pub(super) fn ensure_client_key(path: &Path) -> Result<(), LabError> {
    if path.exists() && path.with_extension("pub").exists() {
        return Ok(());
    }
    make_key(path, "anteroom-lab")
}

/// Resolvers that a lab host can reach: those of this computer that are not on its own loopback.
pub(super) fn resolvers() -> Vec<String> {
    for path in RESOLVERS {
        let found = reachable_resolvers(&fs::read_to_string(path).unwrap_or_default());
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Base64 of the key's SHA-256 without padding, as `ssh-keygen -l` prints it (RFC 4716 keys, OpenSSH's form).
pub(super) fn fingerprint(public_key: &str) -> Option<String> {
    let blob = STANDARD.decode(public_key.split_whitespace().nth(1)?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

fn host_key(dir: &Path, name: &HostName) -> Result<String, LabError> {
    // A clone of a snapshot must not share the keys of the host it was made from.
    for entry in fs::read_dir(dir).map_err(LabError::file("read", dir))? {
        let path = entry.map_err(LabError::file("read", dir))?.path();
        let key = path
            .file_name()
            .is_some_and(|file| file.to_string_lossy().starts_with("ssh_host_"));
        if key {
            fs::remove_file(&path).map_err(LabError::file("remove", &path))?;
        }
    }
    let key = dir.join("ssh_host_ed25519_key");
    make_key(&key, &format!("root@{name}"))?;
    let public = key.with_extension("pub");
    let text = fs::read_to_string(&public).map_err(LabError::file("read", &public))?;
    fingerprint(&text).ok_or_else(|| LabError::Record {
        path: public,
        why: "it is not an SSH public key".to_owned(),
    })
}

fn make_key(path: &Path, comment: &str) -> Result<(), LabError> {
    program::run(
        "ssh-keygen",
        &[&"-q", &"-t", &"ed25519", &"-N", &"", &"-C", &comment, &"-f", &path],
    )?;
    Ok(())
}

fn put(path: &Path, text: &str, mode: u32) -> Result<(), LabError> {
    // The old file goes first: writing through a link would change what it points at.
    gone::file(path)?;
    fs::write(path, text).map_err(LabError::file("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(LabError::file("protect", path))
}

fn machine_hosts() -> String {
    fs::read_to_string("/etc/hosts").unwrap_or_default()
}

/// The host's own name as Debian's installer writes it (its address, not 127.0.1.1), and what this computer pins.
fn hosts_file(name: &HostName, address: Ipv4Addr, machine: &str) -> String {
    let mut text = format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{address}\t{name}\n");
    for line in machine.lines() {
        let pinned = line
            .split_whitespace()
            .next()
            .and_then(|first| first.parse::<std::net::IpAddr>().ok());
        let own =
            |address: std::net::IpAddr| address.is_loopback() || address.is_multicast() || address.is_unspecified();
        if pinned.is_some_and(|address| !own(address) && address.to_string() != "fe00::") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn reachable_resolvers(resolv: &str) -> Vec<String> {
    resolv
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .map(str::trim)
        // Lab hosts have no route for IPv6.
        .filter(|address| address.parse::<Ipv4Addr>().is_ok_and(|address| !address.is_loopback()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_one_that_ssh_keygen_prints() {
        let key = include_str!("../../../tests/fixtures/lab/host_key.pub");
        let printed = include_str!("../../../tests/fixtures/lab/host_key.fingerprint");
        assert_eq!(
            fingerprint(key).expect("a key"),
            printed.split(' ').nth(1).expect("a fingerprint")
        );
        assert_eq!(fingerprint("not a key"), None);
    }

    #[test]
    fn a_resolver_on_loopback_is_of_no_use_to_a_host() {
        let resolv =
            "# made by systemd-resolved\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nnameserver 2001:db8::1\n";
        assert_eq!(reachable_resolvers(resolv), ["192.0.2.53"]);
    }

    #[test]
    fn a_host_knows_itself_and_what_this_computer_pins() {
        let name: HostName = "core".parse().expect("a name");
        let machine =
            "127.0.0.1 localhost\n127.0.1.1 laptop\n192.0.2.9 mirror.example.org\n\n# note\nff02::1 ip6-allnodes\n";
        let text = hosts_file(&name, Ipv4Addr::new(10, 77, 3, 10), machine);
        assert!(text.contains("10.77.3.10\tcore\n"));
        assert!(text.ends_with("192.0.2.9 mirror.example.org\n"), "{text}");
        assert!(!text.contains("laptop"));
    }
}
