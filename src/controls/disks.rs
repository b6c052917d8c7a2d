//! Encryption at rest: what the host's own disks are made of. What a provider does below them the host cannot see.

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::facts::DiskMedium;
use crate::facts::DiskSeen;
use crate::facts::InsideFacts;
use crate::seen::Seen;

/// encryption/disks-encrypted.
pub(crate) fn disks_encrypted(case: &Case) -> Vec<Verdict> {
    case.hosts.iter().map(|host| disks(case, host)).collect()
}

fn disks(case: &Case, host: &HostCase) -> Verdict {
    let expected = "every file system with something of ours is on an encrypted device";
    let subject = host.subject("disks");
    let seen = match &host.facts {
        Seen::Unknown(why) => Err(why.clone()),
        Seen::Known(facts) => look(&facts.inside),
    };
    let (disks, bare) = match seen {
        Ok(seen) => seen,
        Err(why) => return Verdict::unverified(subject, expected, &why, case.on_host(host, "not seen")),
    };
    let of = |medium: DiskMedium| {
        let found = disks.iter().filter(move |disk| disk.medium == medium);
        let words = found.map(|disk| format!("{} ({} on {})", disk.mount, disk.kind, disk.source));
        words.collect::<Vec<String>>()
    };
    let (plain, unknown, encrypted) = (
        of(DiskMedium::Plain),
        of(DiskMedium::Unknown),
        of(DiskMedium::Encrypted),
    );
    let evidence = case.on_host(
        host,
        format!("`findmnt` and `lsblk` told of {} file systems", disks.len()),
    );
    let open: Vec<String> = plain.iter().chain(&unknown).cloned().collect();
    if open.is_empty() {
        let observed = format!("encrypted: {}", encrypted.join(", "));
        return Verdict::pass(subject, expected, observed, evidence);
    }
    let observed = format!("not seen to be encrypted: {}", open.join(", "));
    if case.is_test() {
        let why = format!("a test holds nobody's data; {observed}");
        return Verdict::not_applicable(subject, expected, &why, evidence);
    }
    // Nobody is below a machine of one's own; and who encrypts some disks means to encrypt all.
    if !plain.is_empty() && (bare || !encrypted.is_empty()) {
        return Verdict::fail(
            subject,
            expected,
            format!("not encrypted: {}", plain.join(", ")),
            evidence,
        );
    }
    let why = format!("{observed}. A provider may encrypt below the host, which only its records show");
    Verdict::unverified(subject, expected, &why, evidence)
}

/// The disks, and whether the machine is nobody's virtual one.
fn look(inside: &InsideFacts) -> Result<(&Vec<DiskSeen>, bool), String> {
    let disks = inside.disks.known().map_err(str::to_owned)?;
    let bare = inside.machine.known().map_err(str::to_owned)?.is_none();
    // In a container the disks are another's, too.
    let shown = disks.iter().all(|disk| disk.medium != DiskMedium::Unknown);
    Ok((disks, bare && shown))
}
