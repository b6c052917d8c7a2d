//! Access: what the host's secrets and root's rights are worth beside the files that we render. Those files themselves
//! are the business of access/secrets-private.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::access::secret_paths;
use crate::controls::inside::Word;
use crate::controls::inside::each;
use crate::facts::PlaceKind;

/// Everybody may write.
const WORLD_WRITE: u32 = 0o002;

/// access/no-secrets-out-of-place.
pub(crate) fn no_secrets_out_of_place(case: &Case) -> Vec<Verdict> {
    let expected = "no value of a secret in arguments, environments, logs, histories, debconf or files for everybody";
    each(case, "secrets' values", expected, |host, facts| {
        let Some(seen) = facts.inside.exposed.known().map_err(str::to_owned)? else {
            return Err("the host has no secrets, so nothing was searched for".to_owned());
        };
        let judged = judged_elsewhere(host);
        let places = seen.places.iter();
        let places = places.filter(|place| place.kind != PlaceKind::File || !judged.contains(&place.place));
        let wrong = places.map(|place| {
            let secrets = match place.secrets.as_str() {
                "" => "a secret".to_owned(),
                names => format!("the secret {}", names.replace(' ', " and ")),
            };
            (
                place.place.clone(),
                format!("{secrets} stands in {}", words(place.kind)),
            )
        });
        Ok(Word {
            wrong: wrong.collect(),
            seen: format!(
                "{} files that everybody may read, the logs, histories, debconf's answers and all processes were \
                 searched on the host",
                seen.read
            ),
        })
    })
}

fn words(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::File => "a file that everybody may read",
        PlaceKind::Log => "a log",
        PlaceKind::Debconf => "what debconf remembers",
        PlaceKind::History => "a history of commands",
        PlaceKind::Arguments => "the arguments of a process, which everybody may read",
        PlaceKind::Environment => "the environment of a process",
    }
}

/// Paths whose owner, group and mode are another control's business.
fn judged_elsewhere(host: &HostCase) -> BTreeSet<String> {
    let paths = secret_paths(host).into_iter();
    paths.map(|(path, _)| path.to_string()).collect()
}

/// access/files-private.
pub(crate) fn files_private(case: &Case) -> Vec<Verdict> {
    let expected = "no private key for everybody, and nothing of ours that everybody or a person's account may write";
    each(case, "files", expected, |host, facts| {
        let keys = facts.inside.open_keys.known().map_err(str::to_owned)?;
        let loose = facts.inside.loose.known().map_err(str::to_owned)?;
        let judged = judged_elsewhere(host);
        let keys = keys.iter().filter(|path| !judged.contains(*path));
        let keys = keys.map(|path| (path.clone(), "a private key that everybody may read".to_owned()));
        let loose = loose.iter().filter(|file| !judged.contains(&file.path));
        let loose = loose.map(|file| {
            let who = if file.mode & WORLD_WRITE != 0 {
                "everybody may write it"
            } else {
                "it belongs to a person's account, or to nobody"
            };
            let observed = format!("{:04o} {}:{}: {who}", file.mode, file.owner, file.group);
            (file.path.clone(), observed)
        });
        Ok(Word {
            wrong: keys.chain(loose).collect(),
            seen: "no such file below /etc, the services' folders and /usr/local".to_owned(),
        })
    })
}

/// access/setuid-programs.
pub(crate) fn setuid_programs(case: &Case) -> Vec<Verdict> {
    let expected = "every program that runs as root whoever starts it was brought by a package";
    each(case, "setuid programs", expected, |_, facts| {
        let programs = facts.inside.setuid.known().map_err(str::to_owned)?;
        let strange = programs.iter().filter(|(_, package)| package.is_none());
        Ok(Word {
            wrong: strange
                .map(|(path, _)| (path.clone(), "it runs as root and no package brought it".to_owned()))
                .collect(),
            seen: format!("{} programs, each of a package", programs.len()),
        })
    })
}
